/**
 * Runs `halyard get`: reads URLs as they arrive, names their files, downloads them, and reports.
 */
import * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Download from "../../Download.js"
import { Timeout } from "../../DownloadError.js"
import { Finished } from "../../DownloadEvent.js"
import * as Downloader from "../../Downloader.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import * as Progress from "../../Progress.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import { Spinner } from "../../Spinner.js"
import { StatusLine } from "../../StatusLine.js"
import { Store } from "../../Store.js"
import * as Supervisor from "../../Supervisor.js"
import { Host } from "../Host.js"
import { longName } from "../Option.js"
import { UsageError } from "../UsageError.js"
import * as UnfinishedParts from "../unfinishedParts.js"
import * as Headers from "./headers.js"
import { options as declared, type Options } from "./options.js"
import { isStandardOutput, type Named, outputOf } from "./output.js"
import * as Report from "./report.js"
import { uniqueNames } from "./uniqueNames.js"
import * as Urls from "./urls.js"

export const get = Effect.fn("get")(function* (urls: ReadonlyArray<string>, options: Options) {
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
    run(urls, options, named, () => hasWaited),
    Layer.merge(store, Layer.scope)
  )
})

const run = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  options: Options,
  named: Named | undefined,
  /** Whether the output was a pipe without a reader. */
  hasWaited: () => boolean
) {
  const path = yield* Path.Path
  const spinner = yield* Spinner
  const given = yield* Urls.open(urls, options)
  const headers = yield* Headers.read(options.header, options.headerEnv)
  const toStdout = isStandardOutput(named?.stream)
  if (toStdout && options.json) {
    return yield* new UsageError({ rule: "--json and --output - would both write standard output" })
  }
  const forFiles = (["onExists", "durability", "segments"] as const).find((name) => options[name] !== undefined)
  if (named?.stream !== undefined && forFiles !== undefined) {
    return yield* new UsageError({
      rule: `${longName(declared[forFiles])} is for files, and --output ${Printable.line(named.destination)} is not a file`
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
      url: urls[0] ?? "",
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
  const { lines, originHeaders } = yield* Effect.onInterrupt(Urls.withHeaders(given, urls, headers), () => conclude)
  const tellWithheld = Effect.sync(() => report.note(originHeaders?.notice()))
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
        // A file that exists may have other content than the checksum demands.
        onExists: options.onExists ?? (options.checksum === undefined ? "skip" : "overwrite"),
        digest: options.checksum,
        limitBytes: options.maxFilesize,
        headers: originHeaders?.for(line)
      })
    )
  })
  const downloader = Downloader.layerWith({
    retry: RetryPolicy.make({ retries: options.retries }),
    connectTimeout: options.connectTimeout,
    headersTimeout: options.headersTimeout,
    stall: stallOf(options),
    perOrigin: options.perOrigin,
    // A stream is written in order.
    segments: named?.stream === undefined ? (options.segments ?? 4) : 1,
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
const stallOf = ({ speedLimit, speedTime = Downloader.defaults.stall.within }: Options) => ({
  bytes: speedLimit === undefined ? 1 : Math.max(1, speedLimit * Duration.toSeconds(speedTime)),
  within: speedTime
})

/** The same lines, paused while standard output is full. */
const whileTaken = <A, E, R>({ stdout }: typeof Host.Service, lines: Stream.Stream<A, E, R>) => {
  const awaitRoom: Effect.Effect<void> = Effect.suspend(() =>
    stdout.isFull() ? Effect.delay(awaitRoom, "20 millis") : Effect.void
  )
  return Stream.mapChunksEffect(lines, (chunk) => Effect.as(awaitRoom, chunk))
}
