/**
 * Runs an effect (the work) together with other effects (its companions), such as a progress display. When the work ends, by
 * success, failure or interruption, the companions are interrupted.
 *
 * The work runs on the fiber of the caller. It is not raced against its companions, because a race would run the finalizers of the
 * caller before the uninterruptible steps of the work have ended.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Scope from "effect/Scope"

/**
 * A companion that was started.
 *
 * @category models
 * @since 0.1.0
 */
export interface Child {
  readonly name: string
  readonly fiber: Fiber.RuntimeFiber<unknown>
}

/**
 * The options of `supervise`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<R> {
  /** The companions by name. They are interruptible, even if the caller is not. */
  readonly companions: { readonly [name: string]: Effect.Effect<unknown, never, R> }
  /** Runs before the work begins, with the companions. */
  readonly onStart?: ((children: ReadonlyArray<Child>) => Effect.Effect<void>) | undefined
}

/**
 * Runs the work and its companions, and returns the result of the work.
 *
 * Every companion is forked before the work begins. A companion that ends early does not end the work. If it dies, a warning is
 * logged. When `supervise` returns, all companions have ended and their finalizers have run. Resources that the work acquires in
 * the scope of the caller stay open.
 *
 * @category combinators
 * @since 0.1.0
 */
export const supervise: {
  <R2>(options: Options<R2>): <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | R2>
  <A, E, R, R2>(work: Effect.Effect<A, E, R>, options: Options<R2>): Effect.Effect<A, E, R | R2>
} = dual(
  2,
  <A, E, R, R2>(work: Effect.Effect<A, E, R>, options: Options<R2>): Effect.Effect<A, E, R | R2> =>
    Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.forEach(Object.entries(options.companions), ([name, companion]) =>
          companion.pipe(
            Effect.onError((cause) =>
              Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logWarning(`companion ${name} died`, cause)
            ),
            Effect.interruptible,
            Effect.forkIn(scope),
            Effect.map((fiber): Child => ({ name, fiber }))
          )
        ).pipe(
          Effect.tap((children) => options.onStart?.(children) ?? Effect.void),
          Effect.zipRight(work)
        ),
      Scope.close
    )
)

/**
 * Describes the fiber of a companion: `spinner object: Fiber(#7, suspended)`.
 *
 * @category rendering
 * @since 0.1.0
 */
export const describe = (child: Child): Effect.Effect<string> =>
  Effect.map(
    Fiber.status(child.fiber),
    (status) => `${child.name} object: Fiber(#${child.fiber.id().id}, ${status._tag.toLowerCase()})`
  )
