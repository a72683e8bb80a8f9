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
import { Hasher } from "./Hasher.js"
import * as Background from "./internal/background.js"
import { Caller } from "./internal/caller.js"
import * as Limits from "./internal/limits.js"
import { Listener } from "./internal/listener.js"
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
     * removes the part; if it comes while the file is being published, the file stands complete. Several callers that ask
     * for the same file at the same time share one transfer. Each has its own events and outcome, and the transfer ends with
     * the last of them.
     */
    readonly download: (request: DownloadRequest) => Effect.Effect<Saved | Skipped, DownloadError>
    /**
     * Fetches files, at most `concurrency` at a time, and gives their outcomes in the order of completion. Default 5;
     * at most 10,000; a fraction is rounded down, and what is no number from 1 on (0, a negative one, NaN) means 1. Requests are taken in by the chunks of the input as they can be worked on, and a slow consumer
     * slows the run down. A failed file is an outcome, not a failure of the stream; the stream fails where `requests`
     * does, after what is under way is done. It also does if a bug is met, in a journal for example: no further request
     * begins, and the request that met the bug has its outcome, `Cancelled` if none is known.
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
 * How a downloader goes about it. The limits of `OriginGovernor.Options` count if no `OriginGovernor` is in the context.
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
 * Makes a downloader of the transport and the store in the context.
 *
 * `Progress`, `Journal`, `OriginGovernor` and `Hasher` are taken from the context of the program that asks for a download or a
 * run, or else from the context of this effect. If there is an `OriginGovernor`, the limits in `options` have no effect, which
 * is logged as a warning; else the downloader has a governor of its own with these limits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: Options
): Effect.Effect<typeof Downloader.Service, never, Transport | Store | Scope.Scope> => makeWith(options)

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
export const makeWith = (
  options: Options = {},
  rule = Segments.rule
): Effect.Effect<typeof Downloader.Service, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const wrong = options.limitBytes === undefined ? undefined : RequestProblem.ofLimit(options.limitBytes)
    if (wrong !== undefined) {
      return yield* Effect.dieMessage(`the options of a downloader: ${wrong}`)
    }
    const ports = yield* Effect.context<Transport | Store | Scope.Scope>()
    const built = yield* Effect.context<never>()
    // Closes after what is under way: it tells until its end.
    const background = yield* Background.make
    const share = yield* Share.make
    const over = (
      governor: typeof OriginGovernor.OriginGovernor.Service,
      hasher: typeof Hasher.Service
    ): Effect.Effect<Transfer> =>
      makeTransfer(
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
      ).pipe(Effect.provideService(Hasher, hasher), Effect.provide(ports))
    const shared = Context.getOption(built, OriginGovernor.OriginGovernor)
    yield* Option.isSome(shared) ? tellOfVoid(options) : Effect.void
    const governor = Option.isSome(shared) ? shared.value : yield* OriginGovernor.make(options)
    const listeners = new WeakMap<typeof Progress.Service, Listener>()
    const transfers = new WeakMap<
      typeof OriginGovernor.OriginGovernor.Service,
      WeakMap<typeof Hasher.Service, Transfer>
    >([[governor, new WeakMap()]])

    const transferOf = (context: Context.Context<never>): Effect.Effect<Transfer> =>
      Effect.suspend(() => {
        const asked = Option.getOrElse(Context.getOption(context, OriginGovernor.OriginGovernor), () => governor)
        const hasher = Context.get(context.unsafeMap.has(Hasher.key) ? context : built, Hasher)
        const known = transfers.get(asked)
        const made = known?.get(hasher)
        if (made !== undefined) {
          return Effect.succeed(made)
        }
        const byHasher = known ?? new WeakMap<typeof Hasher.Service, Transfer>()
        transfers.set(asked, byHasher)
        return Effect.zipRight(
          known === undefined ? tellOfVoid(options) : Effect.void,
          Effect.tap(over(asked, hasher), (transfer) => Effect.sync(() => byHasher.set(hasher, transfer)))
        )
      })

    // Options that make no sense are refused when the layer is built.
    yield* transferOf(built)

    const listenerOf = (context: Context.Context<never>): Listener | undefined => {
      const progress = Context.get(context.unsafeMap.has(Progress.key) ? context : built, Progress)
      if (progress === silent) {
        return undefined
      }
      const known = listeners.get(progress)
      if (known !== undefined) {
        return known
      }
      const made = new Listener(progress, background)
      listeners.set(progress, made)
      return made
    }

    const journalOf = (context: Context.Context<never>): typeof Journal.Journal.Service | undefined =>
      Option.getOrUndefined(
        Option.orElse(Context.getOption(context, Journal.Journal), () => Context.getOption(built, Journal.Journal))
      )

    // One rule for all three: what the program that asks has in its context, or else what the downloader was built with.
    const asking: Effect.Effect<Caller> = Effect.flatMap(
      Effect.zip(Effect.runtime(), Effect.tracer),
      ([runtime, tracer]) =>
        Effect.map(
          transferOf(runtime.context),
          (transfer) =>
            new Caller(
              transfer,
              runtime,
              background,
              listenerOf(runtime.context),
              journalOf(runtime.context),
              // Effect's own tracer shows its spans to nobody, and makes them all the same.
              tracer !== nobodysTracer
            )
        )
    )

    const carry = (
      caller: Caller,
      request: DownloadRequest,
      restore: Restore,
      ask?: OriginGovernor.Ask,
      lead?: Share.Lead
    ): Effect.Effect<DownloadOutcome> => {
      const audience = caller.isListening ? caller : undefined
      const work = share.carry(caller.transfer, request, restore, { ask, audience }, lead)
      return caller.traced(request, caller.isSilent ? work : followed(caller, request, restore, lead, work))
    }

    return Downloader.of({
      download: (request) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(asking, (caller) => Effect.flatMap(carry(caller, request, restore), toExit))
        ),
      run: (requests, options) => {
        const concurrency = widthOf(options?.concurrency ?? defaults.concurrency)
        return Stream.unwrap(
          Effect.map(asking, (caller) =>
            run(
              {
                scope: share.scope,
                carry: (request, restore, ask, lead) => carry(caller, request, restore, ask, lead),
                giveUp: (request) => caller.giveUp(request)
              },
              requests,
              concurrency
            )
          )
        )
      }
    })
  })

/** Tells what comes of a request to the listener and the journal of its caller. */
const followed = (
  caller: Caller,
  request: DownloadRequest,
  restore: Restore,
  lead: Share.Lead | undefined,
  work: Effect.Effect<DownloadOutcome>
): Effect.Effect<DownloadOutcome> =>
  Effect.suspend(() => {
    caller.begin(request)
    return Effect.matchCauseEffect(work, {
      onSuccess: (outcome) => {
        // Its request was told as cancelled already.
        if (lead?.isLeft === true) {
          caller.end()
          return Effect.succeed(outcome)
        }
        return caller.conclude(outcome, restore, lead)
      },
      // A bug: nothing is known of the file.
      onFailure: (cause) => {
        caller.end(lead?.isLeft === true ? undefined : Unchecked.make(Cancelled, { request }))
        return Effect.failCause(cause)
      }
    })
  })

const limits: Record<keyof OriginGovernor.Options, true> = {
  concurrency: true,
  perOrigin: true,
  adaptive: true,
  requestsPerSecond: true,
  requestsPerSecondPerOrigin: true,
  bytesPerSecond: true,
  bytesPerSecondPerOrigin: true
}

/** Limits of a downloader that another governor takes the place of. */
const tellOfVoid = (options: Options): Effect.Effect<void> => {
  const given = Object.entries(options).flatMap(([name, value]) =>
    name in limits && value !== undefined ? [name] : []
  )
  return given.length === 0
    ? Effect.void
    : Effect.logWarning(
        `These options of the downloader have no effect: ${given.join(", ")}. The OriginGovernor in the context keeps the limits.`
      )
}

const widest = 10_000

const widthOf = (concurrency: number): number => (concurrency >= 1 ? Math.min(Math.trunc(concurrency), widest) : 1)

// Told to nobody.
const silent = Context.get(Context.empty(), Progress)

const nobodysTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)
