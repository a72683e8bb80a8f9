/**
 * The chapter: both Future classes have `add_done_callback`, which is called with the Future once it has ended.
 *
 * `future.add_done_callback` → `fiber.addObserver`; as an effect → `Fiber.await` in a fiber, or `Effect.onExit`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"

const slow = Effect.as(Effect.sleep("3 seconds"), 42)

describe("callbacks", () => {
  it.effect("calls an observer once, with the exit, when the fiber ends", () =>
    Effect.gen(function* () {
      const seen: Array<Exit.Exit<number>> = []
      const fiber = yield* Effect.fork(slow)
      fiber.addObserver((exit) => {
        seen.push(exit)
      })
      yield* TestClock.adjust("2999 millis")
      assert.deepStrictEqual(seen, [])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(seen, [Exit.succeed(42)])
    })
  )

  it.effect("calls an observer at once if the fiber has ended", () =>
    Effect.gen(function* () {
      const seen: Array<Exit.Exit<number>> = []
      const fiber = yield* Effect.fork(slow)
      yield* TestClock.adjust("3 seconds")
      fiber.addObserver((exit) => {
        seen.push(exit)
      })
      assert.deepStrictEqual(seen, [Exit.succeed(42)])
    })
  )

  it.effect("calls every observer except a removed one", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const note = (name: string) => () => {
        seen.push(name)
      }
      const gone = note("gone")
      const fiber = yield* Effect.fork(slow)
      fiber.addObserver(note("first"))
      fiber.addObserver(gone)
      fiber.addObserver(note("second"))
      fiber.removeObserver(gone)
      yield* TestClock.adjust("3 seconds")
      // Unlike asyncio's, the order is not the order of registration.
      assert.sameMembers(seen, ["first", "second"])
    })
  )

  for (const [how, effect, tag] of [
    ["a failed", Effect.zipRight(Effect.sleep("1 second"), Effect.fail("broken")), "Fail"],
    ["a dead", Effect.zipRight(Effect.sleep("1 second"), Effect.die("bug")), "Die"],
    ["an interrupted", Effect.zipRight(Effect.sleep("1 second"), Effect.interrupt), "Interrupt"]
  ] as const) {
    it.effect(`gives the observer of ${how} fiber the cause`, () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const fiber = yield* Effect.fork(effect)
        fiber.addObserver((exit) => {
          seen.push(Exit.isFailure(exit) ? exit.cause._tag : "success")
        })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(seen, [tag])
      })
    )
  }

  it.effect("runs an effect when a fiber ends", () =>
    Effect.gen(function* () {
      const seen = yield* Ref.make<ReadonlyArray<Exit.Exit<number>>>([])
      const fiber = yield* Effect.fork(slow)
      yield* Effect.fork(Effect.flatMap(Fiber.await(fiber), (exit) => Ref.update(seen, (before) => [...before, exit])))
      yield* TestClock.adjust("2999 millis")
      assert.deepStrictEqual(yield* Ref.get(seen), [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Ref.get(seen), [Exit.succeed(42)])
    })
  )

  it.effect("runs a finalizer of the work before the fiber is done", () =>
    Effect.gen(function* () {
      const seen = yield* Ref.make("nothing")
      const fiber = yield* Effect.fork(Effect.onExit(slow, (exit) => Ref.set(seen, exit._tag)))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* Ref.get(seen), "Success")
    })
  )
})
