/**
 * A run: a number of loops over one cursor.
 *
 * Between the moment a request is taken from the input and its outcome there is no step at which an interruption could
 * lose it. While transfers wait for their origins, further loops take their place.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Cancelled, type DownloadOutcome, type DownloadRequest } from "../Download.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { ConcurrencyLimit, PermitOptions } from "../OriginGovernor.js"
import type { Restore } from "./outcome.js"
import { Outcomes } from "./outcomeQueue.js"
import { Lead } from "./sharedTransfer.js"

export interface Work {
  /** Where a loop goes on whose transfer others wait for when its run is over. */
  readonly scope: Scope.Scope
  readonly carry: (
    request: DownloadRequest,
    restore: Restore,
    ask: PermitOptions,
    lead: Lead
  ) => Effect.Effect<DownloadOutcome>
  /** Tells that a request is cancelled. */
  readonly giveUp: (request: DownloadRequest) => void
}

interface Loop {
  readonly lead: Lead
  request: DownloadRequest | undefined
  fiber: Fiber.RuntimeFiber<void> | undefined
}

const rampWidth = 4

// So many requests are taken in at most while those before them wait for their origins.
const lookAhead = (concurrency: number): number => concurrency * 4 + 64

export const run = <E, R>(
  { carry, giveUp, scope }: Work,
  requests: Stream.Stream<DownloadRequest, E, R>,
  concurrency: number
): Stream.Stream<DownloadOutcome, E, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(requests)
      const outcomes = new Outcomes<DownloadOutcome, E>(concurrency)
      // Requests that were pulled, in input order; those before `cursor` are somebody's.
      let taken: ReadonlyArray<DownloadRequest> = []
      let cursor = 0
      let ended = false
      let failure: Cause.Cause<E> = Cause.empty
      // After a defect no further request begins.
      let stopped = false

      // One pulls, and wakes as many as there is something for, and one more to pull what follows.
      let isPulling = false
      let wakePuller: (() => void) | undefined
      const waiting: Array<() => void> = []
      const pulled = (more: ReadonlyArray<DownloadRequest>): void => {
        isPulling = false
        taken = more
        cursor = 0
        for (const wake of waiting.splice(0, ended ? waiting.length : more.length + 1)) {
          wake()
        }
      }
      const somethingPulled = Effect.async<void>((resume) => {
        if (isPulling && !stopped) {
          waiting.push(() => resume(Effect.void))
        } else {
          resume(Effect.void)
        }
      })
      const refill = Effect.suspend(() => {
        if (cursor < taken.length || ended) {
          return Effect.void
        }
        isPulling = true
        wakePuller?.()
        return somethingPulled
      })
      const askedToPull = Effect.async<void>((resume) => {
        if (isPulling) {
          resume(Effect.void)
        } else {
          wakePuller = () => resume(Effect.void)
        }
      })
      // A fiber of its own: what the input forks is its child, and is not to end with a loop or with a deadline of one.
      const puller: Effect.Effect<void, never, R> = Effect.uninterruptibleMask((restore) => {
        const next: Effect.Effect<void, never, R> = Effect.zipRight(
          restore(askedToPull),
          Effect.matchCauseEffect(restore(pull), {
            // Told after what is under way is done: a loop that failed would not wait for the others.
            onFailure: (cause) =>
              Effect.sync(() => {
                ended = true
                failure = Cause.flatMap(cause, Option.match({ onNone: () => Cause.empty, onSome: Cause.fail }))
                pulled([])
              }),
            onSuccess: (chunk) =>
              Effect.suspend(() => {
                pulled(Chunk.toReadonlyArray(chunk))
                return next
              })
          })
        )
        return next
      })

      // What was taken in and never begun, because the run was interrupted. Added before the loops: told after them.
      yield* Effect.addFinalizer(() => Effect.sync(() => taken.slice(cursor).forEach(giveUp)))
      const fork = Runtime.runFork(yield* Effect.runtime<R>())
      const concurrencyLimit: ConcurrencyLimit = { limit: concurrency, used: 0 }
      const loops = new Set<Loop>()
      // Loops that are to be begun.
      let pending = 0
      let parked = 0
      let closed = false

      const ask: PermitOptions = {
        concurrencyLimit,
        onParked: (is) => {
          parked += is ? 1 : -1
          if (is) {
            beginOneMore()
          }
        }
      }

      const beginOneMore = (): void => {
        const known = loops.size + pending
        if (!closed && !stopped && !ended && known - parked < concurrency && known < lookAhead(concurrency)) {
          begin(1)
        }
      }

      /** A loop was interrupted because the downloader closes, or has met a bug. */
      const failed = (self: Loop, cause: Cause.Cause<never>): Effect.Effect<void> => {
        if (Cause.isInterruptedOnly(cause)) {
          outcomes.close(cause)
          return Effect.void
        }
        const { lead, request } = self
        if (request !== undefined && !lead.isLeft) {
          outcomes.push(lead.unrecorded ?? Unvalidated.make(Cancelled, { request }))
        }
        // As when the input fails: no further request begins, and the transfers in flight end with their outcomes.
        stopped = true
        failure = Cause.isEmpty(failure) ? cause : failure
        for (const wake of waiting.splice(0)) {
          wake()
        }
        return leave(self)
      }

      const leave = (self: Loop): Effect.Effect<void> => {
        loops.delete(self)
        // It may be the one that was woken to pull.
        waiting.shift()?.()
        if (loops.size === 0) {
          outcomes.close(failure)
        }
        return Effect.void
      }

      const goOn = (self: Loop): Effect.Effect<void, never, R> =>
        Effect.uninterruptibleMask((restore) => {
          const step: Effect.Effect<void, never, R> = Effect.suspend(() => {
            // Leaves in the step in which it looks: of two that see one too many, one is to stay.
            if (closed || stopped || loops.size - parked > concurrency) {
              return leave(self)
            }
            beginOneMore()
            const request = taken[cursor]
            if (request === undefined) {
              return ended ? leave(self) : Effect.zipRight(restore(refill), step)
            }
            cursor++
            self.request = request
            return Effect.flatMap(carry(request, restore, ask, self.lead), (outcome) => {
              if (self.lead.isLeft) {
                return Effect.void
              }
              return outcomes.push(outcome) ? step : Effect.zipRight(restore(outcomes.room), step)
            })
          })
          return Effect.catchAllCause(
            Effect.withFiberRuntime<void, never, R>((fiber) => {
              self.lead.fiber = fiber
              return step
            }),
            (cause) => Effect.suspend(() => failed(self, cause))
          )
        })

      // A run begins few transfers in a turn of the event loop: each is sent before its deadline has moved on while a
      // thousand others were begun, and an origin is not met by all of them in one instant. On a fiber of its own: loops
      // that are begun by one that parks would stand on one stack.
      let wakeBeginner: (() => void) | undefined
      const askedToBegin = Effect.async<void>((resume) => {
        if (pending > 0) {
          resume(Effect.void)
        } else {
          wakeBeginner = () => resume(Effect.void)
        }
      })
      const beginner: Effect.Effect<void> = Effect.suspend(() => {
        for (let index = 0; index < rampWidth && pending > 0 && !stopped; index++) {
          pending--
          const self: Loop = { lead: new Lead(), request: undefined, fiber: undefined }
          loops.add(self)
          // Interruptible also where the consumer is not: a run that is closed waits for its loops.
          self.fiber = fork(Effect.interruptible(goOn(self)), { scope })
        }
        if (ended || stopped) {
          pending = 0
        }
        return Effect.zipRight(pending > 0 ? Effect.sleep(0) : askedToBegin, beginner)
      })
      const begin = (count: number): void => {
        pending += count
        wakeBeginner?.()
      }

      // A loop whose transfer others wait for is left to them; its own request is cancelled all the same.
      // Not by interruptions alone: one that comes while a scope's finalizer runs can be lost.
      const close = Effect.suspend(() => {
        closed = true
        outcomes.abandon()
        for (const wake of waiting.splice(0)) {
          wake()
        }
        const [going, left]: [Array<Fiber.RuntimeFiber<void>>, Array<DownloadRequest>] = [[], []]
        for (const { fiber, lead, request } of loops) {
          if (lead.leave() && request !== undefined) {
            left.push(request)
          } else if (fiber !== undefined) {
            going.push(fiber)
          }
        }
        return Effect.zipRight(
          Fiber.interruptAll(going),
          Effect.sync(() => left.forEach(giveUp))
        )
      })
      yield* Effect.addFinalizer(() => close)
      begin(concurrency)
      yield* Effect.forkScoped(Effect.interruptible(puller))
      yield* Effect.forkScoped(Effect.interruptible(beginner))
      yield* Effect.forkScoped(Effect.interruptible(outcomes.teller))
      return outcomes.stream
    })
  )
