/**
 * An `Exit` is an `Effect` that has ended: a method that has done its work when it returns gives back an `Exit`, and its caller
 * continues without suspending.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** `Exit.isExit` that keeps the types. */
export const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

/** As `Effect.flatMap`. If the effect has ended, calls `next` at once. */
export const andThen = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  next: (value: A) => Effect.Effect<B, E2>
): Effect.Effect<B, E | E2> => {
  if (!isExit(effect)) {
    return Effect.flatMap(effect, next)
  }
  return Exit.isSuccess(effect) ? next(effect.value) : Exit.failCause(effect.cause)
}

/** Calls `next` with the exit of an effect. If the effect has ended, calls it at once. */
export const matchExit = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  next: (exit: Exit.Exit<A, E>) => Effect.Effect<B, E2>
): Effect.Effect<B, E2> => (isExit(effect) ? next(effect) : Effect.flatMap(Effect.exit(effect), next))

/** The error of a failed effect, or its defect. */
export const errorOf = ({ cause }: Exit.Failure<unknown, unknown>): unknown => Cause.squash(cause)
