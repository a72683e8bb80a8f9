/**
 * A run: workers that carry out the requests of one input.
 *
 * Between the step that takes a request from the input and its outcome there is no step at which an interruption could lose it.
 * While transfers wait for their origins or for the disk, other workers take their place, and are idle afterwards.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Cancelled, type DownloadOutcome, type DownloadRequest } from "../Download.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { Restore } from "./hooks.js"
import { IdleWorkers } from "./idleWorkers.js"
import { OutcomeQueue } from "./outcomeQueue.js"
import { RequestInput } from "./requestInput.js"
import type { RunPermits } from "./runPermits.js"
import { Worker } from "./sharedTransfer.js"

export interface Dependencies {
  /** The scope of the workers. A worker whose transfer other callers wait for continues after its run. */
  readonly scope: Scope.Scope
  readonly perform: (
    request: DownloadRequest,
    restore: Restore,
    permitOptions: RunPermits,
    worker: Worker
  ) => Effect.Effect<DownloadOutcome>
  /** Reports that a request is cancelled while its transfer continues for other callers. */
  readonly onCancelled: (request: DownloadRequest) => void
  /** Reports that a request is cancelled for which no transfer has begun. */
  readonly onUntaken: (request: DownloadRequest) => void
}

// A run starts this number of workers in one turn of the event loop. Each sends its request before its deadline comes nearer
// while a thousand others are started, and an origin does not get all requests at the same moment.
const startsPerTurn = 4

// A kill of the process loses the files that wait for the disk. There is at most one of them for so many files that are saved, so a
// run that is killed again and again does not receive much twice. With a concurrency of 1, transfers end in order.
const savedPerPublishing = 32

/** The maximum number of workers. Most of them wait for their origins. */
const mostWorkers = (concurrency: number): number => concurrency * 4 + 64

