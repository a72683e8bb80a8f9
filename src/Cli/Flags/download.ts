/**
 * Runs `halyard flags`: starts the origin, downloads the flags with the engine, and reports.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../../Download.js"
import * as Downloader from "../../Downloader.js"
import * as FlagServer from "../../FlagServer.js"
import * as Flags from "../../Flags.js"
import { trimEnd } from "../../internal/text/trimEnd.js"
import * as OriginGovernor from "../../OriginGovernor.js"
import * as Progress from "../../Progress.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import { Store } from "../../Store.js"
import * as Supervisor from "../../Supervisor.js"
import { Host, storeLayer } from "../Host.js"
import * as Display from "../run/display.js"
import { checkDistinct } from "../run/distinctFiles.js"
import type { HarFile } from "../run/harFile.js"
import type { ReportPage } from "../run/reportPage.js"
import { RunEnd } from "../run/runEnd.js"
import * as UnfinishedParts from "../run/unfinishedParts.js"
import * as Telemetry from "../telemetry.js"
import { UsageError } from "../UsageError.js"
import { embedded, engines, type Options, remoteBaseUrl } from "./options.js"
import * as Summary from "./summary.js"
import type * as ThreadPool from "./threadPool.js"

export const download = Effect.fn("flags.download")(function* (
  given: ReadonlyArray<string>,
  options: Options,
  version: string
) {
  const codes = yield* Either.mapLeft(
    Flags.select({ ...options, codes: given }),
    ({ message }) => new UsageError({ message })
  )
  if (options.baseUrl !== undefined && !isHttp(options.baseUrl)) {
    return yield* new UsageError({ message: `--base-url URL must be an http: or https: URL without a query` })
  }
  if (options.baseUrl !== undefined && options.server !== undefined) {
    return yield* new UsageError({ message: "--server and --base-url are two origins: give one of them" })
  }
  if (options.engine === "threads" && options.otlp !== undefined) {
    return yield* new UsageError({ message: "--otlp does not work with --engine threads: use fibers or sequential" })
  }
  if (options.engine === "threads" && options.har !== undefined) {
    return yield* new UsageError({ message: "--har FILE needs --engine fibers or sequential" })
  }
  const { concurrency: defaultConcurrency, maximum } = engines[options.engine]
  const concurrency = Math.min(options.maxReq ?? defaultConcurrency, maximum, codes.length)
  yield* checkDistinct(
    [],
    [
      { option: "--report", file: options.report },
      { option: "--har", file: options.har }
    ].flatMap(({ file, option }) => (file === undefined ? [] : [{ option, file }]))
  )
  const page = options.report === undefined ? undefined : yield* openPage(options.report)
  page?.expect(codes.length)
  yield* Effect.flatMap(Store, (store) => store.prepare(options.directory))
  yield* UnfinishedParts.report(options.directory)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const origin = yield* openOrigin(options)
      const requests = codes.map((code) => Flags.request(code, { ...options, baseUrl: origin.baseUrl }))
      const archive = options.har === undefined ? undefined : yield* openArchive(options.har, version)
      const summary = yield* Summary.make({ ...options, ...origin, requests, concurrency, version })
      const telemetry = options.engine === "threads" ? Telemetry.none : yield* Telemetry.open(options)
      return yield* runEngine(
        options,
        origin,
        requests,
        concurrency,
        page === undefined ? summary : recorded(summary, page),
        { page, archive },
        telemetry
      )
    })
  )
}, Effect.provide(storeLayer))

const openArchive = Effect.fnUntraced(function* (file: string, version: string) {
  const HarFile = yield* Effect.promise(() => import("../run/harFile.js"))
  return yield* HarFile.open("--har", file, { hasSecrets: false, version })
})

const isHttp = (url: string): boolean => /^https?:\/\/[^?#]*$/i.test(url) && URL.canParse(url)

/** The URL and the label of the origin. An embedded origin runs until the scope ends. */
const openOrigin = Effect.fnUntraced(function* (options: Options) {
  if (options.baseUrl !== undefined) {
    return { label: "REMOTE" as const, baseUrl: trimEnd(options.baseUrl, "/") }
  }
  const { server = "LOCAL" } = options
  if (server === "REMOTE") {
    return { label: server, baseUrl: remoteBaseUrl }
  }
  const host = yield* Host
  const context = yield* Layer.build(
    FlagServer.layer({ directory: host.flagsDirectory, seed: options.seed, ...embedded[server] }).pipe(
      Layer.provide(host.listen({ hostname: "127.0.0.1", port: 0 }))
    )
  )
  return { label: server, baseUrl: (yield* Effect.provide(FlagServer.FlagServer, context)).baseUrl }
})

