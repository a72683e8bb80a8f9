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
  it.effect("gives None at once, and the exit when there is one", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(slow)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.poll(fiber), Option.none())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.poll(fiber), Option.some(Exit.succeed(42)))
    })
  )

  it.effect("is a typed error where the result is asked for as if it were there", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(slow)
      yield* TestClock.adjust("2 seconds")
      const exit = Effect.flatten(Fiber.poll(fiber))
      assert.strictEqual((yield* Effect.flip(exit))._tag, "NoSuchElementException")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* exit, Exit.succeed(42))
    })
  )

  it("refuses to run an effect that waits where nobody may wait", () => {
    const exit = Effect.runSyncExit(slow)
    const defect = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.dieOption(exit.cause)) : undefined
    assert.isTrue(Runtime.isAsyncFiberException(defect))
    assert.deepStrictEqual(Effect.runSyncExit(Effect.succeed(42)), Exit.succeed(42))
  })

  it.effect("suspends the fiber that joins and no other", () =>
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

  it.effect("gives up waiting after a time, as result(timeout) does, and leaves the work alone", () =>
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

  it.effect("raises the error of failed work in whoever asks for its result, as often as asked", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.zipRight(Effect.sleep("1 second"), Effect.fail("broken")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "broken")
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "broken")
    })
  )
})
