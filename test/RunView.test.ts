import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { DownloadEvent } from "../src/DownloadEvent.js"
import * as Downloader from "../src/Downloader.js"
import * as RunView from "../src/RunView.js"
import { autoAdvance, layer, Origin } from "../src/testing.js"
import {
  advanced,
  blocked,
  cancelled,
  failed,
  requestOf,
  retrying,
  saved,
  started,
  unblocked
} from "./support/recorded/runEvents.js"

/** The state after events and times in milliseconds, in their order. */
const stateAfter = (
  steps: ReadonlyArray<DownloadEvent | number>,
  options?: { readonly expected?: number; readonly transfersAtMost?: number }
) =>
  Effect.gen(function* () {
    const view = yield* RunView.make(options)
    for (const step of steps) {
      if (typeof step === "number") {
        yield* TestClock.adjust(step)
      } else {
        view.receive(step)
      }
    }
    return view.snapshot(options)
  })

/** Advances in steps of 200 ms, each with `step` more bytes. */
const steadily = (name: string, from: number, to: number, step: number, totalBytes?: number) =>
  Array.from({ length: (to - from) / step }, (_, index) => [
    200,
    advanced(name, from + (index + 1) * step, totalBytes)
  ]).flat()

const near = (actual: number | undefined, expected: number) => assert.closeTo(actual ?? Number.NaN, expected, 1e-6)

