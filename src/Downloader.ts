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
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Cancelled, type DownloadOutcome, type DownloadRequest, type Saved, type Skipped } from "./Download.js"
import type { DownloadError } from "./DownloadError.js"
import { Finished, Started } from "./DownloadEvent.js"
import { displayUrl } from "./internal/displayUrl.js"
import { type Restore, settle, toExit } from "./internal/settle.js"
import { makeTransfer, type Transfer } from "./internal/transfer.js"
import { Progress } from "./Progress.js"
import type { Store } from "./Store.js"
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
 * How many transfers a run has under way where nothing else is said.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: { readonly concurrency: number } = { concurrency: 5 }

/**
 * Makes a downloader of the transport and the store in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Downloader.Service, never, Transport | Store> = Effect.flatMap(
  makeTransfer,
  (transfer) => fromTransfer(transfer)
)

/**
 * The downloader over the transport and the store in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Downloader, never, Transport | Store> = Layer.effect(Downloader, make)

/** @internal */
export const fromTransfer = (transfer: Transfer): Effect.Effect<typeof Downloader.Service> =>
  Effect.map(Progress, (built) => {
    const tell = (request: DownloadRequest, restore: Restore) =>
      Effect.flatMap(progressOr(built), ({ event }) =>
        event(new Started({ request })).pipe(
          Effect.zipRight(settle(transfer, request, restore)),
          // A bug: nothing is known of the file but that nobody said it was saved.
          Effect.onError(() => event(new Finished({ outcome: new Cancelled({ request }) }))),
          Effect.tap((outcome) => event(new Finished({ outcome }))),
          Effect.withSpan("Downloader.transfer", {
            attributes: { id: request.id, "url.full": displayUrl(request.url) },
            captureStackTrace: false
          })
        )
      )
    return Downloader.of({
      download: (request) => Effect.uninterruptibleMask((restore) => Effect.flatMap(tell(request, restore), toExit)),
      run: (requests, options) => runWith(tell, built, requests, widthOf(options?.concurrency ?? defaults.concurrency))
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

const rampWidth = 4

/**
 * A fixed number of loops over one cursor. Between the moment a request is taken from the input and its outcome there
 * is no step at which an interruption could lose it.
 */
const runWith = <E, R>(
  carry: (request: DownloadRequest, restore: Restore) => Effect.Effect<DownloadOutcome>,
  built: typeof Progress.Service,
  requests: Stream.Stream<DownloadRequest, E, R>,
  concurrency: number
): Stream.Stream<DownloadOutcome, E, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(requests)
      const outcomes = yield* Mailbox.make<DownloadOutcome, E>({ capacity: concurrency })
      const lock = yield* Effect.makeSemaphore(1)
      // Requests that were pulled, in input order; those before `cursor` are somebody's.
      let taken: ReadonlyArray<DownloadRequest> = []
      let cursor = 0
      let ended = false
      let failure: Cause.Cause<E> = Cause.empty

      const refill = Effect.suspend(() =>
        cursor < taken.length || ended
          ? Effect.void
          : Effect.matchCauseEffect(pull, {
              // A loop that failed would take the others with it, in the middle of their transfers.
              onFailure: (cause) =>
                Cause.isInterrupted(cause)
                  ? Effect.interrupt
                  : Effect.sync(() => {
                      ended = true
                      failure = Cause.flatMap(cause, Option.match({ onNone: () => Cause.empty, onSome: Cause.fail }))
                    }),
              onSuccess: (chunk) =>
                Effect.sync(() => {
                  taken = Chunk.toReadonlyArray(chunk)
                  cursor = 0
                })
            })
      ).pipe(lock.withPermits(1))

      // A run begins few transfers in a turn of the event loop: each is sent before its deadline has moved on while a
      // thousand others were begun, and an origin is not met by all of them in one instant.
      const ramp = (yield* Effect.makeSemaphore(rampWidth)).withPermits(1)(Effect.sleep(0))

      const loop: Effect.Effect<void, never, R> = Effect.uninterruptibleMask((restore) => {
        const step: Effect.Effect<void, never, R> = Effect.suspend(() => {
          const request = taken[cursor]
          if (request === undefined) {
            return ended ? Effect.void : Effect.zipRight(restore(refill), step)
          }
          cursor++
          return carry(request, restore).pipe(
            Effect.flatMap((outcome) => restore(outcomes.offer(outcome))),
            Effect.zipRight(step)
          )
        })
        return Effect.zipRight(restore(ramp), step)
      })

      const { event } = yield* progressOr(built)
      yield* Effect.addFinalizer(() =>
        // What was taken in and never begun, because the run was interrupted.
        Effect.forEach(taken.slice(cursor), (request) => event(new Finished({ outcome: new Cancelled({ request }) })), {
          discard: true
        })
      )
      yield* Effect.all(
        Array.from({ length: concurrency }, () => loop),
        { concurrency: "unbounded", discard: true }
      ).pipe(
        Effect.zipRight(Effect.suspend(() => (Cause.isEmpty(failure) ? outcomes.end : outcomes.failCause(failure)))),
        Effect.onError((cause) => outcomes.failCause(cause)),
        Effect.forkScoped
      )
      return Mailbox.toStream(outcomes)
    })
  )