const runEngine = Effect.fnUntraced(function* (
  options: Options,
  origin: { readonly baseUrl: string; readonly label: string },
  requests: ReadonlyArray<Download.DownloadRequest>,
  concurrency: number,
  summary: Summary.Summary,
  files: { readonly page: ReportPage | undefined; readonly archive: HarFile | undefined },
  telemetry: Telemetry.Telemetry
) {
  const end = new RunEnd()
  const listener = files.archive?.adding(summary.lineOptions, summary.event) ?? summary.event
  const start = yield* Clock.currentTimeNanos
  const conclude = Effect.flatMap(Clock.currentTimeNanos, (end) => summary.conclude(Number(end - start) / 1e9))
  yield* summary.begin
  const run =
    options.engine === "threads"
      ? inThreads({ ...options, ...origin, threads: concurrency, onEvent: summary.event }, requests)
      : inFibers(requests, options, origin.label, concurrency, listener, telemetry)
  return yield* run.pipe(
    Supervisor.supervise({
      companions: {
        display: Display.show(options.progress, summary.display)
      }
    }),
    // The summary is also printed after Ctrl-C.
    Effect.onExit(() => end.after([files.page?.save(() => []), files.archive?.save], conclude)),
    Effect.zipRight(Effect.sync(() => (end.areFilesSaved ? Download.exitCode(summary.current()) : 1)))
  )
})

/** Opens the page of `--report`. */
const openPage = (file: string) =>
  Effect.flatMap(
    Effect.promise(() => import("../run/reportPage.js")),
    ({ open }) => open("--report", file, { hasSecrets: false, isOwnRun: true })
  )

/** A summary that also records its events for the page. */
const recorded = (summary: Summary.Summary, page: ReportPage): Summary.Summary => ({
  ...summary,
  event: (event) => {
    page.receive(event)
    return summary.event(event)
  }
})

const inThreads = (
  options: ThreadPool.Options,
  requests: ReadonlyArray<Download.DownloadRequest>
): Effect.Effect<void, never, Host> =>
  Effect.flatMap(
    Effect.promise(() => import("./threadPool.js")),
    ({ fetchAll }) =>
      Effect.flatMap(Host, ({ flagWorkers }) => Effect.provide(fetchAll(requests, options), flagWorkers))
  )

// One attempt for each flag, as in the chapter.
const inFibers = (
  requests: ReadonlyArray<Download.DownloadRequest>,
  options: Options,
  label: string,
  concurrency: number,
  listener: Summary.Summary["event"],
  telemetry: Telemetry.Telemetry
): Effect.Effect<void, UsageError, Host | Store> =>
  Effect.gen(function* () {
    const host = yield* Host
    // An embedded origin is in this process, which a proxy cannot reach.
    const transport = yield* host.transport({ noProxy: label === "REMOTE" ? undefined : "*" })
    yield* Effect.flatMap(Downloader.Downloader, (downloader) =>
      Stream.runDrain(downloader.run(Stream.fromIterable(requests), { concurrency }))
    ).pipe(
      Effect.provide(
        Downloader.layerWith({
          retry: RetryPolicy.none,
          traceOrigins: options.traceOrigin,
          responses: options.har !== undefined
        }).pipe(
          Layer.provide(Layer.merge(transport(), telemetry.withMetrics(Progress.layer(listener)))),
          Layer.provide(OriginGovernor.layer({ adaptive: false }))
        )
      ),
      telemetry.withSpans
    )
  })
