import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Progress from "../../src/Progress.js"
import { memoryStoreWith } from "../support/storage/storeParts.js"
import { files, finished, names, nothingLeft, request, stack } from "../support/transport/scriptedDownloads.js"
import { Exchanges, layer as transportLayer } from "../support/transport/scriptedTransport.js"

/** A store in memory whose publishing takes ten seconds. */
const slowToPublish = memoryStoreWith((part) => ({
  publish: (options) => Effect.zipLeft(part.publish(options), Effect.sleep("10 seconds"))
}))

describe("Downloader.run", () => {
  const run = <E>(requests: Stream.Stream<Download.DownloadRequest, E>, concurrency: number) =>
    Stream.unwrap(Effect.map(Downloader.Downloader, (downloader) => downloader.run(requests, { concurrency })))

  it.effect("has exactly one outcome for each request", () =>
    Effect.gen(function* () {
      const requests = names(50).map((name) => request(name))
      const fiber = yield* Effect.fork(Stream.runCollect(run(Stream.fromIterable(requests), 7)))
      yield* TestClock.adjust("1 hour")
      const outcomes = Chunk.toReadonlyArray(yield* Fiber.join(fiber))
      assert.deepStrictEqual(outcomes.map((outcome) => outcome.request.id).sort(), names(50).sort())
      for (const outcome of outcomes) {
        const index = Number(outcome.request.id.slice(5))
        assert.strictEqual(outcome._tag, index % 3 === 0 ? "Failed" : "Saved")
      }
      assert.strictEqual((yield* files).size, outcomes.filter(({ _tag }) => _tag === "Saved").length)
      assert.strictEqual((yield* finished).length, 50)
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        stack((name) => {
          const index = Number(name.slice(5))
          return index % 3 === 0
            ? { status: 500, wait: `${index} seconds` as const }
            : { chunks: [name], wait: `${index % 4} seconds` as const }
        })
      )
    )
  )

  it.effect("has at most `concurrency` transfers in flight, and this number while there is work", () =>
    Effect.gen(function* () {
      const requests = Stream.fromIterable(names(30).map((name) => request(name)))
      const fiber = yield* Effect.fork(Stream.runDrain(run(requests, 4)))
      yield* TestClock.adjust("2 seconds")
      const exchanges = yield* Exchanges
      assert.strictEqual(exchanges.open(), 4)
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      assert.strictEqual(exchanges.mostOpen(), 4)
    }).pipe(Effect.provide(stack((name) => ({ chunks: [name], wait: "1 second" }))))
  )

  it.effect("emits outcomes in the order of completion", () =>
    Effect.gen(function* () {
      const requests = Stream.make(request("slow"), request("quick"))
      const fiber = yield* Effect.fork(Stream.runCollect(run(requests, 2)))
      yield* TestClock.adjust("1 minute")
      const outcomes = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(outcomes).map((outcome) => outcome.request.id),
        ["quick", "slow"]
      )
    }).pipe(Effect.provide(stack((name) => ({ wait: name === "slow" ? "3 seconds" : "1 second" }))))
  )

  it.effect("begins before its input ends, and reads only as much input as it needs", () =>
    Effect.gen(function* () {
      let pulled = 0
      const endless = Stream.iterate(0, (index) => index + 1).pipe(
        Stream.rechunk(1),
        Stream.map((index) => {
          pulled++
          return request(`file-${index}`)
        })
      )
      const fiber = yield* Effect.fork(Stream.runDrain(run(endless, 3)))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Exchanges).open(), 3)
      assert.isAtMost(pulled, 4)
      yield* Fiber.interrupt(fiber)
      yield* nothingLeft
    }).pipe(Effect.provide(stack(() => ({ wait: "1 hour" }))))
  )

  it.effect("slows down with a slow consumer", () =>
    Effect.gen(function* () {
      const requests = Stream.fromIterable(names(100).map((name) => request(name)))
      const fiber = yield* run(requests, 2).pipe(
        Stream.runForEach(() => Effect.sleep("1 minute")),
        Effect.fork
      )
      yield* TestClock.adjust("1 minute")
      assert.isAtMost((yield* Exchanges).opened().length, 8)
      yield* Fiber.interrupt(fiber)
      yield* nothingLeft
    }).pipe(Effect.provide(stack((name) => ({ chunks: [name] }))))
  )

  it.effect("fails if its input fails, after the transfers in flight have ended", () =>
    Effect.gen(function* () {
      const requests = Stream.concat(Stream.make(request("a"), request("b")), Stream.fail("no more lines"))
      const fiber = yield* Effect.fork(Effect.flip(Stream.runDrain(run(requests, 5))))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), "no more lines")
      assert.strictEqual((yield* finished).filter(({ _tag }) => _tag === "Saved").length, 2)
      yield* nothingLeft
    }).pipe(Effect.provide(stack((name) => ({ chunks: [name], wait: "1 second" }))))
  )

  it.effect("begins no further request after a defect, ends the transfers in flight, and has all outcomes", () =>
    Effect.gen(function* () {
      const requests = Stream.fromIterable(names(6).map((name) => request(name)))
      const given: Array<string> = []
      const taken = Stream.runForEach(run(requests, 3), ({ _tag, request: { id } }) =>
        Effect.sync(() => given.push(`${id} ${_tag}`))
      )
      const fiber = yield* Effect.fork(Effect.exit(taken))
      yield* TestClock.adjust("1 minute")
      const exit = yield* Fiber.join(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Error)
      assert.deepStrictEqual(given.sort(), ["file-0 Saved", "file-1 Saved", "file-2 Cancelled"])
      assert.deepStrictEqual((yield* finished).map((outcome) => outcome.request.id).sort(), names(6))
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        stack((name) => {
          if (name === "file-2") {
            throw new Error("a bug in a transport")
          }
          return { chunks: [name], wait: "1 second" }
        })
      )
    )
  )

  it.effect("completes the transfers in flight if its input dies", () =>
    Effect.gen(function* () {
      const requests = Stream.concat(Stream.make(request("a"), request("b")), Stream.die("a bug in the input"))
      const fiber = yield* Effect.fork(Effect.exit(Stream.runDrain(run(requests, 5))))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.strictEqual((yield* finished).filter(({ _tag }) => _tag === "Saved").length, 2)
    }).pipe(Effect.provide(stack((name) => ({ chunks: [name], wait: "1 second" }))))
  )

  it.effect("accepts any number as concurrency, and treats NaN as 1", () =>
    Effect.gen(function* () {
      for (const concurrency of [0, -1, 0.5, 2.7, Number.NaN]) {
        const requests = Stream.fromIterable(names(3).map((name) => request(name)))
        assert.strictEqual(Chunk.size(yield* Stream.runCollect(run(requests, concurrency))), 3)
      }
    }).pipe(Effect.provide(stack((name) => ({ chunks: [name] }))))
  )

  it.effect("ends at once if there are no requests", () =>
    Effect.gen(function* () {
      assert.strictEqual(Chunk.size(yield* Stream.runCollect(run(Stream.empty, 5))), 0)
    }).pipe(Effect.provide(stack(() => ({}))))
  )

  it.effect(
    "has one outcome for each request if it is interrupted at the n-th step, before or during its transfer",
    () =>
      Effect.forEach(
        Array.from({ length: 60 }, (_, index) => index),
        (steps) =>
          Effect.gen(function* () {
            const requests = Stream.fromIterable(names(9).map((name) => request(name)))
            const fiber = yield* Effect.fork(Stream.runDrain(run(requests, 3)))
            yield* Effect.forEach(Array.from({ length: steps }), () => Effect.yieldNow(), { discard: true })
            yield* Fiber.interrupt(fiber)
            yield* nothingLeft
            const outcomes = yield* finished
            const ids = outcomes.map((outcome) => outcome.request.id)
            assert.strictEqual(new Set(ids).size, ids.length)
            assert.include([0, 9], ids.length, `${steps} steps`)
            const saved = outcomes.filter(({ _tag }) => _tag === "Saved").map((outcome) => outcome.request.id)
            assert.deepStrictEqual(saved.sort(), Array.from((yield* files).keys()).sort())
          }).pipe(Effect.provide(stack((name) => ({ chunks: [name, name] })))),
        { discard: true }
      )
  )

  it.effect("reports a file as saved if the interruption comes during the publish", () =>
    Effect.gen(function* () {
      const requests = Stream.make(request("a"))
      const fiber = yield* Effect.fork(Stream.runDrain(run(requests, 1)))
      yield* TestClock.adjust("1 second")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(
        (yield* finished).map(({ _tag }) => _tag),
        ["Saved"]
      )
    }).pipe(
      Effect.provide(
        Downloader.layer.pipe(
          Layer.provide(transportLayer(() => ({ chunks: ["body"] }))),
          Layer.provide(slowToPublish),
          Layer.provideMerge(Progress.layerRecording)
        )
      )
    )
  )
})
