/**
 * The chapter: `result()` of an unfinished Future blocks the thread (concurrent.futures) or raises InvalidStateError
 * (asyncio), because there one has to await.
 *
 * `result()` that blocks → `Fiber.join`, which suspends one fiber; InvalidStateError → the `None` of `Fiber.poll`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Runtime from "effect/Runtime"
import * as TestClock from "effect/TestClock"

const slow = Effect.as(Effect.sleep("3 seconds"), 42)

describe("result of an unfinished future", () => {
  it.effect("is None while the fiber runs, and then its exit", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(slow)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.poll(fiber), Option.none())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.poll(fiber), Option.some(Exit.succeed(42)))
    })
  )

  it.effect("is a typed error if the result is required", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(slow)
      yield* TestClock.adjust("2 seconds")
      const exit = Effect.flatten(Fiber.poll(fiber))
      assert.strictEqual((yield* Effect.flip(exit))._tag, "NoSuchElementException")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* exit, Exit.succeed(42))
    })
  )

  it("cannot be awaited in synchronous code", () => {
    const exit = Effect.runSyncExit(slow)
    const defect = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.dieOption(exit.cause)) : undefined
    assert.isTrue(Runtime.isAsyncFiberException(defect))
    assert.deepStrictEqual(Effect.runSyncExit(Effect.succeed(42)), Exit.succeed(42))
  })

  it.effect("suspends only the joining fiber", () =>
    Effect.gen(function* () {
      const ticks = yield* Ref.make(0)
      yield* Effect.fork(
        Effect.forever(
          Effect.zipRight(
            Effect.sleep("1 second"),
            Ref.update(ticks, (count) => count + 1)
          )
        )
      )
      const fiber = yield* Effect.fork(slow)
      const joining = yield* Effect.fork(Fiber.join(fiber))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.status(joining))._tag, "Suspended")
      assert.strictEqual(yield* Ref.get(ticks), 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(joining), 42)
    })
  )

  it.effect("can be awaited for a limited time, as with result(timeout), and the work continues", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(slow)
      const waiting = yield* Effect.fork(Effect.flip(Effect.timeout(Fiber.join(fiber), "1 second")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "TimeoutException")
      assert.deepStrictEqual(yield* Fiber.poll(fiber), Option.none())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 42)
    })
  )

  it.effect("fails each fiber that joins failed work with its error", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.zipRight(Effect.sleep("1 second"), Effect.fail("broken")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "broken")
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "broken")
    })
  )
})
