/**
 * The chapter: a Task is scheduled when it is created. A Thread runs after `start()`.
 *
 * `asyncio.create_task` → `Effect.fork`; a `Thread` before `start()` → an Effect that was not run
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Supervisor from "../../src/Supervisor.js"

/** What was done so far, and a step that adds to it. */
const makeSteps = Effect.map(Ref.make<ReadonlyArray<string>>([]), (steps) => ({
  done: Ref.get(steps),
  step: (name: string) => Ref.update(steps, (before) => [...before, name])
}))

describe("scheduled when created", () => {
  it.effect("runs a forked fiber at the next turn, without a start and without a join", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      yield* Effect.fork(step("task"))
      yield* step("creator")
      assert.deepStrictEqual(yield* done, ["creator"])
      yield* Effect.yieldNow()
      assert.deepStrictEqual(yield* done, ["creator", "task"])
    })
  )

  it.effect("returns a fiber that is not done yet", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.as(Effect.sleep("3 seconds"), 42))
      assert.notStrictEqual((yield* Fiber.status(fiber))._tag, "Done")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.status(fiber))._tag, "Done")
    })
  )

  it.effect("does nothing when an effect is made, like a thread before its start", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const thread = step("thread")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* done, [])
      yield* Effect.fork(thread)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* done, ["thread"])
    })
  )

  it.effect("can run an effect several times, while a thread starts once", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const twice = step("again")
      yield* twice
      yield* twice
      assert.deepStrictEqual(yield* done, ["again", "again"])
    })
  )

  it.effect("waits for an explicit start with a latch", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const start = yield* Effect.makeLatch(false)
      const thread = yield* Effect.fork(start.whenOpen(step("started")))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* done, [])
      yield* start.open
      yield* Fiber.join(thread)
      assert.deepStrictEqual(yield* done, ["started"])
    })
  )

  it.effect("schedules the companion of a supervisor before the work begins", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const work = Effect.zipRight(step("work"), Effect.sleep("1 second"))
      const fiber = yield* Effect.fork(
        Supervisor.supervise(work, {
          companions: { spinner: Effect.zipRight(step("spinner"), Effect.sleep("1 hour")) },
          onStart: (children) => step(`created ${children.map((child) => child.name).join()}`)
        })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.sameMembers((yield* done).slice(), ["created spinner", "spinner", "work"])
      assert.isBelow((yield* done).indexOf("created spinner"), (yield* done).indexOf("work"))
    })
  )
})
