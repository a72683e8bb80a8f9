/**
 * How long a download waits: limits of an attempt, longer ones after a time-out, and the deadline of a request.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import { Timeout } from "../../src/DownloadError.js"
import * as Downloader from "../../src/Downloader.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Transport from "../../src/Transport.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const url = "http://origin.test/file"

const body = "0123456789"

const request = (options?: Partial<Parameters<typeof Download.request>[0]>) =>
  Download.request({ url, destination: "file", ...options })

const download = (asked: Download.DownloadRequest) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(asked))

const once = { retry: RetryPolicy.none }

describe("the limits of an attempt", () => {
  for (const delay of ["40 seconds", "299 seconds"] as const) {
    it.effect(`leave a server ${delay} for its head, by default`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* autoAdvance(download(request())), { _tag: "Saved", attempts: 1 })
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body, { delay }), once)))
    )
  }

  it.effect("allow a body a pause of 40 seconds, by default", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* autoAdvance(download(request())), { _tag: "Saved", attempts: 1 })
    }).pipe(
      Effect.provide(layer((asked) => Origin.file(asked, body, { chunkBytes: 5, chunkDelay: "40 seconds" }), once))
    )
  )

  it.effect("are the request's own, if it has any", () =>
    Effect.gen(function* () {
      const quiet = { url: "http://origin.test/quiet", destination: "quiet" }
      const head = yield* autoAdvance(Effect.flip(download(request({ ...quiet, headersTimeout: "2 seconds" }))))
      assert.deepInclude(head, { _tag: "Timeout", phase: "headers", limitMillis: 2000 })
      const stall = { bytes: 1, within: "5 seconds" } as const
      const pause = yield* autoAdvance(Effect.flip(download(request({ stall }))))
      assert.deepInclude(pause, { _tag: "Timeout", phase: "stall", limitMillis: 5000 })
    }).pipe(
      Effect.provide(
        layer(
          (asked) =>
            asked.url === url
              ? Origin.file(asked, body, { chunkBytes: 5, chunkDelay: "40 seconds" })
              : { instead: "silence" },
          once
        )
      )
    )
  )

  it.effect("may be infinite", () =>
    Effect.gen(function* () {
      const forever = Duration.infinity
      const saved = yield* autoAdvance(
        download(
          request({
            timeout: forever,
            deadline: forever,
            connectTimeout: forever,
            headersTimeout: forever,
            stall: { bytes: 1, within: forever }
          })
        )
      )
      assert.deepInclude(saved, { _tag: "Saved", attempts: 1 })
    }).pipe(
      Effect.provide(
        layer((asked) => Origin.file(asked, body, { delay: "100 days", chunkBytes: 5, chunkDelay: "100 days" }), once)
      )
    )
  )

  for (const [phase, reply] of [
    ["headers", { instead: "silence" }],
    ["stall", { headers: { "content-length": "10" }, body, breakAt: { bytes: 4, how: "silence" } }]
  ] as const) {
    it.effect(`are twice as long after each time-out, up to that of the attempt: ${phase}`, () =>
      Effect.gen(function* () {
        const taken: Array<number> = []
        const error = yield* autoAdvance(
          Effect.flip(
            download(
              request({
                headersTimeout: phase === "headers" ? "1 second" : "10 seconds",
                stall: { bytes: 1, within: "1 second" },
                timeout: "10 seconds"
              })
            )
          )
        )
        const { requests } = yield* Origin.Origin
        const at = requests().map(({ atMillis }) => atMillis)
        for (const [index, from] of at.slice(0, -1).entries()) {
          taken.push((at[index + 1] ?? 0) - from)
        }
        // The limit, up to a quarter more for a stall, and at most half a second, 1, 2 … until the next attempt.
        for (const [index, limit] of [1000, 2000, 4000, 8000, 10_000].entries()) {
          assert.isAtLeast(taken[index] ?? 0, limit)
          assert.isAtMost(taken[index] ?? 0, limit * 1.25 + 500 * 2 ** index + 1)
        }
        assert.deepInclude(error, { _tag: "Timeout", phase: "total", limitMillis: 10_000 })
      }).pipe(Effect.provide(layer(() => reply)))
    )
  }

  it.effect("limit a connection, with twice the time after a time-out", () =>
    Effect.gen(function* () {
      const asked: Array<number | undefined> = []
      const open = ({ connectMillis, url }: Transport.TransportRequest) => {
        asked.push(connectMillis)
        return new Timeout({ url, phase: "connect", limitMillis: connectMillis ?? 10_000, receivedBytes: 0 })
      }
      const program = Effect.gen(function* () {
        yield* Effect.flip(download(request({ connectTimeout: "1 second" })))
        yield* Effect.flip(download(request({ url: "http://other.test/" })))
      }).pipe(
        Effect.provide(
          Downloader.layerWith({ retry: RetryPolicy.make({ retries: 2 }) }).pipe(
            Layer.provide(Layer.merge(Layer.succeed(Transport.Transport, Transport.make({ open })), MemoryStore.layer))
          )
        )
      )
      yield* autoAdvance(program)
      assert.deepStrictEqual(asked, [1000, 2000, 4000, undefined, 20_000, 40_000])
    })
  )

  it.effect("are refused before any request if they are invalid", () =>
    Effect.gen(function* () {
      for (const options of [
        { timeout: 0 },
        { timeout: Number.NaN },
        { deadline: -1 },
        { connectTimeout: "0 seconds" },
        { headersTimeout: Number.NaN },
        { stall: { bytes: Number.NaN, within: "1 second" } },
        { stall: { bytes: 1, within: 0 } }
      ] as const) {
        const error = yield* Effect.flip(download(request(options)))
        assert.deepInclude(error, { _tag: "InvalidRequest" })
        assert.match(error.message, new RegExp(`${Object.keys(options).join()}`))
      }
      assert.strictEqual((yield* Origin.Origin).requests().length, 0)
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body))))
  )
})

describe("the deadline of a request", () => {
  const deadline = "5 seconds"

  const isDeadline = (error: unknown) =>
    assert.deepInclude(error, { _tag: "Timeout", phase: "deadline", limitMillis: 5000 })

  for (const [what, reply] of [
    ["an attempt", { instead: "silence" }],
    ["a body", { headers: { "content-length": "10" }, body, chunkBytes: 1, chunkDelay: "1 second" }]
  ] as const) {
    it.effect(`ends ${what}`, () =>
      Effect.gen(function* () {
        const error = yield* autoAdvance(Effect.flip(download(request({ deadline }))))
        isDeadline(error)
        assert.strictEqual(yield* Clock.currentTimeMillis, 5000)
        assert.strictEqual((yield* Origin.Origin).open(), 0)
      }).pipe(
        Effect.provide(
          Downloader.layer.pipe(
            Layer.provideMerge(
              Layer.merge(
                Origin.layer(() => reply),
                MemoryStore.layer
              )
            )
          )
        )
      )
    )
  }

  it.effect("applies to all attempts together", () =>
    Effect.gen(function* () {
      isDeadline(yield* autoAdvance(Effect.flip(download(request({ deadline, timeout: "1400 millis" })))))
      assert.strictEqual(yield* Clock.currentTimeMillis, 5000)
      assert.isAbove((yield* Origin.Origin).requests().length, 1)
    }).pipe(
      Effect.provide(
        layer(() => ({ instead: "silence" }), { retry: RetryPolicy.make({ firstDelay: Duration.millis(1) }) })
      )
    )
  )

  it.effect("fails a request at once if the next attempt would begin after it", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download(request({ deadline }))))
      assert.deepInclude(error, { _tag: "HttpStatus", status: 503 })
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(Effect.provide(layer(() => ({ status: 503, headers: { "retry-after": "60" } }))))
  )

  it.effect("applies to the wait for a permit too", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(download(request({ url: "http://origin.test/slow", destination: "slow" })))
      yield* Effect.yieldNow()
      isDeadline(yield* autoAdvance(Effect.flip(download(request({ deadline })))))
      assert.strictEqual(yield* Clock.currentTimeMillis, 5000)
      assert.deepInclude(yield* autoAdvance(Fiber.join(first)), { _tag: "Saved" })
      assert.strictEqual((yield* OriginGovernor.OriginGovernor).inUse().permits, 0)
    }).pipe(
      Effect.provide(
        Downloader.layer.pipe(
          Layer.provideMerge(OriginGovernor.layer({ concurrency: 1 })),
          Layer.provideMerge(
            Layer.merge(
              Origin.layer((asked) => Origin.file(asked, body, { delay: "20 seconds" })),
              MemoryStore.layer
            )
          )
        )
      )
    )
  )
})

describe("the deadline of a request for a file that another transfer writes", () => {
  it.effect("applies to the wait for that transfer too", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(download(request({ url: "http://origin.test/slow" })))
      yield* Effect.yieldNow()
      const error = yield* autoAdvance(Effect.flip(download(request({ deadline: "5 seconds" }))))
      assert.deepInclude(error, { _tag: "Timeout", phase: "deadline", limitMillis: 5000 })
      assert.strictEqual(yield* Clock.currentTimeMillis, 5000)
      assert.deepInclude(yield* autoAdvance(Fiber.join(first)), { _tag: "Saved" })
      assert.strictEqual((yield* Origin.Origin).requests().length, 1)
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body, { delay: "20 seconds" }))))
  )

  it.effect("begins with the wait, not with the request after it", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(download(request({ url: "http://origin.test/slow" })))
      yield* Effect.yieldNow()
      const second = request({ deadline: "25 seconds", onExists: "overwrite" })
      const error = yield* autoAdvance(Effect.flip(download(second)))
      assert.deepInclude(error, { _tag: "Timeout", phase: "deadline", limitMillis: 25_000 })
      assert.strictEqual(yield* Clock.currentTimeMillis, 25_000)
      yield* Fiber.join(first)
      assert.strictEqual((yield* Origin.Origin).requests().length, 2)
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body, { delay: "20 seconds" }))))
  )

  it.effect("is each caller's own if two callers share a transfer", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(Effect.flip(download(request({ deadline: "5 seconds" }))))
      yield* TestClock.adjust("3 seconds")
      const second = yield* Effect.fork(download(request({ deadline: "5 seconds" })))
      assert.deepInclude(yield* autoAdvance(Fiber.join(first)), { _tag: "Timeout", phase: "deadline" })
      assert.deepInclude(yield* autoAdvance(Fiber.join(second)), { _tag: "Saved" })
      assert.strictEqual((yield* Origin.Origin).requests().length, 2)
    }).pipe(Effect.provide(layer((asked) => (asked.turn === 0 ? { instead: "silence" } : Origin.file(asked, body)))))
  )

  it.effect("expires for the second caller too if the origin stays silent", () =>
    Effect.gen(function* () {
      yield* Effect.fork(Effect.flip(download(request({ deadline: "5 seconds" }))))
      yield* TestClock.adjust("3 seconds")
      const error = yield* autoAdvance(Effect.flip(download(request({ deadline: "5 seconds" }))))
      assert.deepInclude(error, { _tag: "Timeout", phase: "deadline", limitMillis: 5000 })
      assert.strictEqual(yield* Clock.currentTimeMillis, 8000)
    }).pipe(Effect.provide(layer(() => ({ instead: "silence" }))))
  )
})

describe("a downloader", () => {
  it("refuses invalid limits, and names them", () => {
    for (const [options, said] of [
      [{ headersTimeout: Number.NaN }, "headersTimeout must be a time above 0, not NaN"],
      [{ headersTimeout: 0 }, "headersTimeout must be a time above 0, not 0"],
      [{ connectTimeout: -5 }, "connectTimeout must be a time above 0, not -5"],
      [{ connectTimeout: "-5 seconds" }, "connectTimeout must be a time above 0, not -5 seconds"],
      [{ stall: { bytes: Number.NaN, within: "1 second" } }, "stall.bytes must be a number of 0 or more, not NaN"],
      [{ stall: { bytes: 1, within: Number.NaN } }, "stall.within must be a time above 0, not NaN"],
      [{ retry: { retries: Number.NaN } }, "retries must be a number of 0 or more, not NaN"],
      [{ perOrigin: -1 }, "perOrigin must be a number from 1 on, not -1"]
    ] as const) {
      const build = Effect.scoped(Layer.build(layer(() => ({}), options)))
      assert.throws(() => Effect.runSync(build), said)
    }
  })
})

describe("an origin that had too much", () => {
  for (const [what, headers] of [
    ["asks for a second", { "retry-after": "1" }],
    ["asks for nothing", {}]
  ] as const) {
    it.effect(`gets the next request soon, although a long transfer is in flight: ${what}`, () =>
      Effect.gen(function* () {
        const long = yield* Effect.fork(download(request({ url: "http://origin.test/long", destination: "long" })))
        yield* TestClock.adjust("1 second")
        const fiber = yield* Effect.fork(
          Effect.forEach(
            ["a", "b", "c"],
            (name) => download(request({ url: `http://origin.test/${name}`, destination: name })),
            { concurrency: "unbounded" }
          )
        )
        yield* autoAdvance(Fiber.join(fiber))
        assert.isAtMost(yield* Clock.currentTimeMillis, 3000)
        assert.deepInclude(yield* autoAdvance(Fiber.join(long)), { _tag: "Saved", attempts: 1 })
      }).pipe(
        Effect.provide(
          layer(
            (asked) =>
              asked.url.endsWith("long")
                ? Origin.file(asked, body, { chunkBytes: 1, chunkDelay: "30 seconds" })
                : asked.turn === 0 && asked.url.endsWith("a")
                  ? { status: 503, headers: { "content-length": "0", ...headers } }
                  : Origin.file(asked, body),
            { perOrigin: 4 }
          )
        )
      )
    )
  }
})
