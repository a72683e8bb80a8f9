/**
 * Ends the process if it does not stop in time after a signal.
 */
import { constants } from "node:os"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Signals } from "./signals.js"

/** Real time, because the program may hang. */
export const stoppingWithin =
  (signals: Signals, limit: Duration.Duration) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      let timer: NodeJS.Timeout | undefined
      return effect.pipe(
        signals.withHandler((signal, program) => {
          timer ??= setTimeout(() => process.exit(128 + constants.signals[signal]), Duration.toMillis(limit))
          program(signal)
        }),
        Effect.ensuring(Effect.sync(() => clearTimeout(timer)))
      )
    })
