/**
 * Runs work with companions beside it in one scope: the companions are interrupted when the work ends, in whatever way,
 * and all of them when the caller is.
 *
 * The work stays on the caller's own fiber. It is not raced against its companions: a race would run the caller's
 * finalizers before the work's uninterruptible steps have ended.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as FiberStatus from "effect/FiberStatus"
import { dual } from "effect/Function"
import * as Scope from "effect/Scope"

/**
 * A companion, started and not yet done.
 *
 * @category models
 * @since 0.1.0
 */
export interface Child {
  readonly name: string
  readonly fiber: Fiber.RuntimeFiber<unknown>
}

/**
 * Who is beside the work.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<R> {
  /** By name. They are interruptible, also where the caller is not. */
  readonly companions: { readonly [name: string]: Effect.Effect<unknown, never, R> }
  /** Shown the companions, started and not yet done, before the work begins. */
  readonly onStart?: ((children: ReadonlyArray<Child>) => Effect.Effect<void>) | undefined
}

/**
 * Runs `work` with `companions` beside it, and gives what the work gives.
 *
 * Every companion is forked before the work begins. A companion that ends early, or dies, does not end the work; a
 * death is logged as a warning. When `supervise` returns, every companion has ended and its finalizers have run. What
 * the work acquires in the caller's scope stays there.
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
 * What the runtime says of a child: `spinner object: Fiber(#7, suspended)`.
 *
 * @category rendering
 * @since 0.1.0
 */
export const describe = (child: Child): Effect.Effect<string> =>
  Effect.map(
    Fiber.status(child.fiber),
    (status) => `${child.name} object: Fiber(#${child.fiber.id().id}, ${stateOf(status)})`
  )

const stateOf = (status: FiberStatus.FiberStatus): string => {
  switch (status._tag) {
    case "Done":
      return "done"
    case "Running":
      return "running"
    case "Suspended":
      return "suspended"
  }
}
