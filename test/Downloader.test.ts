import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../src/Download.js"
import { Connection, Truncated } from "../src/DownloadError.js"
import * as Downloader from "../src/Downloader.js"
import * as Progress from "../src/Progress.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as MemoryStore from "../src/Store/Memory.js"
import { Store } from "../src/Store.js"
import { type Answer, Exchanges, layer as transportLayer } from "./support/scriptedTransport.js"

const url = (name: string) => `http://origin/${name}`

type Options = Partial<Parameters<typeof Download.request>[0]>

const request = (name: string, options?: Options) =>
  Download.request({ id: name, url: url(name), destination: name, timeout: "5 seconds", ...options })

const stack = (answerTo: (name: string) => Answer) =>
  Downloader.layerWith({ retry: RetryPolicy.none, headersTimeout: "1 day" }).pipe(
    Layer.provideMerge(
      Layer.merge(
        transportLayer((at) => answerTo(at.slice(url("").length))),
        MemoryStore.layer
      )
    ),
    Layer.provideMerge(Progress.layerRecording),
    Layer.fresh
  )

const download = (name: string, options?: Options) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request(name, options)))

const files = Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) =>
  Effect.map(files, (all) => new Map(Array.from(all, ([name, bytes]) => [name, new TextDecoder().decode(bytes)])))
)

/** That nothing is left: no part, no open request. */
const nothingLeft = Effect.gen(function* () {
  assert.strictEqual(yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ parts }) => parts), 0)
  assert.strictEqual((yield* Exchanges).open(), 0)
})

const finished = Effect.map(
  Effect.flatMap(Progress.Recorded, ({ events }) => events),
  (events) => events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
)

const names = (count: number) => Array.from({ length: count }, (_, index) => `file-${index}`)

