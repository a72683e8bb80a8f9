/**
 * The chapter: `Task.cancel()` raises CancelledError inside the coroutine, where it waits, and the coroutine can clean up.
 *
 * `task.cancel()` and `except CancelledError` → `Fiber.interrupt` and `Effect.onInterrupt`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Transport from "../../src/Transport.js"

/** What was done so far, and a step that adds to it. */
const makeSteps = Effect.map(Ref.make<ReadonlyArray<string>>([]), (steps) => ({
  done: Ref.get(steps),
  step: (name: string) => Ref.update(steps, (before) => [...before, name])
}))

describe("cancel raises inside", () => {
  it.effect("runs the handlers of the fiber at its suspension, innermost first, and nothing after this point", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const coroutine = step("before").pipe(
        Effect.zipRight(Effect.onInterrupt(Effect.sleep("3 seconds"), () => step("inner handler"))),
        Effect.zipRight(step("behind")),
        Effect.onInterrupt(() => step("outer handler"))
      )
      const fiber = yield* Effect.fork(coroutine)
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* done, ["before", "inner handler", "outer handler"])
    })
  )

  it.effect("ends the fiber with a cause that has the id of the interrupting fiber", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.sleep("3 seconds"))
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.interrupt(fiber)
      const interruptors = Exit.isFailure(exit) ? Array.from(Cause.interruptors(exit.cause)) : []
      assert.isTrue(Exit.isInterrupted(exit))
      assert.deepStrictEqual(interruptors, [yield* Effect.fiberId])
    })
  )

  it.effect(
    "returns when the clean-up is over, where cancel() only asks; Fiber.interruptFork is the one that asks",
    () =>
      Effect.gen(function* () {
        const slowToClean = Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds"))
        const asked = yield* Effect.fork(slowToClean)
        const waitedFor = yield* Effect.fork(slowToClean)
        yield* TestClock.adjust("1 second")
        yield* Fiber.interruptFork(asked)
        const interruption = yield* Effect.fork(Fiber.interrupt(waitedFor))
        yield* TestClock.adjust("1999 millis")
        assert.isTrue(Option.isNone(yield* Fiber.poll(asked)))
        assert.isTrue(Option.isNone(yield* Fiber.poll(interruption)))
        yield* TestClock.adjust("1 millis")
        assert.isTrue(Exit.isInterrupted(yield* Fiber.await(asked)))
        assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interruption)))
      })
  )

  it.effect("lets no handler catch the interruption, while a coroutine could catch it and continue", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const stubborn = Effect.sleep("3 seconds").pipe(
        Effect.catchAllCause(() => step("caught")),
        Effect.zipRight(step("went on"))
      )
      const fiber = yield* Effect.fork(stubborn)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.deepStrictEqual(yield* done, [])
    })
  )

  it.effect("completes an uninterruptible step, and stops after it", () =>
    Effect.gen(function* () {
      const { done, step } = yield* makeSteps
      const save = Effect.uninterruptible(Effect.zipRight(Effect.sleep("3 seconds"), step("saved")))
      const fiber = yield* Effect.fork(Effect.zipRight(save, step("behind")))
      yield* TestClock.adjust("1 second")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interruption)))
      assert.deepStrictEqual(yield* done, ["saved"])
    })
  )

  it.effect("leaves no part and no file if a download is cancelled in its body", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const memory = yield* MemoryStore.MemoryFiles
      const fiber = yield* Effect.fork(
        downloader.download(Download.request({ url: "http://origin/br/br.gif", destination: "br.gif" }))
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* memory.parts, 1)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.strictEqual(yield* memory.parts, 0)
      assert.strictEqual((yield* memory.files).size, 0)
    }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provide(neverEnding), Layer.provideMerge(MemoryStore.layer))))
  )
})

const neverEnding = Layer.succeed(
  Transport.Transport,
  Transport.make({
    open: () =>
      Effect.succeed({
        status: 200,
        headers: {},
        body: Stream.concat(Stream.make(new Uint8Array([71, 73, 70])), Stream.never)
      })
  })
)
