/**
 * Waits for a file descriptor if the process or the system has none left.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

// The pauses grow from 50 milliseconds to a second, and take a minute in all. Connections leave descriptors for files, and idle
// connections and parts release theirs, so a minute without a free descriptor is a fault.
const maxRetries = 66

const pause = (count: number): Effect.Effect<void> => Effect.sleep(Duration.millis(Math.min(1000, 50 * 1.5 ** count)))

export const isTooManyOpenCode = (code: string): boolean => code === "EMFILE" || code === "ENFILE"

/** Retries for up to a minute while the effect fails because no descriptor is free. The pauses are interruptible. */
export const retryUntilDescriptorFree =
  <E>(isTooManyOpen: (error: E) => boolean) =>
  <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    retry(effect, isTooManyOpen, (count) => Effect.interruptible(pause(count)), 0)

/** Does what `retryUntilDescriptorFree` does, but the pauses are interruptible only if the caller is. */
export const completeWhenDescriptorFree =
  <E>(isTooManyOpen: (error: E) => boolean) =>
  <A, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    retry(effect, isTooManyOpen, pause, 0)

const retry = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  isTooManyOpen: (error: E) => boolean,
  wait: (count: number) => Effect.Effect<void>,
  count: number
): Effect.Effect<A, E, R> =>
  Effect.catchAll(effect, (error) =>
    count < maxRetries && isTooManyOpen(error)
      ? Effect.zipRight(wait(count), retry(effect, isTooManyOpen, wait, count + 1))
      : Effect.fail(error)
  )
