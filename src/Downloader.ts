/**
 * Downloads files: one request, or a stream of requests at bounded concurrency.
 *
 * Each request that a run receives has exactly one outcome. The outcome is decided in the uninterruptible step that gives the
 * file its name, so a published file is never reported as cancelled.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import * as RequestHeaders from "./Download/requestHeaders.js"
import * as RequestProblem from "./Download/requestProblem.js"
import type { DownloadOutcome, DownloadRequest, NotModified, RequestOptions, Saved, Skipped } from "./Download.js"
import type { DownloadError } from "./DownloadError.js"
import { makeCurrentCaller } from "./Downloader/callers.js"
import { config, defaults, type Options } from "./Downloader/options.js"
import * as Background from "./engine/background.js"
import type { Caller } from "./engine/caller.js"
import * as Content from "./engine/content.js"
import type { Restore, RunNames } from "./engine/hooks.js"
import { toExit } from "./engine/outcome.js"
import { type ResumeRule, resumeRule } from "./engine/resume/resumeRule.js"
import { run } from "./engine/run.js"
import type { RunPermits } from "./engine/runPermits.js"
import { segmentRule } from "./engine/segments/segmentRule.js"
import * as SharedTransfers from "./engine/sharedTransfer.js"
import { inRunSpan, inTransferSpan, type TransferTrace } from "./engine/trace.js"
import { isHttp } from "./internal/text/displayUrl.js"
import { UniquePaths } from "./internal/text/uniquePaths.js"
import type { Store } from "./Store.js"
import type { Transport } from "./Transport.js"

export { config, defaults, type Options }

/**
 * Downloads files.
 *
 * @category tags
 * @since 0.1.0
 */
export class Downloader extends Context.Tag("halyard/Downloader")<
  Downloader,
  {
    /**
     * Downloads one file, or fails with a `DownloadError`. An interruption closes the connection and removes the part. If the
     * interruption comes while the file is being published, the publish is completed first. Several callers that request the
     * same file at the same time share one transfer. Each has its own events and outcome. The transfer is cancelled only when
     * all of them are interrupted.
     */
    readonly download: (request: DownloadRequest) => Effect.Effect<Saved | Skipped | NotModified, DownloadError>
    /**
     * Downloads files, at most `concurrency` at a time, and emits their outcomes in the order of completion. `concurrency` is
     * 5 by default and at most 10,000. A fraction is rounded down; 0, a negative number and `NaN` mean 1. The run pulls
     * chunks of `requests` when it has room for them, and a slow consumer slows the run down. A failed file is an outcome,
     * not a failure of the stream. If `requests` fails, the stream fails after the transfers in flight have ended. After a
     * defect, for example in a journal, no further request begins, and the stream dies after the transfers in flight have
     * ended. The request of the defect has an outcome too: `Cancelled` if no other is known.
     *
     * Interrupting the consumer cancels the transfers in flight. Their outcomes go to `Progress` and `Journal` only.
     */
    readonly run: <E = never, R = never>(
      requests: Stream.Stream<DownloadRequest, E, R>,
      options?: { readonly concurrency?: number | undefined }
    ) => Stream.Stream<DownloadOutcome, E, R>
    /**
     * The content as it arrives, in chunks that the reader may keep. The transfer begins when the stream is run. It follows the
     * same rules as `download`. A slow reader pauses the body after 256 KiB. When the stream ends, its length, size and digest were
     * checked; if one of them is wrong, the stream fails after its last chunk.
     *
     * A failed attempt is continued after the last byte if a validator or a digest proves that the rest is of the same version.
     * Otherwise the stream fails, because delivered bytes cannot be taken back. If the reader stops early, or is interrupted, the
     * connection is closed before the stream ends. The stream holds a permit of its origin while the body arrives, also while the
     * reader pauses it. `Progress` gets its events, and `Journal` gets no entry.
     */
    readonly stream: (request: ContentRequest) => Stream.Stream<Uint8Array, DownloadError>
    /**
     * The whole content in memory. Set `limitBytes`, of the request or of the downloader: a hostile server may send more than the
     * memory holds. A larger content fails with `TooLarge`. Otherwise it is like `download`, without a file: an attempt may start
     * over. `Progress` gets its events, and `Journal` gets no entry.
     */
    readonly bytes: (request: ContentRequest) => Effect.Effect<Uint8Array, DownloadError>
  }
>() {}

/**
 * The fields of a request for `stream` and `bytes`, which have no destination.
 *
 * @category models
 * @since 0.2.0
 */
export type ContentRequest = Omit<RequestOptions, "destination" | "nameFrom" | "onExists" | "resume">

