/**
 * The chapter: both Future classes have `done()`, which says at once whether the work has ended, in whatever way.
 *
 * `future.done()` → `Option.isSome(yield* Fiber.poll(fiber))`; of a bare Future → `Deferred.isDone`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"

const isDone = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.map(Fiber.poll(fiber), Option.isSome)

describe("done", () => {
  for (const [how, effect, exit] of [
    ["with its result", Effect.succeed(42), Exit.succeed(42)],
    ["with its error", Effect.fail("broken"), Exit.fail("broken")]
  ] as const) {
    it.effect(`is false until the fiber ends, and then true, ${how}`, () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.zipRight(Effect.sleep("3 seconds"), effect))
        yield* TestClock.adjust("2999 millis")
        assert.isFalse(yield* isDone(fiber))
        yield* TestClock.adjust("1 millis")
        assert.isTrue(yield* isDone(fiber))
        assert.deepStrictEqual(yield* Fiber.poll(fiber), Option.some(exit))
      })
    )
  }

  it.effect("is true for an interrupted fiber, as for a cancelled Future", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.never)
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* isDone(fiber))
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* isDone(fiber))
      assert.isTrue(Option.exists(yield* Fiber.poll(fiber), Exit.isInterrupted))
    })
  )

  it.effect("is false until the finalizers of an interrupted fiber have run", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds")))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* isDone(fiber))
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* isDone(fiber))
    })
  )

  it.effect("is true for a Deferred that is set, which is possible once", () =>
    Effect.gen(function* () {
      const future = yield* Deferred.make<number, string>()
      assert.isFalse(yield* Deferred.isDone(future))
      assert.isTrue(yield* Deferred.succeed(future, 42))
      assert.isTrue(yield* Deferred.isDone(future))
      assert.isFalse(yield* Deferred.fail(future, "too late"))
      assert.strictEqual(yield* Deferred.await(future), 42)
    })
  )
})
