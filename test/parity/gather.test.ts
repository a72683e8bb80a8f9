/**
 * The chapter: `gather` runs many coroutines at once and gives their results in the order in which they were handed in.
 *
 * `asyncio.gather` → `Effect.all` with concurrency; `return_exceptions=True` → `mode: "either"`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"

/** Gives a code after so many seconds, and notes whether it was completed or cancelled. */
const makeFetch = Effect.map(Ref.make<ReadonlyArray<string>>([]), (steps) => {
  const step = (name: string) => Ref.update(steps, (before) => [...before, name])
  return {
    done: Ref.get(steps),
    fetch: (code: string, seconds: number) =>
      Effect.sleep(`${seconds} seconds`).pipe(
        Effect.zipRight(step(code)),
        Effect.as(code),
        Effect.onInterrupt(() => step(`${code} cancelled`))
      )
  }
})

describe("gather", () => {
  it.effect("takes as long as the slowest effect, and returns the results in the order of the input", () =>
    Effect.gen(function* () {
      const { done, fetch } = yield* makeFetch
      const all = Effect.all([fetch("BR", 3), fetch("CN", 1), fetch("US", 2)], { concurrency: "unbounded" })
      const fiber = yield* Effect.fork(Effect.zip(all, Clock.currentTimeMillis))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [["BR", "CN", "US"], 3000])
      assert.deepStrictEqual(yield* done, ["CN", "US", "BR"])
    })
  )

  it.effect("runs the effects in sequence by default", () =>
    Effect.gen(function* () {
      const { done, fetch } = yield* makeFetch
      const all = Effect.all([fetch("BR", 3), fetch("CN", 1), fetch("US", 2)])
      const fiber = yield* Effect.fork(Effect.zipRight(all, Clock.currentTimeMillis))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 6000)
      assert.deepStrictEqual(yield* done, ["BR", "CN", "US"])
    })
  )

  it.effect("fails with the first error and cancels the others, while asyncio leaves them running", () =>
    Effect.gen(function* () {
      const { done, fetch } = yield* makeFetch
      const broken = Effect.zipRight(Effect.sleep("2 seconds"), Effect.fail("ZZ not found"))
      const all = Effect.all([fetch("BR", 3), fetch("CN", 1), broken], { concurrency: "unbounded" })
      const fiber = yield* Effect.fork(Effect.flip(all))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "ZZ not found")
      assert.deepStrictEqual(yield* done, ["CN", "BR cancelled"])
    })
  )

  it.effect("returns errors as results with mode either", () =>
    Effect.gen(function* () {
      const { fetch } = yield* makeFetch
      const all = Effect.all([fetch("BR", 3), Effect.fail("ZZ not found"), fetch("CN", 1)], {
        concurrency: "unbounded",
        mode: "either"
      })
      const fiber = yield* Effect.fork(all)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [
        Either.right("BR"),
        Either.left("ZZ not found"),
        Either.right("CN")
      ])
    })
  )

  it.effect("cancels all effects when it is cancelled, and waits for their finalizers", () =>
    Effect.gen(function* () {
      const { done, fetch } = yield* makeFetch
      const fiber = yield* Effect.fork(
        Effect.forEach(["BR", "CN", "US"], (code) => fetch(code, 3), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.sameMembers((yield* done).slice(), ["BR cancelled", "CN cancelled", "US cancelled"])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* done).length, 3)
    })
  )
})
