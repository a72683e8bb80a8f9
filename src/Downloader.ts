/**
 * Carries requests out: one transfer, or a stream of them at bounded concurrency.
 *
 * Whatever happens to a request that was taken in, it ends in exactly one outcome. The outcome is decided in the
 * uninterruptible step that gives the file its name, so that a file which stands there is never reported as cancelled.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { Cancelled, type DownloadOutcome, type DownloadRequest, type Saved, type Skipped } from "./Download.js"
import type { DownloadError } from "./DownloadError.js"
import { type DownloadEvent, Finished, Started } from "./DownloadEvent.js"
import { displayUrl } from "./internal/displayUrl.js"
import { Outcomes } from "./internal/outcomes.js"
import { type Restore, toExit } from "./internal/settle.js"
import * as Share from "./internal/share.js"
import { makeTransfer, type Transfer } from "./internal/transfer.js"
import { unchecked } from "./internal/unchecked.js"
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
     * Fetches files, at most `concurrency` (default 5, at most 10,000) at a time, and gives their outcomes in the order
     * of completion. Requests are taken in by the chunks of the input as they can be worked on, and a slow consumer
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
  /** Default: `RetryPolicy.defaults`. */
  readonly retry?: RetryPolicy.RetryPolicy | undefined
  /** From the beginning of an attempt, its connection included, to the end of the response's head; absolute. Default 30 seconds. */
  readonly headersTimeout?: Duration.DurationInput | undefined
  /** Fewer bytes than this in that time are a stall. Default: 1 byte in 30 seconds. */
  readonly stall?: { readonly bytes: number; readonly within: Duration.DurationInput } | undefined
  /** What a saved file survives. Default `full`. */
  readonly durability?: Durability | undefined
  /** Whether content that nothing can verify (no length, no digest) is refused. Default false: `verified` says so. */
  readonly strict?: boolean | undefined
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
  headersTimeout: Duration.seconds(30),
  stall: { bytes: 1, within: Duration.seconds(30) },
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
  Effect.flatMap(makeTransferWith(options), fromTransfer)

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
  options: Options = {}
): Effect.Effect<Transfer, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const shared = yield* Effect.serviceOption(OriginGovernor.OriginGovernor)
    const governor = Option.isSome(shared) ? shared.value : yield* OriginGovernor.make(options)
    const stall = options.stall ?? defaults.stall
    return yield* makeTransfer(
      {
        retry: options.retry ?? RetryPolicy.defaults,
        headersTimeout: Duration.decode(options.headersTimeout ?? defaults.headersTimeout),
        stall: { bytes: stall.bytes, within: Duration.decode(stall.within) },
        durability: options.durability ?? defaults.durability,
        strict: options.strict ?? false
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

    const carry: Carry = (request, restore, ask) =>
      traced(
        request,
        Effect.flatMap(progressOr(built), (progress) =>
          progress === silent
            ? Effect.tap(share(request, restore, { ask }), remember)
            : telling(request, progress, (event) => share(request, restore, { ask, event }))
        )
      )
    const telling = (
      request: DownloadRequest,
      { event }: typeof Progress.Service,
      work: (event: (event: DownloadEvent) => Effect.Effect<void>) => Effect.Effect<DownloadOutcome>
    ): Effect.Effect<DownloadOutcome> => {
      let known: DownloadOutcome | undefined
      return event(new Started({ request }, unchecked)).pipe(
        Effect.zipRight(work(event)),
        Effect.tap((outcome) => {
          known = outcome
          return remember(outcome)
        }),
        // A bug, or a journal that cannot be written: of what is not known nobody has said that it was saved.
        Effect.onError(() =>
          event(new Finished({ outcome: known ?? new Cancelled({ request }, unchecked) }, unchecked))
        ),
        Effect.tap((outcome) => event(new Finished({ outcome }, unchecked)))
      )
    }
    return Downloader.of({
      download: (request) => Effect.uninterruptibleMask((restore) => Effect.flatMap(carry(request, restore), toExit)),
      run: (requests, options) =>
        runWith(
          carry,
          (request) => {
            const outcome = new Cancelled({ request }, unchecked)
            return Effect.flatMap(progressOr(built), ({ event }) =>
              Effect.zipRight(remember(outcome), event(new Finished({ outcome }, unchecked)))
            )
          },
          requests,
          widthOf(options?.concurrency ?? defaults.concurrency)
        )
    })
  })

// The one that the caller provides, or else the one that the layer was built with.
const progressOr = (built: typeof Progress.Service): Effect.Effect<typeof Progress.Service> =>
  Effect.contextWith((context: Context.Context<never>) =>
    context.unsafeMap.has(Progress.key) ? Context.get(context, Progress) : built
  )

const widest = 10_000

