import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Watch from "../../src/internal/watch.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../src/testing.js"

const stall = { bytes: 1, millis: 30_000 }

/** Something watched whose head has come; when it is expired is kept. */
const body = (at: number, now: () => number) => {
  const wait = Watch.waitFrom(
    at,
    { connectMillis: undefined, headersMillis: 30_000, stall },
    at + 3_600_000,
    Number.POSITIVE_INFINITY
  )
  Watch.beginBody(wait, at)
  const watched = {
    wait,
    place: -1,
    expiredAt: undefined as number | undefined,
    expire: (phase: Watch.Phase) => {
      assert.strictEqual(phase, "stall")
      watched.expiredAt = now()
    }
  }
  return watched
}

describe("internal/watch", () => {
  for (const count of [30, 300]) {
    it.scoped(`finds silence out after 30 to 37.5 seconds, whenever it begins: ${count} at a time`, () =>
      Effect.gen(function* () {
        const clock = yield* Effect.clock
        const now = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6
        const watch = yield* Watch.make
        // The last byte comes at another moment in each.
        const all = Array.from({ length: count }, (_, index) => ({
          lastAt: Math.floor((index * 40_000) / count),
          watched: body(now(), now)
        }))
        for (const { watched } of all) {
          yield* watch.add(watched) ?? Effect.void
        }
        for (const { lastAt, watched } of all) {
          yield* TestClock.setTime(lastAt)
          for (const other of all) {
            other.watched.wait.windowBytes += other.lastAt >= lastAt ? 1 : 0
          }
          assert.isUndefined(watched.expiredAt)
        }
        for (let at = 40_000; at <= 80_000; at += 250) {
          yield* TestClock.setTime(at)
        }
        for (const { lastAt, watched } of all) {
          const silentMillis = (watched.expiredAt ?? Number.POSITIVE_INFINITY) - lastAt
          assert.isAtLeast(silentMillis, 30_000, `${lastAt}`)
          assert.isAtMost(silentMillis, 37_500, `${lastAt}`)
        }
      })
    )
  }

  it.scoped("counts from the beginning of a body, and not what its receiver keeps waiting", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const now = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6
      const watch = yield* Watch.make
      const [silent, resting] = [body(0, now), body(0, now)]
      resting.wait.resting = true
      yield* watch.add(silent) ?? Effect.void
      yield* watch.add(resting) ?? Effect.void
      yield* TestClock.adjust("29999 millis")
      assert.isUndefined(silent.expiredAt)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(silent.expiredAt, 30_000)
      assert.isUndefined(resting.expiredAt)
      resting.wait.resting = false
      resting.wait.windowAt += 89_999
      yield* TestClock.adjust("36 seconds")
      assert.isAtLeast(resting.expiredAt ?? 0, 119_999)
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
