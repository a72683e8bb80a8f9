import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Deadlines from "../../src/engine/deadlines.js"
import { type Phase, Wait } from "../../src/engine/wait.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, Origin, World } from "../../src/testing.js"

const stall = { bytes: 1, millis: 30_000 }

/** A wait for a body that has begun, and when it expired. */
const body = (at: number, now: () => number) => {
  const limits = { connectMillis: undefined, headersMillis: 30_000, stall }
  const wait = new Wait(limits, at, at + 3_600_000, Number.POSITIVE_INFINITY)
  wait.beginBody(at)
  const timed = {
    wait,
    place: -1,
    expiredAt: undefined as number | undefined,
    expire: (phase: Phase) => {
      assert.strictEqual(phase, "stall")
      timed.expiredAt = now()
    }
  }
  return timed
}

describe("engine/deadlines", () => {
  for (const count of [30, 300]) {
    it.scoped(`detects a stall after 30 to 37.5 seconds, whenever it begins: ${count} at a time`, () =>
      Effect.gen(function* () {
        const clock = yield* Effect.clock
        const now = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6
        const deadlines = yield* Deadlines.make
        // The last byte comes at another moment in each.
        const all = Array.from({ length: count }, (_, index) => ({
          lastAt: Math.floor((index * 40_000) / count),
          timed: body(now(), now)
        }))
        for (const { timed } of all) {
          deadlines.add(timed)
        }
        for (const { lastAt, timed } of all) {
          yield* TestClock.setTime(lastAt)
          for (const other of all) {
            other.timed.wait.windowBytes += other.lastAt >= lastAt ? 1 : 0
          }
          assert.isUndefined(timed.expiredAt)
        }
        for (let at = 40_000; at <= 80_000; at += 250) {
          yield* TestClock.setTime(at)
        }
        for (const { lastAt, timed } of all) {
          const silentMillis = (timed.expiredAt ?? Number.POSITIVE_INFINITY) - lastAt
          assert.isAtLeast(silentMillis, 30_000, `${lastAt}`)
          assert.isAtMost(silentMillis, 37_500, `${lastAt}`)
        }
      })
    )
  }

  it.scoped("ends after the effect if it is interrupted, so that a permit that is granted then is released", () =>
    Effect.gen(function* () {
      const deadlines = yield* Deadlines.make
      const now = yield* Deadlines.nowMillis
      const [started, granted] = [Effect.unsafeMakeLatch(), Effect.unsafeMakeLatch()]
      let isHeld = false
      let isReleased = false
      const acquiring = Effect.uninterruptible(
        Effect.zipRight(
          Effect.zipRight(started.open, granted.await),
          Effect.sync(() => {
            isHeld = true
          })
        )
      )
      const fiber = yield* Effect.fork(
        Effect.ensuring(
          deadlines.within(Wait.forPermit(now, now + 60_000), () => "expired")(acquiring),
          Effect.sync(() => {
            isReleased = isHeld
          })
        )
      )
      yield* started.await
      fiber.unsafeInterruptAsFork(fiber.id())
      yield* granted.open
      yield* Fiber.await(fiber)
      assert.isTrue(isReleased)
    })
  )

  it.scoped("counts from the beginning of a body, and not the time for which its receiver pauses it", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const now = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6
      const deadlines = yield* Deadlines.make
      const [silent, paused] = [body(0, now), body(0, now)]
      paused.wait.isPaused = true
      deadlines.add(silent)
      deadlines.add(paused)
      yield* TestClock.adjust("29999 millis")
      assert.isUndefined(silent.expiredAt)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(silent.expiredAt, 30_000)
      assert.isUndefined(paused.expiredAt)
      paused.wait.isPaused = false
      paused.wait.windowAt += 89_999
      yield* TestClock.adjust("36 seconds")
      assert.isAtLeast(paused.expiredAt ?? 0, 119_999)
    })
  )

  for (const [how, bytes] of [
    ["a small file", 100],
    ["a large one", 1_000_000],
    ["one that is divided", 4_194_304]
  ] as const) {
    it.effect(`bounds what a body that falls silent costs: ${how}`, () =>
      Effect.gen(function* () {
        const { download } = yield* Downloader.Downloader
        const request = Download.request({ url: "http://origin.test/a", destination: "a", timeout: "1 hour" })
        const error = yield* autoAdvance(Effect.flip(download(request)))
        assert.deepInclude(error, { _tag: "Timeout", phase: "stall", limitMillis: 30_000 })
        // Three chunks, the last of which came after six seconds.
        assert.isAtMost(yield* Clock.currentTimeMillis, 6000 + 37_500)
      }).pipe(
        Effect.provide(
          Downloader.layerWith({
            retry: RetryPolicy.none,
            stall: { bytes: 1, within: "30 seconds" },
            segments: bytes > 2_000_000 ? 2 : 1
          }).pipe(
            Layer.provideMerge(
              Layer.mergeAll(
                Origin.layer((asked) =>
                  Origin.file(asked, new Uint8Array(bytes), {
                    etag: '"1"',
                    chunkBytes: bytes / 10,
                    chunkDelay: "2 seconds",
                    breakAt: { bytes: (bytes / 10) * 3, how: "silence" }
                  })
                ),
                MemoryStore.layer
              )
            )
          )
        )
      )
    )
  }
})