describe("Downloader.download", () => {
  const digest = `sha256:${createHash("sha256").update("body").digest("hex")}`

  it.effect("saves the body at the destination, and returns its size", () =>
    Effect.gen(function* () {
      const outcome = yield* download("a")
      assert.deepInclude(outcome, { _tag: "Saved", bytes: 12, verified: "length" })
      assert.deepStrictEqual(yield* files, new Map([["a", "first second"]]))
      yield* nothingLeft
    }).pipe(Effect.provide(stack(() => ({ chunks: ["first ", "second"] }))))
  )

  for (const [what, length, given, verified] of [
    ["a length that the server announced", 4, {}, "length"],
    ["a size that the request gave", null, { sizeBytes: 4 }, "length"],
    ["the request's digest", 4, { digest: digest, sizeBytes: 4 }, "digest"],
    ["the request's digest without a length", null, { digest: digest }, "digest"],
    ["nothing", null, {}, "none"]
  ] as const) {
    it.effect(`reports that the content was checked against ${what}`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* download("a", given), { _tag: "Saved", verified })
      }).pipe(Effect.provide(stack(() => ({ chunks: ["body"], length }))))
    )
  }

  for (const status of [404, 418, 500, 204, 206, 304]) {
    it.effect(`fails with HttpStatus on ${status}, and does not save that body`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(download("a"))
        assert.deepInclude(error, { _tag: "HttpStatus", status, url: url("a") })
        assert.strictEqual((yield* files).size, 0)
        yield* nothingLeft
      }).pipe(Effect.provide(stack(() => ({ status, chunks: ["an error page"] }))))
    )
  }

  it.effect("fails with Truncated if the body is shorter than announced", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(download("a"))
      assert.deepInclude(error, { _tag: "Truncated", expectedBytes: 10, receivedBytes: 4 })
      assert.strictEqual((yield* files).size, 0)
      yield* nothingLeft
    }).pipe(Effect.provide(stack(() => ({ chunks: ["body"], length: 10 }))))
  )

  it.effect("saves the announced number of bytes if the body is longer", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download("a"), { _tag: "Saved", bytes: 3, verified: "length" })
      assert.deepStrictEqual(yield* files, new Map([["a", "bod"]]))
      yield* nothingLeft
    }).pipe(Effect.provide(stack(() => ({ chunks: ["body"], length: 3 }))))
  )

  it.effect("fails with the error of the transport, before and within the body", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(download("broken")))._tag, "Truncated")
      assert.strictEqual((yield* Effect.flip(download("refused")))._tag, "Connection")
      assert.strictEqual((yield* files).size, 0)
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        stack((name) =>
          name === "refused"
            ? { refusal: new Connection({ url: "", reason: "refused", receivedBytes: 0, detail: "" }) }
            : { chunks: ["bo"], failure: new Truncated({ url: "", expectedBytes: 4, receivedBytes: 2 }) }
        )
      )
    )
  )

  it.effect("fails with Timeout and its phase, and leaves nothing", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(
        Effect.all([Effect.flip(download("headers")), Effect.flip(download("body"))], { concurrency: 2 })
      )
      yield* TestClock.adjust("5 seconds")
      const [headers, body] = yield* Fiber.join(fiber)
      assert.deepInclude(headers, { _tag: "Timeout", phase: "total", limitMillis: 5000, receivedBytes: 0 })
      assert.deepInclude(body, { _tag: "Timeout", phase: "total", limitMillis: 5000, receivedBytes: 4 })
      assert.strictEqual((yield* files).size, 0)
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        stack((name) =>
          name === "headers" ? { wait: "1 hour" } : { chunks: ["slow", "body"], waitBetween: "3 seconds" }
        )
      )
    )
  )

  it.effect("sends no request if the destination exists and must not be replaced", () =>
    Effect.gen(function* () {
      yield* download("a")
      assert.strictEqual((yield* download("a", { onExists: "skip" }))._tag, "Skipped")
      assert.deepInclude(yield* Effect.flip(download("a", { onExists: "fail" })), { _tag: "Disk", reason: "exists" })
      assert.strictEqual((yield* Exchanges).opened().length, 1)
      assert.strictEqual((yield* download("a", { onExists: "overwrite" }))._tag, "Saved")
    }).pipe(Effect.provide(stack(() => ({ chunks: ["body"] }))))
  )

  it.effect("gives a file a free name with `unique`, and returns the name", () =>
    Effect.gen(function* () {
      const own = download("a.tar.gz", { onExists: "unique" })
      const outcomes = yield* Effect.all([own, own, own], { concurrency: "unbounded" })
      assert.deepStrictEqual(outcomes.map((outcome) => (outcome._tag === "Saved" ? outcome.destination : "")).sort(), [
        "a-2.tar.gz",
        "a-3.tar.gz",
        "a.tar.gz"
      ])
      assert.strictEqual((yield* Exchanges).opened().length, 3)
      assert.deepStrictEqual(Array.from((yield* files).keys()).sort(), ["a-2.tar.gz", "a-3.tar.gz", "a.tar.gz"])
    }).pipe(Effect.provide(stack(() => ({ chunks: ["body"] }))))
  )

  it.effect(
    "leaves nothing, or the whole file, when it is interrupted at the n-th step, and tells of one outcome",
    () =>
      Effect.forEach(
        Array.from({ length: 40 }, (_, index) => index),
        (steps) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.fork(download("a"))
            yield* Effect.forEach(Array.from({ length: steps }), () => Effect.yieldNow(), { discard: true })
            const exit = yield* Fiber.interrupt(fiber)
            yield* nothingLeft
            const outcomes = yield* finished
            const saved = (yield* files).get("a")
            assert.include([undefined, "first second"], saved)
            // A fiber that was interrupted before its first step took nothing in.
            assert.isAtMost(outcomes.length, 1)
            assert.strictEqual(outcomes[0]?._tag === "Saved", saved !== undefined)
            assert.isFalse(Exit.isSuccess(exit) && saved === undefined)
          }).pipe(Effect.provide(stack(() => ({ chunks: ["first ", "second"] })))),
        { discard: true }
      )
  )
})

/** A store in memory whose publishing takes ten seconds. */
const slowToPublish = Layer.effect(
  Store,
  Effect.map(Store, (store) =>
    Store.of({
      ...store,
      open: (destination, options) =>
        Effect.map(store.open(destination, options), ({ part, record }) => ({
          part: {
            ...part,
            publish: (onExists) => Effect.zipLeft(part.publish(onExists), Effect.sleep("10 seconds"))
          },
          record
        }))
    })
  )
).pipe(Layer.provide(MemoryStore.layer))

describe("Downloader.download, if its caller", () => {
  it.effect("is uninterruptible, still has its time limit", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.uninterruptible(Effect.flip(download("a"))))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Timeout")
      yield* nothingLeft
    }).pipe(Effect.provide(stack(() => ({ wait: "1 hour" }))))
  )

  it.effect("provides a Progress, sends events to this Progress", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const own = Progress.layer((event) => Effect.asVoid(Effect.sync(() => told.push(event._tag))))
      yield* Effect.provide(download("a"), own)
      assert.deepStrictEqual(told, ["Started", "Finished"])
      assert.deepStrictEqual(yield* finished, [])
    }).pipe(Effect.provide(stack(() => ({ chunks: ["body"] }))))
  )

  it.effect("sets a long time limit, uses it", () =>
    Effect.gen(function* () {
      const year = Download.request({ url: url("a"), destination: "a", timeout: "365 days" })
      const fiber = yield* Effect.fork(Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(year)))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Saved")
    }).pipe(Effect.provide(stack(() => ({ wait: "1 hour" }))))
  )
})

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
