import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Download from "../src/Download.js"
import { Connection, Truncated } from "../src/DownloadError.js"
import * as Downloader from "../src/Downloader.js"
import * as Progress from "../src/Progress.js"
import { download, files, finished, nothingLeft, stack, url } from "./support/transport/scriptedDownloads.js"
import { Exchanges } from "./support/transport/scriptedTransport.js"

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
      assert.deepStrictEqual(told, ["Started", "Exchanged", "Finished"])
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
