/**
 * Callers of an `OriginGovernor`, on two origins.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as OriginGovernor from "../../../src/OriginGovernor.js"

export const [a, b] = ["http://a.test", "http://b.test"]

export const now = Effect.clockWith((clock) => clock.currentTimeMillis)

export type Governor = typeof OriginGovernor.OriginGovernor.Service

export const withPermit =
  (governor: Governor, origin: string, options?: OriginGovernor.PermitOptions) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, OriginGovernor.OriginGovernor>> =>
    Effect.provideService(OriginGovernor.withPermit(origin, options)(effect), OriginGovernor.OriginGovernor, governor)

/** Reports an attempt at origin `a` that begins now. */
export const report = (governor: Governor, signal: OriginGovernor.Signal) =>
  Effect.flatMap(now, (beganAtMillis) => governor.report(a, { signal, beganAtMillis }))

export const pause = (governor: Governor, origin: string, pauseMillis: number) =>
  Effect.flatMap(now, (beganAtMillis) => governor.report(origin, { signal: "neutral", beganAtMillis, pauseMillis }))

/** Runs a job of one second at each of these origins. Returns when each job began, and the greatest number of jobs at a time. */
export const jobs = (
  governor: Governor,
  origins: ReadonlyArray<string>,
  concurrencyLimit?: OriginGovernor.ConcurrencyLimit
) =>
  Effect.gen(function* () {
    let inside = 0
    let most = 0
    const began: Array<number> = []
    const fiber = yield* Effect.fork(
      Effect.forEach(
        origins,
        (origin, index) =>
          withPermit(governor, origin, { concurrencyLimit })(
            Effect.gen(function* () {
              inside++
              most = Math.max(most, inside)
              began[index] = yield* now
              yield* Effect.sleep("1 second")
              inside--
            })
          ),
        { concurrency: "unbounded", discard: true }
      )
    )
    yield* TestClock.adjust("1 hour")
    yield* Fiber.join(fiber)
    return { began, most }
  })
