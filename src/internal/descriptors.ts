/**
 * Waiting for a file descriptor: where too many are open, those that are will be closed in a moment.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

// Two seconds, in steps that are short beside what a transfer takes.
const patience = Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(40))

export const isTooManyOpen = (code: string): boolean => code === "EMFILE" || code === "ENFILE"

/** Tries again while the failure is for want of a descriptor, for two seconds. */
export const whenThereIsOne =
  <E>(isForWant: (error: E) => boolean) =>
  <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(effect, { while: isForWant, schedule: patience })
