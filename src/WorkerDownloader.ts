/**
 * A downloader whose transfers run in worker threads. What stands above a transfer (concurrency, outcomes, events) is the
 * same as without threads and stays in the calling thread; so does the `OriginGovernor`, whose limits hold over all
 * threads together.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Downloader from "./Downloader.js"
import { admit } from "./internal/admit.js"
import { Carriage } from "./internal/threadCarriage.js"
import { Growth } from "./internal/threadGrowth.js"
import { type Fork, Lines } from "./internal/threadLine.js"
import type { FromThread, PlainSettings } from "./internal/threadNotes.js"
import * as Pool from "./internal/threadPool.js"
import * as ThreadSide from "./internal/threadSide.js"
import type { Transfer } from "./internal/transfer.js"
import * as OriginGovernor from "./OriginGovernor.js"
import * as RetryPolicy from "./RetryPolicy.js"
import { Store } from "./Store.js"
import { Caller, Threads } from "./Threads.js"
import type { Transport } from "./Transport.js"

/**
 * As of `Downloader`, for all threads together. What is transient is what `RetryPolicy.isTransient` says in any case: a
 * function cannot be sent to a thread, and another one is refused with a `RangeError`.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options extends Downloader.Options {
  /** How many threads may be started; each is when those before it have something to do. */
  readonly threads: number
}

/**
 * A downloader over worker threads, each of which must run `layerRunner`. They end with the layer. One that ends by itself
 * fails what it had under way with `WorkerLost`, and is replaced if it ever said anything.
 *
 * Limits are kept by the `OriginGovernor` in the context; where there is none, by one of its own, with the limits of
 * `options`. Whether a destination is there already is looked up in the `Store` in the context, before a permit is asked for.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Downloader.Downloader, never, Threads | Store> =>
  Layer.scoped(
    Downloader.Downloader,
    Effect.gen(function* () {
      const { pool, transfer } = yield* make(options)
      pool.limit = atLeastOne(options.threads)
      return yield* Downloader.fromTransfer(transfer, () => pool.limit * ahead)
    })
  )

/**
 * A downloader that carries transfers out in the calling thread until its event loop is found to be what limits them, for
 * thousands of files; then in as many threads as are kept busy, and at most as many as can run at once.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerAuto = (
  options: Downloader.Options = {}
): Layer.Layer<Downloader.Downloader, never, Threads | Store | Transport> =>
  Layer.scoped(
    Downloader.Downloader,
    Effect.gen(function* () {
      const { governor, pool, transfer } = yield* make(options)
      const local = yield* Effect.provideService(
        Downloader.makeTransferWith(options),
        OriginGovernor.OriginGovernor,
        holding(governor, pool)
      )
      const { parallelism, processors, utilization } = yield* Threads
      // A busy event loop that waits for a processor gains nothing by another one that does.
      const growth = new Growth(parallelism, () =>
        Math.min(pool.limit === 0 ? utilization() : pool.utilization(), processors() / Math.max(1, pool.limit))
      )
      const done = Effect.sync(() => {
        if (pool.mayGrow) {
          pool.limit += growth.after(pool.limit)
        }
      })
      const either: Transfer = (request, hooks) =>
        Effect.ensuring(
          Effect.suspend(() =>
            pool.limit === 0
              ? local(request, hooks)
              : Effect.catchTag(transfer(request, hooks), "WorkerLost", (error) =>
                  // No thread ever worked: nothing was begun.
                  pool.limit === 0 ? local(request, hooks) : Effect.fail(error)
                )
          ),
          done
        )
      return yield* Downloader.fromTransfer(either, () => pool.limit * ahead)
    })
  )

/**
 * What runs in a worker thread: it carries out what the calling thread asks for, over the transport and the store in the
 * context. The calling thread says how, and gives every permit.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRunner: Layer.Layer<never, never, Caller | Transport | Store> = Layer.scopedDiscard(
  Effect.flatMap(Caller, (caller) =>
    ThreadSide.serve(caller, (settings, governor) =>
      Effect.provideService(Downloader.makeTransferWith(optionsOf(settings)), OriginGovernor.OriginGovernor, governor)
    )
  )
)

// So many requests wait in each thread, so that it goes on while its notes are on their way.
const ahead = 128

const make = (options: Downloader.Options) =>
  Effect.gen(function* () {
    const shared = yield* Effect.serviceOption(OriginGovernor.OriginGovernor)
    const governor = Option.isSome(shared) ? shared.value : yield* OriginGovernor.make(options)
    const store = yield* Store
    const clock = yield* Effect.clock
    const runFork = Runtime.runFork(yield* Effect.runtime())
    const fork: Fork = (effect) => runFork(effect, { immediate: false })
    const report = (origin: string, signal: OriginGovernor.Signal, beganAtMillis?: number): void => {
      if (governor.atOnce === undefined) {
        fork(governor.report(origin, signal, beganAtMillis))
      } else {
        governor.atOnce.report(origin, signal, beganAtMillis)
      }
    }
    const governed = (note: FromThread, from: Pool.Member): void => {
      switch (note._tag) {
        case "Succeeded":
          for (let count = 0; count < note.count; count++) {
            report(note.origin, "success")
          }
          return
        case "Report":
          report(note.origin, note.signal, Number(clock.unsafeCurrentTimeNanos()) / 1e6 - note.ageMillis)
          if (note.signal === "overload") {
            pool.hold()
          }
          return
        case "Pause":
          runFork(governor.pause(note.origin, Duration.millis(note.millis)))
          pool.hold()
          return
        case "Received":
          from.write({ _tag: "Rest", origin: note.origin, millis: governor.restMillis(note.origin, note.bytes) })
      }
    }
    // Before whatever uses it: its threads end after that.
    const pool = yield* Pool.make(yield* Threads, settingsOf(options, Option.isSome(shared)), governed)
    const lines = new Lines(governor, fork)
    const transfer: Transfer = (request, hooks) =>
      admit(store, request, hooks.decide, (url) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.suspend(() => {
            const carriage = new Carriage(request, url.origin, hooks, lines, pool)
            carriage.begin()
            return restore(carriage.outcome).pipe(
              Effect.onError(() => carriage.giveUp),
              Effect.ensuring(Effect.sync(() => carriage.close()))
            )
          })
        )
      )
    return { governor, pool, transfer }
  })

/** The governor for the calling thread's own transfers: what they find holds for the threads at once. */
const holding = (
  governor: typeof OriginGovernor.OriginGovernor.Service,
  pool: Pool.Pool
): typeof OriginGovernor.OriginGovernor.Service => {
  const { atOnce } = governor
  const after = (signal: OriginGovernor.Signal): void => {
    if (signal === "overload") {
      pool.hold()
    }
  }
  return {
    ...governor,
    pause: (origin, duration) => Effect.zipRight(governor.pause(origin, duration), Effect.sync(pool.hold)),
    report: (origin, signal, beganAtMillis) =>
      Effect.zipRight(
        governor.report(origin, signal, beganAtMillis),
        Effect.sync(() => after(signal))
      ),
    atOnce:
      atOnce === undefined
        ? undefined
        : {
            ...atOnce,
            report: (origin, signal, beganAtMillis) => {
              atOnce.report(origin, signal, beganAtMillis)
              after(signal)
            }
          }
  }
}

