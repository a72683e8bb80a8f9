/**
 * The chapter: `await` drives a coroutine, and waits for a Task, while the event loop goes on with others.
 *
 * `await coroutine()` → `yield* effect`, on the same fiber; `await task` → `Fiber.join`; `run_until_complete` → `runPromise`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"

const slow = Effect.as(Effect.sleep("3 seconds"), 42)

describe("awaiting", () => {
  it.effect("runs an effect on the awaiting fiber, and a forked effect on another fiber", () =>
    Effect.gen(function* () {
      const own = yield* Effect.fiberId
      const coroutine = Effect.zipRight(Effect.yieldNow(), Effect.fiberId)
      assert.deepStrictEqual(yield* coroutine, own)
      assert.notDeepEqual(yield* Fiber.join(yield* Effect.fork(coroutine)), own)
    })
  )

  it.effect("lets other fibers continue while one fiber waits", () =>
    Effect.gen(function* () {
      const steps = yield* Ref.make<ReadonlyArray<string>>([])
      const step = (name: string) => Ref.update(steps, (before) => [...before, name])
      const awaiting = yield* Effect.fork(step("asked").pipe(Effect.zipRight(slow), Effect.zipLeft(step("answered"))))
      yield* Effect.fork(Effect.zipRight(Effect.sleep("1 second"), step("another")))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(awaiting), 42)
      assert.deepStrictEqual(yield* Ref.get(steps), ["asked", "another", "answered"])
    })
  )

  it.effect("takes the sum of the times for effects in sequence, and the longest time for forked effects", () =>
    Effect.gen(function* () {
      const timed = <A>(effect: Effect.Effect<A>) => Effect.zipRight(effect, Clock.currentTimeMillis)
      const inTurn = yield* Effect.fork(timed(Effect.zipRight(slow, slow)))
      const together = yield* Effect.fork(
        timed(
          Effect.gen(function* () {
            const first = yield* Effect.fork(slow)
            const second = yield* Effect.fork(slow)
            yield* Fiber.join(first)
            yield* Fiber.join(second)
          })
        )
      )
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(inTurn), 6000)
      assert.strictEqual(yield* Fiber.join(together), 3000)
    })
  )

  it.effect("gives the result of one fiber to all fibers that join it, and runs the work once", () =>
    Effect.gen(function* () {
      const runs = yield* Ref.make(0)
      const fiber = yield* Effect.fork(
        Effect.zipRight(
          Effect.sleep("1 second"),
          Ref.updateAndGet(runs, (count) => count + 1)
        )
      )
      const waiting = yield* Effect.fork(
        Effect.all([Fiber.join(fiber), Fiber.join(fiber)], { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(waiting), [1, 1])
    })
  )

  it.effect("wakes a fiber that awaits a Deferred when the Deferred is set", () =>
    Effect.gen(function* () {
      const future = yield* Deferred.make<number, string>()
      const awaiting = yield* Effect.fork(Deferred.await(future))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.status(awaiting))._tag, "Suspended")
      yield* Deferred.succeed(future, 42)
      assert.strictEqual(yield* Fiber.join(awaiting), 42)
    })
  )

  it.effect("fails the awaiting fiber with the error of the awaited fiber", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.fail("broken"))
      const rescued = yield* Effect.catchAll(Fiber.join(fiber), (error) => Effect.succeed(`rescued from ${error}`))
      assert.strictEqual(rescued, "rescued from broken")
    })
  )

  it.effect(
    "interrupts a fiber that joins an interrupted fiber, and gives the interruption to a fiber that reads the exit",
    () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.never)
        const joining = yield* Effect.fork(Fiber.join(fiber))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.isInterrupted(yield* Fiber.await(joining)))
        assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
      })
  )

  it("runs a whole program to its result at the edge of the process", async () => {
    assert.strictEqual(await Effect.runPromise(Effect.as(Effect.yieldNow(), 42)), 42)
  })
})
