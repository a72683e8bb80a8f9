/**
 * Carries requests out: one transfer, or a stream of them at bounded concurrency.
 *
 * Whatever happens to a request that was taken in, it ends in exactly one outcome. The outcome is decided in the
 * uninterruptible step that gives the file its name, so that a file which stands there is never reported as cancelled.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { Cancelled, type DownloadOutcome, type DownloadRequest, type Saved, type Skipped } from "./Download.js"
import type { DownloadError } from "./DownloadError.js"
import { Finished, Started } from "./DownloadEvent.js"
import { displayLabel, displayUrl } from "./internal/displayUrl.js"
import * as Limits from "./internal/limits.js"
import * as RequestProblem from "./internal/requestProblem.js"
import { run } from "./internal/run.js"
import * as Segments from "./internal/segments.js"
import { type Restore, toExit } from "./internal/settle.js"
import * as Share from "./internal/share.js"
import { makeTransfer, type Transfer } from "./internal/transfer.js"
import * as Unchecked from "./internal/unchecked.js"
import * as Journal from "./Journal.js"
import * as OriginGovernor from "./OriginGovernor.js"
import { Progress } from "./Progress.js"
import * as RetryPolicy from "./RetryPolicy.js"
import type { Durability, Store } from "./Store.js"
import type { Transport } from "./Transport.js"

/**
 * Carries requests out.
 *
 * @category tags
 * @since 0.1.0
 */
export class Downloader extends Context.Tag("halyard/Downloader")<
  Downloader,
  {
    /**
     * Fetches one file. Fails with the `DownloadError` that says why not. An interruption gives the connection up and
     * removes the part; if it comes while the file is being published, the file stands complete.
     */
    readonly download: (request: DownloadRequest) => Effect.Effect<Saved | Skipped, DownloadError>
    /**
     * Fetches files, at most `concurrency` at a time, and gives their outcomes in the order of completion. Default 5;
     * at most 10,000; a fraction is rounded down, and what is no number from 1 on (0, a negative one, NaN) means 1. Requests are taken in by the chunks of the input as they can be worked on, and a slow consumer
     * slows the run down. A failed file is an outcome, not a failure of the stream; the stream fails where `requests`
     * does, after what is under way is done.
     *
     * Interrupting the consumer cancels what is under way; those outcomes have no consumer any more and go to
     * `Progress` alone, which has all of them.
     */
    readonly run: <E = never, R = never>(
      requests: Stream.Stream<DownloadRequest, E, R>,
      options?: { readonly concurrency?: number | undefined }
    ) => Stream.Stream<DownloadOutcome, E, R>
  }
>() {}

/**
 * How a downloader goes about it.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options extends OriginGovernor.Options {
  /** What is not said is as in `RetryPolicy.defaults`. */
  readonly retry?: RetryPolicy.Options | undefined
  /** For a new connection. Default: the transport's own limit. A request may say another one, as for the next two. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * From the beginning of an attempt, its connection included, to the end of the response's head; absolute. Default 5
   * minutes. After an attempt that reached this limit, that for a connection or that for a stall, the next attempt has
   * twice the time.
   */
  readonly headersTimeout?: Duration.DurationInput | undefined
  /** Fewer bytes than this in that time are a stall, which is found out up to a quarter of it later. Default: 1 byte in 1 minute. */
  readonly stall?: { readonly bytes: number; readonly within: Duration.DurationInput } | undefined
  /** What a saved file survives. Default `full`. */
  readonly durability?: Durability | undefined
  /** Refuse content that nothing can verify (no length, no digest). Default false: `Saved.verified` is then `none`. */
  readonly strict?: boolean | undefined
  /**
   * What the content of a request that has no `limitBytes` of its own may not exceed, in bytes. Default `Infinity`. A larger
   * one fails with `TooLarge`, before its body if its length is announced.
   */
  readonly limitBytes?: number | undefined
  /**
   * Connections for one file, from 1 on. Default 1. Others than the first are begun where what is left of a file would
   * take more than a second, in shares of at least 1 MiB and where a range of it can be asked for and shown to be of the
   * same version. Each needs a permit, which it takes only where there is one that nobody waits for, and gives back when
   * somebody does. Needs a store whose parts have random access (`Part.at`) and a governor with `atOnce.spare`.
   */
  readonly segments?: number | undefined
}

/**
 * What holds where nothing else is said.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: {
  /** Transfers of a run. */
  readonly concurrency: number
  readonly headersTimeout: Duration.Duration
  readonly stall: { readonly bytes: number; readonly within: Duration.Duration }
  readonly durability: Durability
} = {
  concurrency: 5,
  headersTimeout: Duration.minutes(5),
  stall: { bytes: 1, within: Duration.minutes(1) },
  durability: "full"
}

