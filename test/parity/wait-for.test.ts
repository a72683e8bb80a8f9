/**
 * The chapter: `wait_for` awaits with a time limit; when it is over the awaited is cancelled and TimeoutError raised.
 *
 * `asyncio.wait_for` → `Effect.timeout`, `Effect.timeoutFail`; `asyncio.shield` → a time limit on `Fiber.join` alone
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Transport from "../../src/Transport.js"

const slow = Effect.as(Effect.sleep("3 seconds"), 42)

describe("wait_for", () => {
  it.effect("returns the result of an effect that ends in time", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.timeout(slow, "5 seconds"))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 42)
    })
  )

  it.effect("cancels a slow effect at the limit, and fails with a typed error", () =>
    Effect.gen(function* () {
      const cancelled = yield* Ref.make(false)
      const work = Effect.onInterrupt(slow, () => Ref.set(cancelled, true))
      const fiber = yield* Effect.fork(Effect.flip(Effect.timeout(work, "2 seconds")))
      yield* TestClock.adjust("1999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "TimeoutException")
      assert.isTrue(yield* Ref.get(cancelled))
    })
  )

  it.effect("waits for the finalizers of the cancelled effect, and not if it is disconnected", () =>
    Effect.gen(function* () {
      const work = Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds"))
      const waiting = yield* Effect.fork(Effect.option(Effect.timeout(work, "1 second")))
      const leaving = yield* Effect.fork(Effect.option(Effect.timeout(Effect.disconnect(work), "1 second")))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      assert.isTrue(Option.isSome(yield* Fiber.poll(leaving)))
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(Option.isSome(yield* Fiber.poll(waiting)))
    })
  )

  it.effect("limits the wait for forked work, which continues", () =>
    Effect.gen(function* () {
      const work = yield* Effect.fork(slow)
      const waiting = yield* Effect.fork(Effect.option(Effect.timeout(Fiber.join(work), "1 second")))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.join(waiting)))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(work), 42)
    })
  )

  for (const [part, receivedBytes, transport] of [
    ["headers", 0, Layer.succeed(Transport.Transport, Transport.make({ open: () => Effect.never }))],
    [
      "body",
      3,
      Layer.succeed(
        Transport.Transport,
        Transport.make({
          open: () =>
            Effect.succeed({ status: 200, headers: {}, body: Stream.concat(Stream.make(someBytes()), Stream.never) })
        })
      )
    ]
  ] as const) {
    it.effect(`ends a download that waits for its ${part}, with a typed error, and leaves nothing`, () =>
      Effect.gen(function* () {
        const downloader = yield* Downloader.Downloader
        const memory = yield* MemoryStore.MemoryFiles
        const request = Download.request({
          url: "http://origin/br/br.gif",
          destination: "br.gif",
          timeout: "3100 millis"
        })
        const fiber = yield* Effect.fork(Effect.flip(downloader.download(request)))
        yield* TestClock.adjust("3099 millis")
        assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
        yield* TestClock.adjust("1 millis")
        const error = yield* Fiber.join(fiber)
        assert.deepInclude(error, { _tag: "Timeout", phase: "total", limitMillis: 3100, receivedBytes })
        assert.strictEqual(yield* memory.parts, 0)
        assert.strictEqual((yield* memory.files).size, 0)
      }).pipe(
        Effect.provide(
          Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
            Layer.provide(transport),
            Layer.provideMerge(MemoryStore.layer)
          )
        )
      )
    )
  }
})

function someBytes() {
  return new Uint8Array([71, 73, 70])
}