/** A clock that goes on while no timer fires, as for a process that is stopped: `from` is when, and `millis` how long. */
const stopped = (
  world: World,
  stops: ReadonlyArray<{ readonly from: number; readonly millis: number }>
): Clock.Clock => {
  const now = () => stops.reduce((at, { from, millis }) => (world.now() > from ? at + millis : at), world.now())
  const sleepUntil = (at: number): Effect.Effect<void> =>
    Effect.suspend(() =>
      now() >= at
        ? Effect.void
        : Effect.zipRight(world.clock.sleep(Duration.millis(Math.min(10, at - now()))), sleepUntil(at))
    )
  return {
    ...world.clock,
    unsafeCurrentTimeMillis: now,
    unsafeCurrentTimeNanos: () => BigInt(Math.round(now() * 1e6)),
    currentTimeMillis: Effect.sync(now),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(now() * 1e6))),
    sleep: (duration) => Effect.suspend(() => sleepUntil(now() + Duration.toMillis(duration)))
  }
}

/** What becomes of a download by a process that is stopped meanwhile, and how long it ran for that. */
const downloadWith = (
  stops: ReadonlyArray<{ readonly from: number; readonly millis: number }>,
  options: Partial<Parameters<typeof Download.request>[0]>,
  reply: (asked: Origin.Request) => Origin.Reply
) => {
  const world = new World(1, { preemption: 0, atMost: "10 minutes" })
  const ending = world.run(
    Effect.flatMap(Downloader.Downloader, ({ download }) =>
      Effect.either(download(Download.request({ url: "http://origin.test/a", destination: "a", ...options })))
    ).pipe(
      Effect.provide(
        Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
          Layer.provide(Layer.merge(Origin.layer(reply), MemoryStore.layer))
        )
      ),
      Effect.withClock(stopped(world, stops))
    )
  )
  assert.strictEqual(ending._tag, "done")
  const outcome = ending._tag === "done" && Exit.isSuccess(ending.exit) ? ending.exit.value : undefined
  return { outcome, ranMillis: world.now() }
}

describe("a process that is stopped", () => {
  const limit = "20 seconds"
  const phases = {
    headers: { headersTimeout: limit },
    total: { timeout: limit },
    deadline: { deadline: limit },
    stall: { stall: { bytes: 1, within: limit } }
  } as const

  for (const [phase, options] of Object.entries(phases)) {
    for (const from of [0, 1000, 5000, 10_000, 15_000, 19_500, 19_999]) {
      it(`for 40 seconds, ${from} ms after it began, does not count them: ${phase}`, () => {
        const stop = [{ from, millis: 40_000 }]
        const late = downloadWith(stop, options, (asked) =>
          phase === "stall"
            ? Origin.file(asked, "a", { chunkDelay: "45 seconds" })
            : Origin.file(asked, "ab", { delay: "45 seconds" })
        )
        // The response comes within the limit, if only the time in which the process ran is counted.
        assert.strictEqual(late.outcome?._tag, "Right")
        const never = downloadWith(stop, options, (asked) =>
          phase === "stall"
            ? Origin.file(asked, "ab", { breakAt: { bytes: 1, how: "silence" } })
            : { instead: "silence" }
        )
        assert.strictEqual(never.outcome?._tag === "Left" && never.outcome.left._tag, "Timeout")
        // An eighth of the limit may be counted twice, and a fifth of a stall's time.
        assert.isAtLeast(never.ranMillis, 20_000 - 10)
        assert.isAtMost(never.ranMillis, 20_000 * 1.45)
      })
    }
  }

  it("repeatedly, each time for less than the interval of checks, loses little of its limits", () => {
    const stops = Array.from({ length: 4 }, (_, index) => ({ from: 3000 + index * 4000, millis: 1000 }))
    const { outcome, ranMillis } = downloadWith(stops, { timeout: limit }, () => ({ instead: "silence" }))
    assert.strictEqual(outcome?._tag, "Left")
    assert.isAtLeast(ranMillis, 16_000 - 10)
  })
})

describe("a process whose event loop is blocked for 900 ms of each 920", () => {
  const limitMillis = 5000
  const limit = "5 seconds"
  const stops = Array.from({ length: 1000 }, (_, index) => ({ from: 20 * index, millis: 900 }))
  for (const [phase, options, times] of [
    ["headers", { headersTimeout: limit }, 2],
    ["total", { timeout: limit }, 2],
    ["deadline", { deadline: limit }, 1],
    ["stall", { stall: { bytes: 1, within: limit } }, 2]
  ] as const) {
    it(`ends its waits, after ${times} times the limit and some blocks: ${phase}`, () => {
      const { outcome, ranMillis } = downloadWith(stops, options, (asked) =>
        phase === "stall" ? Origin.file(asked, "ab", { breakAt: { bytes: 1, how: "silence" } }) : { instead: "silence" }
      )
      assert.deepInclude(outcome?._tag === "Left" ? outcome.left : undefined, { _tag: "Timeout", phase })
      const tookMillis = ranMillis + 900 * stops.filter(({ from }) => from < ranMillis).length
      assert.isAtLeast(tookMillis, limitMillis)
      // A part of a stall's time, of which there are five, may each end two blocks late.
      assert.isAtMost(tookMillis, times * limitMillis + (phase === "stall" ? 12 : 3) * 920)
    })
  }
})