/**
 * Makes a downloader of the transport and the store in the context. Limits are kept by the `OriginGovernor` in the
 * context, for all who share it; where there is none, by one of its own, with the limits of `options`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: Options
): Effect.Effect<typeof Downloader.Service, never, Transport | Store | Scope.Scope> =>
  Effect.flatMap(makeTransferWith(options), (transfer) => fromTransfer(transfer))

/**
 * The downloader over the transport and the store in the context, with the defaults.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Downloader, never, Transport | Store> = Layer.scoped(
  Downloader,
  Effect.suspend(() => make())
)

/**
 * The downloader over the transport and the store in the context, with these options.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (options: Options): Layer.Layer<Downloader, never, Transport | Store> =>
  Layer.scoped(Downloader, make(options))

/** @internal */
export const makeTransferWith = (
  options: Options = {},
  rule = Segments.rule
): Effect.Effect<Transfer, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const wrong = options.limitBytes === undefined ? undefined : RequestProblem.ofLimit(options.limitBytes)
    if (wrong !== undefined) {
      return yield* Effect.dieMessage(`the options of a downloader: ${wrong}`)
    }
    const shared = yield* Effect.serviceOption(OriginGovernor.OriginGovernor)
    const governor = Option.isSome(shared) ? shared.value : yield* OriginGovernor.make(options)
    return yield* makeTransfer(
      {
        retry: RetryPolicy.make(options.retry ?? {}),
        limits: Limits.forDownloader(options, defaults),
        durability: options.durability ?? defaults.durability,
        strict: options.strict ?? false,
        limitBytes: options.limitBytes ?? Number.POSITIVE_INFINITY,
        segments:
          options.segments === undefined || !(options.segments > 1) ? undefined : rule(Math.trunc(options.segments))
      },
      governor
    )
  })

/** @internal */
export const fromTransfer = (transfer: Transfer): Effect.Effect<typeof Downloader.Service, never, Scope.Scope> =>
  Effect.gen(function* () {
    const built = yield* Progress
    const journal = yield* Effect.serviceOption(Journal.Journal)
    const share = yield* Share.make(transfer)
    const remember = (outcome: DownloadOutcome): Effect.Effect<void> =>
      Option.isNone(journal) ? Effect.void : Effect.flatMap(Journal.entryOf(outcome), journal.value.record)

    const told = (outcome: DownloadOutcome, progress: typeof Progress.Service): Effect.Effect<void> =>
      Effect.zipRight(remember(outcome), progress.event(Unchecked.make(Finished, { outcome })))

    const telling = (
      request: DownloadRequest,
      { event }: typeof Progress.Service,
      lead: Share.Lead | undefined,
      work: Effect.Effect<DownloadOutcome>
    ): Effect.Effect<DownloadOutcome> => {
      let known: DownloadOutcome | undefined
      const begun = Effect.zipRight(event(Unchecked.make(Started, { request })), work)
      const remembered = Effect.tap(begun, (outcome) => {
        known = outcome
        return lead?.isLeft === true ? Effect.void : remember(outcome)
      })
      return Effect.matchCauseEffect(remembered, {
        onSuccess: (outcome) =>
          lead?.isLeft === true
            ? Effect.succeed(outcome)
            : Effect.as(event(Unchecked.make(Finished, { outcome })), outcome),
        // A bug, or a journal that cannot be written: of what is not known nobody has said that it was saved.
        onFailure: (cause) =>
          Effect.zipRight(
            lead?.isLeft === true
              ? Effect.void
              : event(Unchecked.make(Finished, { outcome: known ?? Unchecked.make(Cancelled, { request }) })),
            Effect.failCause(cause)
          )
      })
    }

    const carry = (
      request: DownloadRequest,
      progress: typeof Progress.Service,
      tracer: Tracer.Tracer,
      restore: Restore,
      ask?: OriginGovernor.Ask,
      lead?: Share.Lead
    ): Effect.Effect<DownloadOutcome> => {
      const work =
        progress === silent
          ? share.carry(request, restore, { ask }, lead)
          : telling(request, progress, lead, share.carry(request, restore, { ask, event: progress.event }, lead))
      const remembered =
        progress === silent && Option.isSome(journal)
          ? Effect.tap(work, (outcome) => (lead?.isLeft === true ? Effect.void : remember(outcome)))
          : work
      // Effect's own tracer shows its spans to nobody, and makes them all the same.
      return tracer === nobodysTracer
        ? remembered
        : Effect.withSpan(remembered, "Downloader.transfer", {
            attributes: { id: displayLabel(request.id), "url.full": displayUrl(request.url) },
            captureStackTrace: false
          })
    }

    return Downloader.of({
      download: (request) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(Effect.zip(progressOr(built), Effect.tracer), ([progress, tracer]) =>
            Effect.flatMap(carry(request, progress, tracer, restore), toExit)
          )
        ),
      run: (requests, options) => {
        const concurrency = widthOf(options?.concurrency ?? defaults.concurrency)
        return Stream.unwrap(
          Effect.map(Effect.zip(progressOr(built), Effect.tracer), ([progress, tracer]) =>
            run(
              {
                scope: share.scope,
                carry: (request, restore, ask, lead) => carry(request, progress, tracer, restore, ask, lead),
                giveUp: (request) => told(Unchecked.make(Cancelled, { request }), progress)
              },
              requests,
              concurrency
            )
          )
        )
      }
    })
  })

// The one that the caller provides, or else the one that the layer was built with.
const progressOr = (built: typeof Progress.Service): Effect.Effect<typeof Progress.Service> =>
  Effect.contextWith((context: Context.Context<never>) =>
    context.unsafeMap.has(Progress.key) ? Context.get(context, Progress) : built
  )

const widest = 10_000

const widthOf = (concurrency: number): number => (concurrency >= 1 ? Math.min(Math.trunc(concurrency), widest) : 1)

// Told to nobody.
const silent = Context.get(Context.empty(), Progress)

const nobodysTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)
