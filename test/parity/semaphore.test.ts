/**
 * The chapter: a semaphore lets at most so many coroutines into `async with` at a time, out of politeness to the server.
 *
 * `asyncio.Semaphore(n)` and `async with` → `Effect.makeSemaphore(n)` and `withPermits(1)`, or the `concurrency` of a run
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Downloader from "../../src/Downloader.js"
import * as Flags from "../../src/Flags.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Transport from "../../src/Transport.js"

/** Counts the effects that run now, and their maximum. */
const makeGauge = Effect.map(Ref.make({ inside: 0, most: 0 }), (counts) => ({
  counts: Ref.get(counts),
  inside: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Ref.update(counts, ({ inside, most }) => ({ inside: inside + 1, most: Math.max(most, inside + 1) })),
      () => effect,
      () => Ref.update(counts, ({ inside, most }) => ({ inside: inside - 1, most }))
    )
}))

describe("semaphore", () => {
  it.effect("runs at most as many effects at a time as it has permits, and all of them in the end", () =>
    Effect.gen(function* () {
      const gauge = yield* makeGauge
      const semaphore = yield* Effect.makeSemaphore(5)
      const polite = Effect.forEach(
        Flags.populous,
        (code) => semaphore.withPermits(1)(gauge.inside(Effect.as(Effect.sleep("1 second"), code))),
        { concurrency: "unbounded" }
      )
      const fiber = yield* Effect.fork(Effect.zip(polite, Clock.currentTimeMillis))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [Flags.populous.slice(), 4000])
      assert.deepStrictEqual(yield* gauge.counts, { inside: 0, most: 5 })
    })
  )

  for (const [how, effect] of [
    ["fails", Effect.fail("broken")],
    ["dies", Effect.die("bug")],
    ["is interrupted", Effect.interrupt]
  ] as const) {
    it.effect(`gets its permit back if the effect ${how}`, () =>
      Effect.gen(function* () {
        const semaphore = yield* Effect.makeSemaphore(1)
        yield* Effect.exit(semaphore.withPermits(1)(Effect.zipRight(Effect.yieldNow(), effect)))
        const next = yield* semaphore.withPermitsIfAvailable(1)(Effect.succeed("entered"))
        assert.deepStrictEqual(next, Option.some("entered"))
      })
    )
  }

  it.effect("keeps its permit if a waiting fiber is cancelled", () =>
    Effect.gen(function* () {
      const semaphore = yield* Effect.makeSemaphore(1)
      const holding = yield* Effect.fork(semaphore.withPermits(1)(Effect.sleep("3 seconds")))
      yield* TestClock.adjust("1 second")
      const waiting = yield* Effect.fork(semaphore.withPermits(1)(Effect.never))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(waiting)
      assert.isTrue(Option.isNone(yield* semaphore.withPermitsIfAvailable(1)(Effect.void)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(holding)
      assert.isTrue(Option.isSome(yield* semaphore.withPermitsIfAvailable(1)(Effect.void)))
    })
  )

  it.effect("is part of a run, which has at most `concurrency` requests at a time", () =>
    Effect.gen(function* () {
      const gauge = yield* makeGauge
      const transport = Layer.succeed(
        Transport.Transport,
        Transport.make({
          open: () =>
            gauge.inside(
              Effect.zipRight(
                Effect.sleep("1 second"),
                Effect.succeed({ status: 200, headers: {}, body: Stream.make(new Uint8Array([71])) })
              )
            )
        })
      )
      const requests = Flags.populous.map((code) =>
        Flags.request(code, { baseUrl: "http://origin/flags", directory: "downloads" })
      )
      const run = Effect.flatMap(Downloader.Downloader, (downloader) =>
        Stream.runCount(downloader.run(Stream.fromIterable(requests), { concurrency: 5 }))
      ).pipe(Effect.provide(Downloader.layer.pipe(Layer.provide([transport, MemoryStore.layer]))))
      const fiber = yield* Effect.fork(Effect.zip(run, Clock.currentTimeMillis))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [20, 4000])
      assert.deepStrictEqual(yield* gauge.counts, { inside: 0, most: 5 })
    })
  )
})