export const run = <E, R>(
  { onCancelled, onUntaken, perform, scope }: Dependencies,
  requests: Stream.Stream<DownloadRequest, E, R>,
  concurrency: number
): Stream.Stream<DownloadOutcome, E, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(requests)
      const input = new RequestInput<E>()
      const outcomes = new OutcomeQueue<DownloadOutcome, E>(concurrency)
      // Added before the finalizer of the workers, so that it runs after it.
      yield* Effect.addFinalizer(() => Effect.sync(() => input.untaken.forEach(onUntaken)))
      const fork = Runtime.runFork(yield* Effect.runtime<never>())
      const workers = new Set<Worker>()
      // The workers that wait until another one may run. To start a fiber costs more than to keep one.
      const idle = new IdleWorkers()
      let parked = 0
      let publishing = 0
      let saved = 0
      /** The number of transfers for which another one may run. */
      const away = (): number =>
        parked + (concurrency === 1 ? 0 : Math.min(publishing, Math.floor(saved / savedPerPublishing)))
      let isClosed = false
      let isOver = false
      // The first defect of a worker. After it, no further request begins.
      let defect: Cause.Cause<never> | undefined

      // The number of workers that will be started.
      let starting = 0
      const startRequested = Effect.unsafeMakeLatch()
      const start = (count: number): void => {
        starting += count
        startRequested.unsafeOpen()
      }
      const startOneMore = (): void => {
        const known = workers.size - idle.count + starting
        const mayStart = !isClosed && defect === undefined && !input.isEnded
        if (mayStart && known - away() < concurrency && known < mostWorkers(concurrency)) {
          if (!idle.wakeOne()) {
            start(1)
          }
        }
      }

      const permitOptions: RunPermits = {
        concurrencyLimit: { limit: concurrency, used: 0 },
        onParked: (isParked) => {
          parked += isParked ? 1 : -1
          if (isParked) {
            startOneMore()
          }
        },
        onPublishing: (isWaiting) => {
          const before = away()
          publishing += isWaiting ? 1 : -1
          if (isWaiting) {
            startOneMore()
          }
          return away() > before
        }
      }

      const end = (worker: Worker): Effect.Effect<void> => {
        workers.delete(worker)
        // The worker may be the one that was woken to pull.
        input.wakeOne()
        idle.wakeOne()
        if (workers.size === 0) {
          outcomes.close(Cause.isEmpty(input.failure) ? (defect ?? Cause.empty) : input.failure)
          // The fibers of the run end by themselves, because Effect loses the finalizers of a stream that is interrupted as it ends.
          isOver = true
          startRequested.unsafeOpen()
        }
        return Effect.void
      }

      /** The worker was interrupted because the downloader closes, or has met a defect. */
      const fail = (worker: Worker, cause: Cause.Cause<never>): Effect.Effect<void> => {
        if (Cause.isInterruptedOnly(cause)) {
          outcomes.close(cause)
          return Effect.void
        }
        const { request, unrecorded } = worker
        if (request !== undefined && !worker.isDetached) {
          outcomes.push(unrecorded ?? Unvalidated.make(Cancelled, { request }))
        }
        // As if the input had failed: no further request begins, and the transfers in flight end with their outcomes.
        defect ??= cause
        input.stop()
        return end(worker)
      }

      const work = (worker: Worker): Effect.Effect<void> =>
        Effect.uninterruptibleMask((restore) => {
          const next: Effect.Effect<void> = Effect.suspend(() => {
            if (isClosed || defect !== undefined) {
              return end(worker)
            }
            // Leaves in the step that checks: of two workers that see one too many, one stays.
            if (workers.size - idle.count - away() > concurrency) {
              return input.isEnded ? end(worker) : Effect.zipRight(restore(idle.leave()), next)
            }
            startOneMore()
            const request = input.take()
            if (request === undefined) {
              return input.isEnded ? end(worker) : Effect.zipRight(restore(input.awaitMore), next)
            }
            worker.request = request
            return Effect.flatMap(perform(request, restore, permitOptions, worker), (outcome) => {
              if (worker.isDetached) {
                return Effect.void
              }
              saved += outcome._tag === "Saved" ? 1 : 0
              return outcomes.push(outcome) ? next : Effect.zipRight(restore(outcomes.awaitRoom), next)
            })
          })
          return Effect.catchAllCause(next, (cause) => Effect.suspend(() => fail(worker, cause)))
        })

      // Starts workers on its own fiber: a worker that parks would otherwise start the next one on its own stack.
      const starter: Effect.Effect<void> = Effect.suspend(() => {
        if (isOver) {
          return Effect.void
        }
        for (let index = 0; index < startsPerTurn && starting > 0 && defect === undefined; index++) {
          starting--
          const worker = new Worker()
          workers.add(worker)
          // Interruptible even if the consumer is not: the run waits for its workers when it closes.
          worker.fiber = fork(Effect.interruptible(work(worker)), { scope })
        }
        if (starting > 0 && !input.isEnded && defect === undefined) {
          return Effect.zipRight(Effect.sleep(0), starter)
        }
        starting = 0
        startRequested.unsafeClose()
        return Effect.zipRight(startRequested.await, starter)
      })

      // The workers are not only interrupted: an interruption that comes while a finalizer of a scope runs can be lost.
      const close = Effect.suspend(() => {
        isClosed = true
        outcomes.abandon()
        input.stop()
        // The request of a worker that continues for other callers is cancelled for this run.
        const [ending, detached]: [Array<Fiber.RuntimeFiber<unknown, unknown>>, Array<DownloadRequest>] = [[], []]
        for (const worker of workers) {
          const { fiber, request } = worker
          if (worker.detach() && request !== undefined) {
            detached.push(request)
          } else if (fiber !== undefined) {
            ending.push(fiber)
          }
        }
        return Effect.zipRight(
          Fiber.interruptAll(ending),
          Effect.sync(() => detached.forEach(onCancelled))
        )
      })
      yield* Effect.addFinalizer(() => close)
      start(concurrency)
      yield* Effect.forkScoped(Effect.interruptible(input.pullWith(pull)))
      yield* Effect.forkScoped(Effect.interruptible(starter))
      yield* Effect.forkScoped(Effect.interruptible(outcomes.wakeConsumer))
      return outcomes.stream
    })
  )
