/**
 * Waits for a file descriptor when the process or the system has none left.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

// Connections leave room for files, and idle connections and parts release their descriptors. So a minute without a free
// descriptor is a fault. The pauses grow from 50 milliseconds to a second.
const pausesAtMost = 66

const pause = (count: number): Effect.Effect<void> => Effect.sleep(Duration.millis(Math.min(1000, 50 * 1.5 ** count)))

export const isTooManyOpen = (code: string): boolean => code === "EMFILE" || code === "ENFILE"

/** Retries for up to a minute while the effect fails because no descriptor is free. The waits are interruptible. */
export const retryUntilDescriptorFree =
  <E>(isForWant: (error: E) => boolean) =>
  <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    retried(effect, isForWant, (count) => Effect.interruptible(pause(count)), 0)

/** The same for work that must be completed: the waits are interruptible only if the caller is. */
export const completeWhenDescriptorFree =
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
