/**
 * Runs beside what goes on around them: inputs that fork, layers that close first, consumers that cannot be interrupted.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Node from "../../src/Node.js"
import * as Progress from "../../src/Progress.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const requests = (count: number, timeout = "1 minute" as const) =>
  Array.from({ length: count }, (_, index) =>
    Download.request({
      id: `${index}`,
      url: `http://origin.test/${index}`,
      destination: `/d/${index}`,
      onExists: "overwrite",
      timeout
    })
  )

const run = (input: Stream.Stream<Download.DownloadRequest>, concurrency: number) =>
  Stream.unwrap(Effect.map(Downloader.Downloader, (downloader) => downloader.run(input, { concurrency })))

const tags = (outcomes: Iterable<Download.DownloadOutcome>) => Array.from(outcomes, ({ _tag }) => _tag)

describe("Downloader.run", () => {
  it.effect("starts no worker inside another, however many wait for an origin that is paused", () =>
    Effect.gen(function* () {
      // A stack that grew with the number of workers would overflow.
      let deepest = 0
      const depth = Effect.sync(() => {
        const { stackTraceLimit } = Error
        Error.stackTraceLimit = Number.POSITIVE_INFINITY
        deepest = Math.max(deepest, new Error("how deep").stack?.split("\n").length ?? 0)
        Error.stackTraceLimit = stackTraceLimit
      })
      const fiber = yield* Stream.runDrain(run(Stream.fromIterable(requests(300)), 50)).pipe(
        Effect.provideService(Progress.Progress, { event: () => depth }),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      assert.isAbove((yield* Origin.Origin).requests().length, 40)
      assert.isBelow(deepest, 300)
      yield* Fiber.interrupt(fiber)
    }).pipe(
      Effect.provide(
        layer(() => ({ delay: 300, status: 429, headers: { "retry-after": "60", "content-length": "0" } }))
      )
    )
  )

  for (const [concurrency, expected] of [
    [0, 1],
    [-3, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [Number.NEGATIVE_INFINITY, 1],
    [2.9, 2],
    [Number.POSITIVE_INFINITY, 20]
  ] as const) {
    it.effect(
      `reads a concurrency of ${concurrency} as ${expected}, or as the number of requests if that is less`,
      () =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(Stream.runCollect(run(Stream.fromIterable(requests(20)), concurrency)))
          yield* TestClock.adjust("500 millis")
          assert.strictEqual((yield* Origin.Origin).open(), expected)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(tags(yield* Fiber.join(fiber)), Array<string>(20).fill("Saved"))
        }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body", { delay: "1 second" }))))
    )
  }

  for (const destination of ["", "a\0b"]) {
    const request = Download.request({ url: "http://127.0.0.1:1/", destination, onExists: "overwrite" })
    const refused = Effect.gen(function* () {
      const { download } = yield* Downloader.Downloader
      assert.strictEqual((yield* Effect.flip(download(request)))._tag, "InvalidRequest")
      const [outcome] = yield* Stream.runCollect(run(Stream.make(request), 1))
      assert.isTrue(outcome?._tag === "Failed" && outcome.error._tag === "InvalidRequest")
    })

    it.effect(`sends no request for a file whose name is impossible: ${JSON.stringify(destination)}`, () =>
      Effect.gen(function* () {
        yield* refused
        assert.deepStrictEqual((yield* Origin.Origin).requests(), [])
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body"))))
    )

    it.live(`sends no request for such a file on a disk: ${JSON.stringify(destination)}`, () =>
      // No server listens there, which would be another error.
      Effect.provide(refused, Node.layer)
    )
  }

  it.effect("does not end fibers that its input has forked when a transfer times out", () =>
    Effect.gen(function* () {
      const input = Stream.unwrap(
        Effect.gen(function* () {
          const queue = yield* Queue.unbounded<Download.DownloadRequest>()
          yield* Effect.fork(
            Effect.zipRight(
              Effect.forEach(requests(10), (request) =>
                Effect.zipRight(queue.offer(request), Effect.sleep("1 second"))
              ),
              Queue.shutdown(queue)
            )
          )
          return Stream.fromQueue(queue)
        })
      )
      const outcomes = yield* autoAdvance(Stream.runCollect(run(input, 2)))
      assert.deepStrictEqual(tags(outcomes), Array<string>(10).fill("Saved"))
    }).pipe(
      Effect.provide(
        layer(
          (asked) =>
            asked.turn === 0 && asked.url.endsWith("/0") ? { instead: "silence" } : Origin.file(asked, "body"),
          { headersTimeout: "1500 millis" }
        )
      )
    )
  )

  it.effect("ends when the downloader is closed first", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        layer((asked) => Origin.file(asked, "body", { delay: "1 second" })),
        scope
      )
      const { run } = Context.get(context, Downloader.Downloader)
      const fiber = yield* Effect.fork(Stream.runDrain(run(Stream.fromIterable(requests(10)), { concurrency: 2 })))
      yield* TestClock.adjust("500 millis")
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
    })
  )

  it.effect("completes although its events go to a queue that was shut down", () =>
    Effect.gen(function* () {
      const queue = yield* Queue.unbounded<unknown>()
      yield* Queue.shutdown(queue)
      const outcomes = yield* Stream.runCollect(run(Stream.fromIterable(requests(10)), 2)).pipe(
        Effect.provideService(Progress.Progress, { event: (event) => Effect.asVoid(Queue.offer(queue, event)) }),
        autoAdvance
      )
      assert.deepStrictEqual(tags(outcomes), Array<string>(10).fill("Saved"))
    }).pipe(Effect.provide([layer((asked) => Origin.file(asked, "body")), Logger.remove(Logger.defaultLogger)]))
  )

  it.effect("ends after its first outcome in an uninterruptible caller that takes only one", () =>
    Effect.gen(function* () {
      const first = Effect.uninterruptible(Stream.runHead(run(Stream.fromIterable(requests(10)), 2)))
      assert.strictEqual((yield* autoAdvance(first))._tag, "Some")
      assert.strictEqual((yield* Origin.Origin).open(), 0)
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body", { delay: "1 second" }))))
  )
})

describe("Downloader.download", () => {
  for (const onExists of ["overwrite", "unique"] as const) {
    it.effect(`completes with ${onExists} in an uninterruptible caller`, () =>
      Effect.gen(function* () {
        const downloader = yield* Downloader.Downloader
        const request = Download.request({ url: "http://origin.test/a", destination: "/d/a", onExists })
        let exit: Exit.Exit<unknown, unknown> | undefined
        const fiber = yield* Effect.exit(downloader.download(request)).pipe(
          Effect.tap((told) =>
            Effect.sync(() => {
              exit = told
            })
          ),
          Effect.uninterruptible,
          Effect.fork
        )
        yield* TestClock.adjust("500 millis")
        const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(interruption)
        assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body", { delay: "1 second" }))))
    )
  }

  it.effect("sends no more events to an interrupted caller whose transfer continues for others", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const events: Array<string> = []
      const request = (id: string) =>
        Download.request({ id, url: "http://origin.test/a", destination: "/d/a", onExists: "overwrite" })
      const first = yield* downloader.download(request("first")).pipe(
        Effect.provideService(Progress.Progress, {
          event: (event) =>
            Effect.sync(() => {
              events.push(event._tag)
            })
        }),
        Effect.fork
      )
      yield* TestClock.adjust("2 seconds")
      const second = yield* Effect.fork(downloader.download(request("second")))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(first)
      const before = events.length
      assert.strictEqual(events.at(-1), "Finished")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(second))._tag, "Saved")
      assert.strictEqual(events.length, before)
    }).pipe(
      Effect.provide(layer((asked) => Origin.file(asked, "0123456789", { chunkBytes: 1, chunkDelay: "1 second" })))
    )
  )
})