const widthOf = (concurrency: number): number => {
  if (Number.isNaN(concurrency)) {
    throw new RangeError("concurrency must be a number from 1 on")
  }
  return Math.min(Math.max(1, Math.trunc(concurrency)), widest)
}

// Told to nobody.
const silent = Context.get(Context.empty(), Progress)

const nobodysTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

// Effect's own tracer shows its spans to nobody, and makes them all the same.
const traced = (request: DownloadRequest, effect: Effect.Effect<DownloadOutcome>): Effect.Effect<DownloadOutcome> =>
  Effect.tracerWith((tracer) =>
    tracer === nobodysTracer
      ? effect
      : Effect.withSpan(effect, "Downloader.transfer", {
          attributes: { id: request.id, "url.full": displayUrl(request.url) },
          captureStackTrace: false
        })
  )

type Carry = (request: DownloadRequest, restore: Restore, ask?: OriginGovernor.Ask) => Effect.Effect<DownloadOutcome>

const rampWidth = 4

// So many requests are taken in at most while those before them wait for their origins.
const lookAhead = (concurrency: number): number => concurrency * 4 + 64

/**
 * A number of loops over one cursor. Between the moment a request is taken from the input and its outcome there is no
 * step at which an interruption could lose it. While transfers wait for their origins, further loops take their place.
 */
const runWith = <E, R>(
  carry: Carry,
  giveUp: (request: DownloadRequest) => Effect.Effect<void>,
  requests: Stream.Stream<DownloadRequest, E, R>,
  concurrency: number
): Stream.Stream<DownloadOutcome, E, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(requests)
      const outcomes = new Outcomes<DownloadOutcome, E>(concurrency)
      const lock = yield* Effect.makeSemaphore(1)
      // Requests that were pulled, in input order; those before `cursor` are somebody's.
      let taken: ReadonlyArray<DownloadRequest> = []
      let cursor = 0
      let ended = false
      let failure: Cause.Cause<E> = Cause.empty

      const refill = Effect.suspend(() =>
        cursor < taken.length || ended
          ? Effect.void
          : Effect.uninterruptibleMask((restore) =>
              Effect.matchCauseEffect(restore(pull), {
                // Told after what is under way is done: a loop that failed would not wait for the others.
                onFailure: (cause) =>
                  Effect.sync(() => {
                    ended = true
                    failure = Cause.flatMap(cause, Option.match({ onNone: () => Cause.empty, onSome: Cause.fail }))
                  }),
                onSuccess: (chunk) =>
                  Effect.sync(() => {
                    taken = Chunk.toReadonlyArray(chunk)
                    cursor = 0
                  })
              })
            )
      ).pipe(lock.withPermits(1))

      // A run begins few transfers in a turn of the event loop: each is sent before its deadline has moved on while a
      // thousand others were begun, and an origin is not met by all of them in one instant.
      const ramp = (yield* Effect.makeSemaphore(rampWidth)).withPermits(1)(Effect.sleep(0))

      // What was taken in and never begun, because the run was interrupted. Added before the loops: told after them.
      yield* Effect.addFinalizer(() => Effect.forEach(taken.slice(cursor), giveUp, { discard: true }))
      const fork = yield* FiberSet.makeRuntime<R>()
      const gate: OriginGovernor.Gate = { limit: concurrency, used: 0 }
      let loops = 0
      let parked = 0
      let closed = false

      const ask: OriginGovernor.Ask = {
        gate,
        onParked: (is) => {
          parked += is ? 1 : -1
          if (is && !closed && !ended && loops - parked < concurrency && loops < lookAhead(concurrency)) {
            begin()
          }
        }
      }

      const loop: Effect.Effect<void, never, R> = Effect.uninterruptibleMask((restore) => {
        const step: Effect.Effect<void, never, R> = Effect.suspend(() => {
          if (loops - parked > concurrency) {
            return leave
          }
          const request = taken[cursor]
          if (request === undefined) {
            return ended ? leave : Effect.zipRight(restore(refill), step)
          }
          cursor++
          return Effect.flatMap(carry(request, restore, ask), (outcome) =>
            outcomes.push(outcome) ? step : Effect.zipRight(restore(outcomes.room), step)
          )
        })
        // At once, and not when the fiber has ended: of two that see one too many, one is to stay.
        const leave = Effect.suspend(() => {
          loops--
          if (loops === 0) {
            outcomes.close(failure)
          }
          return Effect.void
        })
        return Effect.zipRight(restore(ramp), step).pipe(
          Effect.catchAllCause((cause) =>
            Cause.isInterrupted(cause) ? Effect.failCause(cause) : Effect.sync(() => outcomes.close(cause))
          )
        )
      })

      const begin = (): void => {
        loops++
        fork(loop)
      }
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          closed = true
        })
      )
      for (let index = 0; index < concurrency; index++) {
        begin()
      }
      return outcomes.stream
    })
  )