describe("RunView", () => {
  it.effect("begins with nothing", () =>
    Effect.gen(function* () {
      const view = yield* RunView.make()
      assert.deepStrictEqual(view.snapshot(), {
        done: 0,
        failed: 0,
        inFlight: 0,
        expected: undefined,
        bytes: 0,
        totalBytes: undefined,
        isEstimate: false,
        bytesPerSecond: undefined,
        remainingMillis: undefined,
        elapsedMillis: 0,
        retries: 0,
        waiting: 0,
        longWaits: [],
        transfers: []
      })
    })
  )

  it.effect("shows one file: bytes, total, rate and time left", () =>
    Effect.gen(function* () {
      const steps = [started("a"), ...steadily("a", 0, 10_000, 1000, 50_000)]
      const { transfers, ...run } = yield* stateAfter(steps, { expected: 1 })
      assert.deepInclude(run, {
        inFlight: 1,
        bytes: 10_000,
        totalBytes: 50_000,
        isEstimate: false,
        elapsedMillis: 2000
      })
      const [transfer] = transfers
      assert.deepInclude(transfer, { request: requestOf("a"), bytes: 10_000, totalBytes: 50_000, elapsedMillis: 2000 })
      near(transfer?.bytesPerSecond, 5000)
      near(transfer?.remainingMillis, 8000)
    })
  )

  it.effect(
    "counts outcomes, and no transfer in flight for a request that was cancelled before its transfer began",
    () =>
      Effect.gen(function* () {
        const run = yield* stateAfter([started("a"), started("b"), saved("a", 10), failed("b"), cancelled("c")])
        assert.deepInclude(run, { done: 3, failed: 1, inFlight: 0, bytes: 10 })
        assert.deepStrictEqual(run.transfers, [])
      })
  )

  it.effect("has the connections of the last Advanced, and none during a wait", () =>
    Effect.gen(function* () {
      const steps = [started("a"), advanced("a", 10, 100, 4)]
      assert.strictEqual((yield* stateAfter(steps)).transfers[0]?.connections, 4)
      assert.strictEqual((yield* stateAfter([...steps, retrying("a", 1000)])).transfers[0]?.connections, 0)
      assert.strictEqual((yield* stateAfter([started("b")])).transfers[0]?.connections, 0)
    })
  )

  it.effect("counts no byte twice that a retry throws away", () =>
    Effect.gen(function* () {
      const broken = [started("a"), ...steadily("a", 0, 8000, 1000), retrying("a", 1000)]
      assert.strictEqual((yield* stateAfter(broken)).bytes, 8000)
      const again = yield* stateAfter([...broken, 1200, advanced("a", 1000), started("b"), saved("b", 100)])
      assert.strictEqual(again.bytes, 1100)
      const done = yield* stateAfter([...broken, 1200, advanced("a", 1000), saved("a", 9000)])
      assert.deepInclude(done, { bytes: 9000, retries: 1, inFlight: 0 })
    })
  )

  it.effect("keeps the rate and the time left during the wait for a retry", () =>
    Effect.gen(function* () {
      const steps = [started("a"), ...steadily("a", 0, 10_000, 1000, 50_000), retrying("a", 30_000)]
      const before = yield* stateAfter(steps, { expected: 1 })
      const during = yield* stateAfter([...steps, 20_000], { expected: 1 })
      assert.strictEqual(during.bytesPerSecond, before.bytesPerSecond)
      near(before.remainingMillis, (40_000 / (before.bytesPerSecond ?? 0)) * 1000 + 30_000)
      near(during.remainingMillis, (before.remainingMillis ?? 0) - 20_000)
      assert.strictEqual(during.waiting, 1)
      assert.deepInclude(during.transfers[0], {
        retries: 1,
        waiting: { error: retrying("a", 0).error, remainingMillis: 10_000 }
      })
      const resumed = yield* stateAfter([...steps, 30_000, ...steadily("a", 10_000, 15_000, 1000, 50_000)], {
        expected: 1
      })
      assert.strictEqual(resumed.waiting, 0)
      near(resumed.transfers[0]?.bytesPerSecond, 5000)
    })
  )

  it.effect("lowers the rate of a transfer that is silent, and gives it no time left in the end", () =>
    Effect.gen(function* () {
      const steps = [started("a"), ...steadily("a", 0, 10_000, 1000, 50_000)]
      const silent = yield* stateAfter([...steps, 5000], { expected: 1 })
      // The mean of 1.8 seconds with 5000 bytes a second and 5 seconds without, by their weights.
      const weight = 1 - Math.exp(-1.8 / 5)
      near(silent.transfers[0]?.bytesPerSecond, (5000 * weight * Math.exp(-1)) / (1 - Math.exp(-6.8 / 5)))
      const dead = yield* stateAfter([...steps, 60_000], { expected: 1 })
      assert.strictEqual(dead.transfers[0]?.remainingMillis, undefined)
    })
  )

  it.effect("has a rate for files that end before their first Advanced, but for no bytes of an earlier process", () =>
    Effect.gen(function* () {
      const files = Array.from({ length: 20 }, (_, index) => [started(`f${index}`), 100, saved(`f${index}`, 50)]).flat()
      near((yield* stateAfter(files)).bytesPerSecond, 500)
      const kept = [started("big"), 100, saved("big", 1_000_000, 206)]
      near((yield* stateAfter([...files, ...kept, 100])).bytesPerSecond, 500)
      const advancedOnce = [started("big"), 200, advanced("big", 900_000), 200, saved("big", 900_100, 206)]
      // The mean of nothing and of 500 bytes a second, by their weights.
      near((yield* stateAfter(advancedOnce)).bytesPerSecond, 500 / (1 + Math.exp(-0.2 / 5)))
      const whole = [started("new"), 200, advanced("new", 900), 200, saved("new", 1000)]
      near((yield* stateAfter(whole)).bytesPerSecond, 5000 / (1 + Math.exp(-0.2 / 5)))
    })
  )

  it.effect("estimates the total of a list from the sizes that are known", () =>
    Effect.gen(function* () {
      const two = [started("a"), started("b"), 1000, saved("a", 1000)]
      const estimated = yield* stateAfter([...two, advanced("b", 500, 3000)], { expected: 4 })
      assert.deepInclude(estimated, { bytes: 1500, totalBytes: 8000, isEstimate: true })
      near(estimated.remainingMillis, (6500 / 1000) * 1000)
      assert.strictEqual((yield* stateAfter(two)).totalBytes, undefined)
      assert.strictEqual((yield* stateAfter([started("a")], { expected: 4 })).totalBytes, undefined)
    })
  )

  it.effect("lists the transfers that wait first, then those that were started first, at most as many as asked", () =>
    Effect.gen(function* () {
      const steps = [
        ...["a", "b", "c", "d"].flatMap((name) => [started(name), 10]),
        advanced("d", 5, 10),
        advanced("b", 5, 10),
        retrying("c", 5000)
      ]
      const names = (run: RunView.Snapshot) => run.transfers.map(({ request }) => request.destination)
      assert.deepStrictEqual(names(yield* stateAfter(steps)), ["c", "a", "b", "d"])
      assert.deepStrictEqual(names(yield* stateAfter(steps, { transfersAtMost: 2 })), ["c", "a"])
      assert.deepStrictEqual(names(yield* stateAfter([...steps, 5000])), ["a", "b", "c", "d"])
    })
  )

  it.effect("lists at most 64 transfers that have received nothing, and counts all of them", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 100 }, (_, index) => started(`many${index}`))
      const run = yield* stateAfter(many, { transfersAtMost: 1000 })
      assert.deepStrictEqual([run.inFlight, run.transfers.length], [100, 64])
      const left = yield* stateAfter([...many, ...many.slice(1).map(({ request }) => saved(request.destination, 1))])
      assert.deepStrictEqual([left.inFlight, left.transfers.map(({ request }) => request.destination)], [1, ["many0"]])
    })
  )

  it.effect("groups the transfers that wait for a permit, and lists them with no others", () =>
    Effect.gen(function* () {
      const wait = (name: string, limit: number, atMillis: number) => blocked(name, "overload", { limit, atMillis })
      const waiting = [started("a"), started("b"), started("c"), 1000, wait("a", 4, 1), wait("b", 2, 2)]
      const before = yield* stateAfter(waiting)
      assert.deepStrictEqual(before.longWaits, [
        {
          origin: "http://origin.test",
          obstacle: "overload",
          limit: 2,
          remainingMillis: undefined,
          request: requestOf("a"),
          transfers: 2
        }
      ])
      assert.deepStrictEqual(
        before.transfers.map(({ request }) => request),
        [requestOf("c")]
      )
      const after = yield* stateAfter([...waiting, 5000, unblocked("a"), 700, failed("b")])
      assert.deepStrictEqual(after.longWaits, [])
      const found = after.transfers.map(({ elapsedMillis, idleMillis, request }) => [
        request.destination,
        elapsedMillis,
        idleMillis
      ])
      assert.sameDeepMembers(found, [
        ["c", 6700, 6700],
        ["a", 6700, 700]
      ])
    })
  )

  it.effect("groups the transfers of all origins that wait for the disk", () =>
    Effect.gen(function* () {
      const waiting = ["a", "b"].map((name) => blocked(name, "disk", { origin: `http://${name}.test` }))
      const { longWaits } = yield* stateAfter([started("a"), started("b"), ...waiting])
      assert.deepStrictEqual(
        longWaits.map(({ obstacle, transfers }) => [obstacle, transfers]),
        [["disk", 2]]
      )
    })
  )

  it.effect("counts a pause down", () =>
    Effect.gen(function* () {
      const steps = [started("a"), blocked("a", "pause", { pauseMillis: 9000 })]
      near((yield* stateAfter([...steps, 4000])).longWaits[0]?.remainingMillis ?? -1, 5000)
      near((yield* stateAfter([...steps, 20_000])).longWaits[0]?.remainingMillis ?? -1, 0)
      assert.deepStrictEqual((yield* stateAfter([...steps, retrying("a", 100)])).longWaits, [])
    })
  )
})

describe("RunView.changes", () => {
  it.effect("gives snapshots at an interval, and one of the end", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const snapshots = yield* autoAdvance(
        Stream.runCollect(
          RunView.changes(downloader.download(requestOf("file")), { interval: "1 second", expected: 1 })
        )
      )
      const shown = Chunk.toReadonlyArray(snapshots).map(({ bytes, done }) => [done, bytes])
      assert.deepStrictEqual(shown[0], [0, 0])
      assert.deepStrictEqual(shown.at(-1), [1, 5])
      assert.isTrue(shown.some(([, bytes = 0]) => bytes > 0 && bytes < 5))
      assert.isAtMost(shown.length, 8)
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "01234", { chunkBytes: 1, chunkDelay: "1 second" }))))
  )

  it.effect("fails with the work", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(RunView.changes(Effect.fail("broken"))))
      assert.strictEqual(error, "broken")
    })
  )
})