/**
 * Makes a downloader with the transport and the store in the context.
 *
 * The downloader uses `Progress`, `Journal`, `OriginGovernor` and `Hasher` from the context of the program that calls `download` or
 * `run`, or else from the context of this effect. If neither context has an `OriginGovernor`, the downloader makes one with the
 * limits in `options`. Otherwise these limits have no effect, and a warning is logged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: Options
): Effect.Effect<typeof Downloader.Service, never, Transport | Store | Scope.Scope> => makeWith(options)

/**
 * A downloader with the transport and the store in the context, and the default options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Downloader, never, Transport | Store> = Layer.scoped(
  Downloader,
  Effect.suspend(() => make())
)

/**
 * A downloader with the transport and the store in the context, and these options.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (options: Options): Layer.Layer<Downloader, never, Transport | Store> =>
  Layer.scoped(Downloader, make(options))

/**
 * A downloader with the transport and the store in the context, and the options from a `Config`. Default: `config`. Environment
 * variables in upper case, such as `HALYARD_PER_ORIGIN`, are read with `ConfigProvider.fromEnv().pipe(ConfigProvider.nested("halyard"),
 * ConfigProvider.constantCase)`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<Downloader, ConfigError, Transport | Store> => Layer.unwrapEffect(Effect.map(options, layerWith))

/** @internal */
export const makeWith = (
  options: Options = {},
  rule = segmentRule,
  resume: ResumeRule = resumeRule
): Effect.Effect<typeof Downloader.Service, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const { userAgent = defaults.userAgent } = options
    const origins = options.traceOrigins ?? []
    const wrong =
      (options.limitBytes === undefined ? undefined : RequestProblem.ofLimit(options.limitBytes)) ??
      (origins.every(isHttpUrl) ? undefined : "traceOrigins must be absolute URLs of http: or https:") ??
      (RequestHeaders.isFieldValue(userAgent) ? undefined : "userAgent has a character that no header can have")
    if (wrong !== undefined) {
      return yield* Effect.dieMessage(`the options of a downloader: ${wrong}`)
    }
    // Closes after the transfers in flight, which send events until they end.
    const background = yield* Background.make
    const sharedTransfers = yield* SharedTransfers.make
    const currentCaller = yield* makeCurrentCaller(options, background, rule, resume)

    const perform = (
      caller: Caller,
      request: DownloadRequest,
      restore: Restore,
      permitOptions?: RunPermits,
      worker?: SharedTransfers.Worker,
      runNames?: RunNames,
      runSpan?: Tracer.Span
    ): Effect.Effect<DownloadOutcome> => {
      const events = caller.hasListener ? caller : undefined
      const work = (trace?: TransferTrace): Effect.Effect<DownloadOutcome> => {
        const hooks = { permitOptions, events, journal: caller.journal, cookies: caller.cookies, runNames }
        const work = sharedTransfers.perform(caller.transfer, request, restore, hooks, trace, worker)
        return caller.isSilent ? work : caller.withReports(request, restore, worker, work)
      }
      return caller.tracing === undefined ? work() : inTransferSpan(caller.tracing, request, work, runSpan)
    }

    const performContent = (options: ContentRequest): Effect.Effect<Content.Perform> =>
      Effect.map(currentCaller, (given) => {
        const caller = given.withoutJournal
        const request = Content.requestOf(options)
        return (content) => {
          const events = caller.hasListener ? caller : undefined
          const work = (trace?: TransferTrace): Effect.Effect<DownloadOutcome> => {
            const hooks = { events, trace: { trace }, cookies: caller.cookies, content }
            const work = Effect.suspend(() => caller.transfer(request, Effect.interruptible, hooks))
            return caller.withReports(request, Effect.interruptible, undefined, work)
          }
          return caller.tracing === undefined ? work() : inTransferSpan(caller.tracing, request, work)
        }
      })

    return Downloader.of({
      download: (request) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(currentCaller, (caller) => Effect.flatMap(perform(caller, request, restore), toExit))
        ),
      stream: (request) => Content.stream(performContent(request), sharedTransfers.scope),
      bytes: (request) => Content.bytes(performContent(request), sharedTransfers.scope),
      run: (requests, options) => {
        const concurrency = concurrencyOf(options?.concurrency ?? defaults.concurrency)
        return Stream.unwrap(
          Effect.map(currentCaller, (caller) => {
            const names = runNames()
            const runIn = (span?: Tracer.Span) =>
              run(
                {
                  scope: sharedTransfers.scope,
                  perform: (request, restore, permitOptions, worker) =>
                    perform(caller, request, restore, permitOptions, worker, names, span),
                  onCancelled: (request) => caller.reportCancelled(request),
                  onUntaken: (request) => caller.reportCancelled(request, 0)
                },
                requests,
                concurrency
              )
            return caller.tracing === undefined ? runIn() : inRunSpan(concurrency, runIn)
          })
        )
      }
    })
  })

/** The names of one run. Most runs need none. */
const runNames = (): RunNames => {
  let paths: UniquePaths | undefined
  return {
    take: (destination, isTaken) => {
      paths ??= new UniquePaths()
      return paths.takeName(destination, isTaken)
    }
  }
}

const isHttpUrl = (text: string): boolean => URL.canParse(text) && isHttp(new URL(text))

const maxConcurrency = 10_000

const concurrencyOf = (given: number): number => (given >= 1 ? Math.min(Math.trunc(given), maxConcurrency) : 1)
