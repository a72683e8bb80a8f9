import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import type { DownloadEvent } from "../../src/DownloadEvent.js"
import * as Downloader from "../../src/Downloader.js"
import * as Progress from "../../src/Progress.js"
import { logging } from "../support/logging.js"
import { download, request, served, show } from "../support/transport/listeners.js"

describe("a listener, when the downloader is closed", () => {
  /** A download with this listener, whose downloader closes after it. */
  const closing = Effect.fnUntraced(function* (event: (event: DownloadEvent) => Effect.Effect<void>) {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(served, scope)
    const fiber = yield* Effect.fork(
      Context.get(context, Downloader.Downloader)
        .download(request("a"))
        .pipe(Effect.provideService(Progress.Progress, { event }))
    )
    yield* TestClock.adjust("100 millis")
    yield* Fiber.join(fiber)
    return yield* Effect.fork(Scope.close(scope, Exit.void))
  })

  it.effect("receives the events in its queue", () => {
    const { layer: logs, logged } = logging()
    return Effect.gen(function* () {
      const told: Array<string> = []
      const fiber = yield* closing((event) =>
        Effect.delay(
          Effect.sync(() => void told.push(show(event))),
          "600 millis"
        )
      )
      yield* TestClock.adjust("1900 millis")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told, ["a Started", "a Exchanged", "a Finished Saved"])
      assert.deepStrictEqual(logged, [])
    }).pipe(Effect.provide(logs))
  })

  it.effect("is interrupted after two seconds, and a warning says how many events it missed", () => {
    const { layer: logs, logged } = logging()
    return Effect.gen(function* () {
      let interrupted = false
      const fiber = yield* closing(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            interrupted = true
          })
        )
      )
      yield* TestClock.adjust("1999 millis")
      assert.isFalse(interrupted)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      assert.isTrue(interrupted)
      assert.deepStrictEqual(logged, ["WARN A Progress listener was too slow: it missed 3 events."])
    }).pipe(Effect.provide(logs))
  })

  for (const [what, stuck] of [
    ["in a step that cannot be interrupted", Effect.uninterruptible(Effect.never)],
    ["in such a step that it forked", Effect.asVoid(Effect.fork(Effect.uninterruptible(Effect.never)))]
  ] as const) {
    it.effect(`does not hold the downloader ${what}, and one warning says so`, () => {
      const { layer: logs, logged } = logging()
      return Effect.gen(function* () {
        const fiber = yield* closing((event) => (event._tag === "Finished" ? stuck : Effect.void))
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(logged, [
          "WARN A Progress listener or a Journal did not end when it was interrupted. It may go on after its downloader has closed."
        ])
      }).pipe(Effect.provide(logs))
    })
  }

  it.effect("has its time for an interruption that takes a while", () => {
    const { layer: logs, logged } = logging()
    return Effect.gen(function* () {
      let isReleased = false
      const fiber = yield* closing(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => {
              isReleased = true
            })
          )
        )
      )
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      assert.isTrue(isReleased)
      assert.deepStrictEqual(logged, ["WARN A Progress listener was too slow: it missed 3 events."])
    }).pipe(Effect.provide(logs))
  })

  it.effect("does not delay the end of a test, during which the clock stands still", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(
        Effect.provideService(download("a"), Progress.Progress, { event: () => Effect.never })
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Saved")
    }).pipe(Effect.provide(served), Effect.provide(logging().layer))
  )
})
