/**
 * What `halyard get` does: read URLs as they come, name their files, fetch, report.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Download from "../../Download.js"
import type { Disk } from "../../DownloadError.js"
import * as Downloader from "../../Downloader.js"
import * as Digest from "../../internal/digest.js"
import { fromPlatformError } from "../../internal/diskErrors.js"
import * as Printable from "../../internal/printable.js"
import * as RequestHeaders from "../../internal/requestHeaders.js"
import * as Progress from "../../Progress.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import { Spinner } from "../../Spinner.js"
import { type Durability, Store } from "../../Store.js"
import * as Supervisor from "../../Supervisor.js"
import { Host, storeLayer } from "../Host.js"
import { UsageError } from "../UsageError.js"
import * as Lines from "./lines.js"
import * as Report from "./report.js"
import { uniqueNames } from "./uniqueNames.js"

export interface GetOptions {
  readonly urls: ReadonlyArray<string>
  readonly input: string | undefined
  readonly directory: string
  readonly output: string | undefined
  readonly concurrency: number
  readonly perOrigin: number | undefined
  readonly segments: number
  readonly retries: number
  readonly timeout: Duration.Duration | undefined
  readonly checksum: string | undefined
  readonly header: Readonly<Record<string, string>>
  readonly onExists: Download.DownloadRequest["onExists"]
  readonly durability: Durability
  readonly strict: boolean
  readonly publicOnly: boolean
  readonly json: boolean
}

export const get = Effect.fn("get")(function* (options: GetOptions) {
  const path = yield* Path.Path
  const spinner = yield* Spinner
  const lines = yield* linesOf(options)
  const output = options.output === undefined ? undefined : inDirectory(path, options.directory, options.output)
  const directory = output === undefined ? options.directory : path.dirname(output)
  yield* output === undefined ? Effect.void : refuseUnlessFile(output)
  // Before any request: a directory that cannot be written to is no reason to fetch.
  yield* Effect.flatMap(Store, (store) => store.prepare(directory))
  const nameOf = uniqueNames()
  const headersFor = forFirstOrigin(options.header)
  // A name has no separators and is never `..`: what stands before the first stands before all.
  const [within = ""] = path.join(directory, "_").split(/_$/)
  const timeout = options.timeout ?? Duration.days(30)
  let index = 0
  const requests = Stream.map(lines, (url) => {
    index++
    return Download.request({
      id: `${index}`,
      url,
      destination: output ?? within + nameOf(url),
      timeout,
      onExists: options.onExists,
      digest: options.checksum,
      headers: headersFor(url)
    })
  })
  const report = yield* Report.make(options)
  const start = yield* Clock.currentTimeNanos
  const conclude = Effect.flatMap(Clock.currentTimeNanos, (end) => report.conclude(Number(end - start) / 1e9))
  const host = yield* Host
  const downloader = Downloader.layerWith({
    retry: RetryPolicy.make({ retries: options.retries }),
    perOrigin: options.perOrigin,
    segments: options.segments,
    durability: options.durability,
    strict: options.strict
  }).pipe(Layer.provide(host.transport(options)), Layer.provide(Progress.layer(report.event)))
  return yield* Effect.flatMap(Downloader.Downloader, ({ run }) =>
    Stream.runDrain(run(requests, { concurrency: options.concurrency }))
  ).pipe(
    Effect.provide(downloader),
    Supervisor.supervise({ companions: { spinner: spinner.spin({ message: report.status }) } }),
    // Whatever was done until then is told, also after Ctrl-C.
    Effect.onExit(() => conclude),
    Effect.zipRight(Effect.sync(() => Download.exitCode(report.current())))
  )
}, Effect.provide(storeLayer))

/** What is renamed to a name takes the place of a device or a pipe that had it. */
const refuseUnlessFile = Effect.fnUntraced(function* (output: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fs.stat(output))
  if (Option.isSome(info) && info.value.type !== "File") {
    const what = info.value.type === "Directory" ? "a directory" : "not a regular file"
    return yield* new UsageError({ rule: `--output FILE: ${output} is ${what}` })
  }
})

/** The URLs in their order: first those of the line, then those of the list, which is read as it is worked on. */
const linesOf = Effect.fnUntraced(function* (options: GetOptions) {
  const { input, urls } = options
  if (urls.length === 0 && input === undefined) {
    return yield* new UsageError({ rule: "give a URL, or a list of them with --input FILE" })
  }
  for (const [name, value] of [
    ["--output FILE", options.output],
    ["--checksum DIGEST", options.checksum]
  ]) {
    if (value !== undefined && (urls.length !== 1 || input !== undefined)) {
      return yield* new UsageError({ rule: `${name} is for exactly one URL` })
    }
  }
  const wrong = RequestHeaders.refusal({ headers: Record.map(options.header, Redacted.make) })
  if (wrong !== undefined) {
    return yield* new UsageError({ rule: `--header NAME:VALUE: ${wrong}` })
  }
  if (options.checksum !== undefined && Digest.parse(options.checksum) === undefined) {
    return yield* new UsageError({ rule: "--checksum DIGEST must be sha256:HEX or a Subresource Integrity string" })
  }
  const given = Stream.fromIterable(urls)
  if (input === undefined) {
    return given
  }
  const bytes = yield* bytesOf(input)
  return urls.length === 0 ? Lines.fromBytes(bytes) : Stream.concat(given, Lines.fromBytes(bytes))
})

const bytesOf = Effect.fnUntraced(function* (input: string) {
  const host = yield* Host
  if (standardInput.has(input)) {
    return host.stdin
  }
  const fs = yield* FileSystem.FileSystem
  const failed = (error: PlatformError) => cannotRead(input, fromPlatformError(input)(error))
  yield* Effect.mapError(fs.access(input, { readable: true }), failed)
  const { type } = yield* Effect.mapError(fs.stat(input), failed)
  return type === "File" || type === "Directory"
    ? Stream.mapError(fs.stream(input, { chunkSize: 64 * 1024 }), failed)
    : Stream.mapError(host.read(input, type === "FIFO"), (error) => cannotRead(input, error))
})

// By these names it can be opened once more only where it is no socket.
const standardInput: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])

const inDirectory = (path: Path.Path, directory: string, file: string): string =>
  path.isAbsolute(file) ? file : path.join(directory, file)

/** What may be a secret is for one origin. */
const forFirstOrigin = (
  headers: Readonly<Record<string, string>>
): ((url: string) => Readonly<Record<string, string>> | undefined) => {
  if (Object.keys(headers).length === 0) {
    return () => undefined
  }
  let first: string | undefined
  return (url) => {
    const origin = URL.canParse(url) ? new URL(url).origin : undefined
    first ??= origin
    return origin === first ? headers : undefined
  }
}

const cannotRead = (input: string, { detail, reason }: Disk): UsageError => {
  const what = { missing: "there is no such file", permission: "permission was denied" }
  return new UsageError({
    rule: `--input ${Printable.line(input)}: ${reason === "missing" || reason === "permission" ? what[reason] : detail}`
  })
}
