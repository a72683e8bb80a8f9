/**
 * Carries out `halyard get`: reads URLs as they arrive, names their files, fetches them, and reports.
 */
import * as Path from "@effect/platform/Path"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Download from "../../Download.js"
import { Timeout } from "../../DownloadError.js"
import { Finished } from "../../DownloadEvent.js"
import * as Downloader from "../../Downloader.js"
import * as Digest from "../../internal/digest.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import * as Progress from "../../Progress.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import { Spinner } from "../../Spinner.js"
import { StatusLine } from "../../StatusLine.js"
import { type Durability, Store } from "../../Store.js"
import * as Supervisor from "../../Supervisor.js"
import { Host } from "../Host.js"
import { UsageError } from "../UsageError.js"
import * as UnfinishedParts from "../unfinishedParts.js"
import type { Source } from "./headerSource.js"
import * as Headers from "./headers.js"
import { bytesOf, isStandardInput } from "./input.js"
import * as Lines from "./lines.js"
import { isStandardOutput, type Named, outputOf } from "./output.js"
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
  readonly connectTimeout: Duration.Duration | undefined
  readonly headersTimeout: Duration.Duration | undefined
  readonly speedTime: Duration.Duration | undefined
  readonly speedLimit: number | undefined
  readonly maxTime: Duration.Duration | undefined
  readonly checksum: string | undefined
  readonly maxFilesize: number | undefined
  readonly header: ReadonlyArray<Source>
  readonly headerEnv: ReadonlyArray<string>
  readonly onExists: Download.DownloadRequest["onExists"]
  readonly durability: Durability
  readonly strict: boolean
  readonly publicOnly: boolean
  readonly json: boolean
  /** Names of options on the command line that only concern files. */
  readonly forFiles: ReadonlyArray<string>
}

export const get = Effect.fn("get")(function* (options: GetOptions) {
  const host = yield* Host
  const named = options.output === undefined ? undefined : yield* outputOf(options.directory, options.output)
  const statusLine = yield* StatusLine
  let hasWaited = false
  const store =
    named?.stream === undefined
      ? host.store
      : host.outputStore(named.stream, () => {
          hasWaited = true
          statusLine.line(`${Printable.line(named.destination)}: waiting for a reader`)
        })
  // The scope keeps the list open for as long as the run takes.
  return yield* Effect.provide(
    run(options, named, () => hasWaited),
    Layer.merge(store, Layer.scope)
  )
})

const run = Effect.fnUntraced(function* (
  options: GetOptions,
  named: Named | undefined,
  /** Whether the output was a pipe without a reader. */
  hasWaited: () => boolean
) {
  const path = yield* Path.Path
  const spinner = yield* Spinner
  const given = yield* linesOf(options)
  const headers = yield* Headers.read(options.header, options.headerEnv)
  const toStdout = isStandardOutput(named?.stream)
  if (toStdout && options.json) {
    return yield* new UsageError({ rule: "--json and --output - would both write standard output" })
  }
  const [forFiles] = options.forFiles
  if (named?.stream !== undefined && forFiles !== undefined) {
    return yield* new UsageError({
      rule: `${forFiles} is for files, and --output ${Printable.line(named.destination)} is not a file`
    })
  }
  const directory = named === undefined ? options.directory : path.dirname(named.destination)
  const report = yield* Report.make({ ...options, hasPaths: !toStdout })
  const start = yield* Clock.currentTimeNanos
  const conclude = Effect.flatMap(Clock.currentTimeNanos, (end) => report.conclude(Number(end - start) / 1e9))
  const limit = named?.stream === undefined ? Duration.infinity : (options.maxTime ?? Duration.infinity)
  // Before any request: nothing can be saved in a directory that is not writable.
  const prepared = Effect.flatMap(Store, (store) =>
    store.prepare(named?.stream === undefined ? directory : named.destination)
  ).pipe(
    Effect.timeoutOption(limit),
    Effect.onInterrupt(() => conclude)
  )
  if (Option.isNone(yield* prepared)) {
    const request = Download.request({
      id: "1",
      url: options.urls[0] ?? "",
      destination: named?.destination ?? directory
    })
    const error = new Timeout({
      url: displayUrl(request.url),
      phase: "deadline",
      limitMillis: Duration.toMillis(limit),
      receivedBytes: 0
    })
    yield* report.event(new Finished({ outcome: new Download.Failed({ request, error }) }))
    yield* conclude
    return Download.exitCode(report.current())
  }
  // A wait for the reader is a part of the file's time.
  const waited = Duration.nanos((yield* Clock.currentTimeNanos) - start)
  const deadline =
    options.maxTime !== undefined && hasWaited() ? Duration.subtract(options.maxTime, waited) : options.maxTime
  yield* named?.stream === undefined ? UnfinishedParts.tell(directory) : Effect.void
  // A name has no separators and is never `..`, so all destinations have the same prefix.
  const [within = ""] = path.join(directory, "_").split(/_$/)
  const timeout = options.timeout ?? Duration.infinity
  const nameOf = uniqueNames(report.renamed)
  const { lines, ownHeaders } = yield* Effect.onInterrupt(withHeaders(given, options, headers), () => conclude)
  const tellWithheld = Effect.sync(() => report.note(ownHeaders?.notice()))
  let index = 0
  const host = yield* Host
  const connections = host.connectionsAtMost()
  report.note(
    options.concurrency > connections
      ? `${connections} transfers at a time: the limit for open files (ulimit -n) is too low for ${options.concurrency}`
      : undefined
  )
  const requests = Stream.filterMap(whileTaken(host, lines), (line) => {
    index++
    if (typeof line !== "string") {
      report.refused(index, line)
      return Option.none()
    }
    return Option.some(
      Download.request({
        id: `${index}`,
        url: line,
        destination: named?.destination ?? within + nameOf(line),
        timeout,
        deadline,
        onExists: options.onExists,
        digest: options.checksum,
        limitBytes: options.maxFilesize,
        headers: ownHeaders?.for(line)
      })
    )
  })
  const downloader = Downloader.layerWith({
    retry: RetryPolicy.make({ retries: options.retries }),
    connectTimeout: options.connectTimeout,
    headersTimeout: options.headersTimeout,
    stall: stallOf(options),
    perOrigin: options.perOrigin,
    segments: options.segments,
    durability: options.durability,
    strict: options.strict
  }).pipe(Layer.provide(host.transport(options)), Layer.provide(Progress.layer(report.event)))
  return yield* Effect.flatMap(Downloader.Downloader, ({ run }) =>
    Stream.runDrain(run(requests, { concurrency: Math.min(options.concurrency, connections) }))
  ).pipe(
    Effect.provide(downloader),
    // Frames would run into a body that goes to the same terminal.
    Supervisor.supervise({
      companions: toStdout && host.stdout.isTerminal ? {} : { spinner: spinner.spin({ message: report.status }) }
    }),
    // The report also covers an interrupted run, such as after Ctrl-C.
    Effect.onExit(() => Effect.andThen(tellWithheld, conclude)),
    Effect.zipRight(Effect.sync(() => Download.exitCode(report.current())))
  )
})

