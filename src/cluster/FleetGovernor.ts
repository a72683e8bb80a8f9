/**
 * Limits for each origin that hold for all runners of a database together. Each runner has a share of the limits, which changes when
 * runners join and leave. If an origin asks one runner for a pause, all runners pause the origin within a second.
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as OriginGovernor from "../OriginGovernor.js"
import type { BatchStorageError } from "./errors.js"
import { type Fleet, FleetRows } from "./rows/rows.js"

/**
 * Options of a governor of a fleet. All runners must have the same limits of an origin.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options extends OriginGovernor.Options {
  /** The name of this runner. No two runners have the same. */
  readonly name: string
}

/**
 * A governor whose limits of an origin (`perOrigin`, `requestsPerSecondPerOrigin`, `bytesPerSecondPerOrigin`) are those of all runners
 * together. `concurrency`, `requestsPerSecond` and `bytesPerSecond` are those of this runner. If there are fewer permits than runners, some
 * runners have none, and each half minute it is the turn of others.
 *
 * After a runner has joined, permits beyond the new shares stay until their transfers end. While the database fails, the shares stay.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options): Layer.Layer<OriginGovernor.OriginGovernor, BatchStorageError, FleetRows> =>
  Layer.scoped(
    OriginGovernor.OriginGovernor,
    Effect.gen(function* () {
      const { name, ...limits } = options
      const rows = yield* FleetRows
      const { governor, setShare } = yield* OriginGovernor.makeShared(limits)
      const clock = yield* Effect.clock
      const nowMillis = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6

      const join = ({ runners, turn }: Fleet) => {
        setShare(Math.max(1, runners.length), Math.max(0, runners.indexOf(name)), turn)
      }
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(rows.leave(name), leaveTimeout)))
      yield* Effect.map(rows.beat(name), join)
      // In this time, the other runners learn that their shares are smaller.
      yield* Effect.sleep(beatInterval)
      const beats = Effect.ignore(Effect.map(rows.beat(name), join))
      yield* Effect.forkScoped(Effect.forever(Effect.zipRight(beats, Effect.sleep(beatInterval))))

      /** The end of the pauses that all runners know, on this clock. */
      const known = new Map<string, number>()
      const receive = Effect.map(rows.pauses, (pauses) => {
        const at = nowMillis()
        for (const [origin, until] of known) {
          if (until < at) {
            known.delete(origin)
          }
        }
        return Effect.forEach(
          pauses,
          ({ millis, origin }) => {
            known.set(origin, Math.max(known.get(origin) ?? 0, at + millis))
            return governor.report(origin, { signal: "neutral", beganAtMillis: at, pauseMillis: millis })
          },
          { discard: true }
        )
      })
      const receives = Effect.ignore(Effect.flatten(receive))
      yield* Effect.forkScoped(Effect.forever(Effect.zipRight(receives, Effect.sleep(pauseInterval))))

      const run = yield* FiberSet.makeRuntime<never>()
      return OriginGovernor.OriginGovernor.of({
        ...governor,
        report: (origin, report) => {
          const { pauseMillis = 0 } = report
          const until = nowMillis() + pauseMillis
          // The transfers in flight report the same pause.
          if (pauseMillis > 0 && until > (known.get(origin) ?? 0) + sameMillis) {
            known.set(origin, until)
            run(Effect.ignore(rows.pause(origin, pauseMillis)))
          }
          return governor.report(origin, report)
        }
      })
    })
  )

/** How often a runner says that it lives. */
const beatInterval = "1 second"

/** How often a runner asks for pauses. */
const pauseInterval = "500 millis"

const leaveTimeout = "2 seconds"

/** A pause is told to the other runners only if it ends later than the known one by more than this. */
const sameMillis = 250
