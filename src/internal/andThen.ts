/**
 * Combines effects without suspending if an effect is an `Exit`, which is an effect that has ended.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Does what `Exit.isExit` does, and keeps the types. It is faster, which shows in the CPU time of a small file. */
export const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> =>
  "_tag" in effect && (effect._tag === "Success" || effect._tag === "Failure")

/** Does what `Effect.flatMap` does. If the effect has ended, it calls `next` at once. */
export const andThen = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  next: (value: A) => Effect.Effect<B, E2>
): Effect.Effect<B, E | E2> => {
  if (!isExit(effect)) {
    return Effect.flatMap(effect, next)
  }
  return Exit.isSuccess(effect) ? next(effect.value) : Exit.failCause(effect.cause)
}

/** Calls `next` with the exit of an effect. If the effect has ended, it calls `next` at once. */
export const matchExit = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  next: (exit: Exit.Exit<A, E>) => Effect.Effect<B, E2>
): Effect.Effect<B, E2> => (isExit(effect) ? next(effect) : Effect.flatMap(Effect.exit(effect), next))

/** Does what `Effect.mapError` does. If the effect has ended, it calls `map` at once. */
export const mapError = <A, E, E2>(effect: Effect.Effect<A, E>, map: (error: E) => E2): Effect.Effect<A, E2> =>
  isExit(effect) ? Exit.mapError(effect, map) : Effect.mapError(effect, map)

/**
 * Starts an operation that reports its result by a call of `resume`. If `resume` was called with an exit before `begin` returns, that
 * exit is returned. Otherwise the returned effect waits for the call, and then runs the effect that `resume` got. No interruption ends
 * it. Run it once.
 */
export const called = <A, E>(begin: (resume: (effect: Effect.Effect<A, E>) => void) => void): Effect.Effect<A, E> => {
  let ended: Effect.Effect<A, E> | undefined
  let wake: ((effect: Effect.Effect<A, E>) => void) | undefined
  begin((effect) => {
    ended = effect
    wake?.(effect)
  })
  return ended !== undefined && isExit(ended)
    ? ended
    : Effect.uninterruptible(
        Effect.async((resume) => {
          wake = resume
          if (ended !== undefined) {
            resume(ended)
          }
        })
      )
}

/** Returns the error or the defect of a failed effect. */
export const errorOf = ({ cause }: Exit.Failure<unknown, unknown>): unknown => Cause.squash(cause)
