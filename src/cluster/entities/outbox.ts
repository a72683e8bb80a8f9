/**
 * Repeats a write until the database has taken it, also if the calling fiber is interrupted. So the interruption of a shard does not lose
 * its result.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { BatchStorageError } from "../errors.js"

/** Runs a write until it succeeds, and waits for it. An interruption ends the wait, and not the write. */
export type Outbox = (write: Effect.Effect<void, BatchStorageError>) => Effect.Effect<void>

/** The writes end with the scope. When it closes, those that are under way have five seconds. */
export const make: Effect.Effect<Outbox, never, Scope.Scope> = Effect.gen(function* () {
  const writes = yield* FiberSet.make<void>()
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(FiberSet.awaitEmpty(writes), closeTimeout)))
  return (write) => Effect.flatMap(FiberSet.run(writes, persistently(write)), Fiber.join)
})

/** Repeats a step that the database refuses. */
export const persistently = <A, R>(step: Effect.Effect<A, BatchStorageError, R>): Effect.Effect<A, never, R> =>
  step.pipe(
    Effect.tapError((error) => Effect.logWarning(error.message)),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.orDie
  )

const closeTimeout = "5 seconds"
