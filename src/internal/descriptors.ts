/**
 * Waiting for a file descriptor when the process, or the system, has no more.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

// Connections leave room for files, and what is idle gives its descriptor back: a minute without one is a fault. The
// pauses grow from 50 milliseconds to a second.
const pausesAtMost = 66

const pause = (count: number): Effect.Effect<void> => Effect.sleep(Duration.millis(Math.min(1000, 50 * 1.5 ** count)))

export const isTooManyOpen = (code: string): boolean => code === "EMFILE" || code === "ENFILE"

/** Tries again, for a minute at most, while the failure is the want of a descriptor. The waits can be interrupted. */
export const whenThereIsOne =
  <E>(isForWant: (error: E) => boolean) =>
  <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    retried(effect, isForWant, (count) => Effect.interruptible(pause(count)), 0)

/** The same, for what must be done to its end: the waits are as interruptible as the rest. */
export const whenThereIsOneToTheEnd =
  <E>(isForWant: (error: E) => boolean) =>
  <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    retried(effect, isForWant, pause, 0)

const retried = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  isForWant: (error: E) => boolean,
  wait: (count: number) => Effect.Effect<void>,
  count: number
): Effect.Effect<A, E, R> =>
  Effect.catchAll(effect, (error) =>
    count < pausesAtMost && isForWant(error)
      ? Effect.zipRight(wait(count), retried(effect, isForWant, wait, count + 1))
      : Effect.fail(error)
  )