const settingsOf = (options: Downloader.Options, isShared: boolean): PlainSettings => {
  const { firstDelay, isTransient, longestDelay, longestWait, retries, within } = options.retry ?? RetryPolicy.defaults
  if (isTransient !== RetryPolicy.isTransient) {
    throw new RangeError("a thread knows no isTransient but RetryPolicy.isTransient")
  }
  const stall = options.stall ?? Downloader.defaults.stall
  return {
    retry: {
      retries,
      firstDelay: Duration.toMillis(firstDelay),
      longestDelay: Duration.toMillis(longestDelay),
      longestWait: Duration.toMillis(longestWait),
      within: Duration.toMillis(within)
    },
    headersMillis: Duration.toMillis(options.headersTimeout ?? Downloader.defaults.headersTimeout),
    stall: { bytes: stall.bytes, millis: Duration.toMillis(stall.within) },
    durability: options.durability ?? Downloader.defaults.durability,
    strict: options.strict ?? false,
    countsBytes: isShared || options.bytesPerSecond !== undefined || options.bytesPerSecondPerOrigin !== undefined,
    // A permit that is passed on is one that the governor does not count anew.
    passes: !isShared && options.requestsPerSecond === undefined && options.requestsPerSecondPerOrigin === undefined
  }
}

const optionsOf = ({ durability, headersMillis, retry, stall, strict }: PlainSettings): Downloader.Options => ({
  retry: RetryPolicy.make({
    retries: retry.retries,
    firstDelay: Duration.millis(retry.firstDelay),
    longestDelay: Duration.millis(retry.longestDelay),
    longestWait: Duration.millis(retry.longestWait),
    within: Duration.millis(retry.within)
  }),
  headersTimeout: Duration.millis(headersMillis),
  stall: { bytes: stall.bytes, within: Duration.millis(stall.millis) },
  durability,
  strict
})

const atLeastOne = (threads: number): number => {
  if (Number.isNaN(threads)) {
    throw new RangeError("threads must be a number from 1 on")
  }
  return Math.max(1, Math.trunc(threads))
}