/** The minimum number of bytes in `--speed-time`, from `--speed-limit`. */
const stallOf = ({ speedLimit, speedTime = Downloader.defaults.stall.within }: GetOptions) => ({
  bytes: speedLimit === undefined ? 1 : Math.max(1, speedLimit * Duration.toSeconds(speedTime)),
  within: speedTime
})

/**
 * The lines, and the headers for the origin of the first line. The first line is read before any request, because headers
 * without an origin are an error.
 */
const withHeaders = Effect.fnUntraced(function* <E, R>(
  given: Stream.Stream<Lines.Line, E, R>,
  { urls }: GetOptions,
  headers: Headers.Headers
) {
  if (Object.keys(headers).length === 0) {
    return { lines: given, ownHeaders: undefined }
  }
  const pull = yield* Stream.toPull(given)
  const begun = yield* Effect.catchAll(
    Effect.asSome(pull),
    Option.match({ onNone: () => Effect.succeedNone, onSome: (error) => Effect.fail(error) })
  )
  if (Option.isNone(begun)) {
    return { lines: Stream.empty, ownHeaders: undefined }
  }
  const first = Chunk.unsafeHead(begun.value)
  const ownHeaders = typeof first === "string" ? Headers.OriginHeaders.of(first, headers) : Either.left(first.problem)
  if (Either.isLeft(ownHeaders)) {
    const which = urls.length === 0 ? "the first URL of the list" : `the first URL, ${displayUrl(urls[0] ?? "")}`
    return yield* new UsageError({ rule: `--header is for the origin of ${which}: ${ownHeaders.left}` })
  }
  return {
    lines: Stream.concat(Stream.fromChunk(begun.value), Stream.repeatEffectChunkOption(pull)),
    ownHeaders: ownHeaders.right
  }
})

/** The same lines, paused while standard output is full. */
const whileTaken = <A, E, R>({ stdout }: typeof Host.Service, lines: Stream.Stream<A, E, R>) => {
  const awaitRoom: Effect.Effect<void> = Effect.suspend(() =>
    stdout.isFull() ? Effect.delay(awaitRoom, "20 millis") : Effect.void
  )
  return Stream.mapChunksEffect(lines, (chunk) => Effect.as(awaitRoom, chunk))
}

/** The URLs in order: first the arguments, then the list. The list is read while the run goes on. */
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
  const files = options.header.flatMap((source) => (source._tag === "File" ? [source.path] : []))
  if ([...files, input ?? ""].filter(isStandardInput).length > 1) {
    return yield* new UsageError({ rule: "standard input can be read once, for --input or for one --header" })
  }
  if (options.checksum !== undefined && Digest.parse(options.checksum) === undefined) {
    return yield* new UsageError({ rule: "--checksum DIGEST must be sha256:HEX or a Subresource Integrity string" })
  }
  const given: Stream.Stream<Lines.Line> = Stream.fromIterable(urls)
  if (input === undefined) {
    return given
  }
  const bytes = yield* bytesOf(`--input ${Printable.line(input)}`, input)
  return urls.length === 0 ? Lines.fromBytes(bytes) : Stream.concat(given, Lines.fromBytes(bytes))
})
