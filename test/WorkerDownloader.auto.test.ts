// When threads are started, and what a run promises over them, on a clock and an origin of its own.
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../src/Download.js"
import * as Downloader from "../src/Downloader.js"
import { Growth } from "../src/internal/threadGrowth.js"
import * as OriginGovernor from "../src/OriginGovernor.js"
import * as Progress from "../src/Progress.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as MemoryStore from "../src/Store/Memory.js"
import { autoAdvance, Origin } from "../src/testing.js"
import * as WorkerDownloader from "../src/WorkerDownloader.js"
import * as Machines from "./support/threadsInProcess.js"

const machine = (parallelism: number, busy: { readonly main: number; readonly thread: number }): Machines.Machine => ({
  parallelism,
  utilization: { ...busy },
  counts: { running: 0, started: 0 }
})

const world = (script: Parameters<typeof Origin.layer>[0] = (request) => Origin.file(request, "content")) =>
  Layer.mergeAll(Origin.layer(script), MemoryStore.layer, Progress.layerRecording)

const stack = <E, R>(
  downloader: Layer.Layer<Downloader.Downloader, E, R>,
  on: Machines.Machine,
  script?: Parameters<typeof world>[0]
) => downloader.pipe(Layer.provide(Machines.layer(on)), Layer.provideMerge(world(script)))

const files = (count: number) =>
  Stream.range(1, count).pipe(
    Stream.map((index) => Download.request({ url: `http://a.test/${index}`, destination: `${index}` }))
  )

const saved = (count: number) =>
  Effect.flatMap(Downloader.Downloader, ({ run }) =>
    run(files(count), { concurrency: 4 }).pipe(
      Stream.filter(({ _tag }) => _tag === "Saved"),
      Stream.runCount
    )
  )

const auto = (on: Machines.Machine, count: number) =>
  Effect.map(autoAdvance(Effect.provide(saved(count), stack(WorkerDownloader.layerAuto(), on))), (all) => {
    assert.strictEqual(all, count)
    assert.strictEqual(on.counts.running, 0)
    return on.counts.started
  })

describe("WorkerDownloader.layerAuto", () => {
  it.effect("starts threads after thousands of files, where all that carries them is busy", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* auto(machine(3, { main: 1, thread: 1 }), 7500), 2)
    })
  )

  it.effect("starts none where others have the processors: its event loop is busy waiting for one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* auto({ ...machine(8, { main: 1, thread: 1 }), processors: 0.5 }, 6500), 0)
    })
  )

  it.effect("starts none for few files, however busy it is", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* auto(machine(8, { main: 1, thread: 1 }), 2000), 0)
    })
  )
})

describe("Growth", () => {
  const grown = (files: number, parallelism: number, busy: (threads: number) => number) => {
    let threads = 0
    const growth = new Growth(parallelism, () => busy(threads))
    for (let count = 0; count < files; count++) {
      threads += growth.after(threads)
    }
    return threads
  }

  it("asks for no thread where the event loop is not the limit, or where nothing else could run", () => {
    assert.strictEqual(
      grown(100_000, 8, () => 0.8),
      0
    )
    assert.strictEqual(
      grown(100_000, 2, () => 1),
      0
    )
  })

  it("asks for one more only while those that there are stay busy, and leaves a processor free", () => {
    assert.strictEqual(
      grown(100_000, 8, (threads) => (threads < 3 ? 1 : 0.5)),
      3
    )
    assert.strictEqual(
      grown(100_000, 4, () => 1),
      3
    )
    assert.strictEqual(
      grown(4900, 8, () => 1),
      0
    )
  })
})

describe("WorkerDownloader", () => {
  it.effect("waits for an origin that asks for it, in all threads, and tries again", () =>
    Effect.gen(function* () {
      const on = machine(4, { main: 0, thread: 0 })
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* autoAdvance(saved(60)), 60)
        const asked = (yield* Origin.Origin).requests()
        const refused = asked.find(({ turn, url }) => turn === 0 && url.endsWith("/20"))?.atMillis ?? 0
        assert.deepStrictEqual(
          asked.filter(({ atMillis }) => atMillis > refused + 1000 && atMillis < refused + 60_000),
          []
        )
        const told = (yield* (yield* Progress.Recorded).events).filter(({ _tag }) => _tag === "Retrying")
        assert.strictEqual(told.length, 1)
      }).pipe(
        Effect.provide(
          stack(WorkerDownloader.layer({ threads: 3 }), on, (request) =>
            request.turn === 0 && request.url.endsWith("/20")
              ? { status: 429, headers: { "retry-after": "60" } }
              : { ...Origin.file(request, "content"), delay: "100 millis" }
          )
        )
      )
      assert.deepStrictEqual(on.counts, { running: 0, started: 3 })
    })
  )

  it.effect("leaves nothing of a run that is cancelled, in no thread", () =>
    Effect.gen(function* () {
      const on = machine(4, { main: 0, thread: 0 })
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.fork(saved(500))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Origin.Origin).open(), 4)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* Origin.Origin).open(), 0)
        assert.strictEqual(yield* (yield* MemoryStore.MemoryFiles).parts, 0)
        const events = yield* (yield* Progress.Recorded).events
        const finished = events.filter((event) => event._tag === "Finished")
        assert.strictEqual(finished.length, 500)
        assert.isTrue(finished.every(({ outcome }) => outcome._tag === "Cancelled"))
      }).pipe(
        Effect.provide(
          stack(WorkerDownloader.layer({ threads: 3 }), on, (request) =>
            Origin.file(request, "content", { chunkBytes: 1, chunkDelay: "1 minute" })
          )
        )
      )
      assert.deepStrictEqual(on.counts, { running: 0, started: 3 })
    })
  )

  it.effect("has one outcome for each request, whole files, no part and no permit, interrupted at the n-th step", () =>
    Effect.gen(function* () {
      const seen = new Set<number>()
      for (let steps = 0; steps < 240; steps += 7) {
        // A governor of its own passes permits on, a shared one can be looked at.
        const isShared = steps % 2 === 0
        const on = machine(4, { main: 0, thread: 0 })
        const governor = yield* OriginGovernor.make({ perOrigin: 3 })
        yield* Effect.gen(function* () {
          const fiber = yield* Effect.fork(saved(12))
          for (let step = 0; step < steps; step++) {
            yield* Effect.yieldNow()
          }
          yield* Fiber.interrupt(fiber)
          const events = yield* (yield* Progress.Recorded).events
          const outcomes = events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
          assert.strictEqual(new Set(outcomes.map(({ request }) => request)).size, outcomes.length)
          assert.include([0, 12], outcomes.length)
          const { files, parts } = yield* MemoryStore.MemoryFiles
          const told = outcomes.flatMap((one) => (one._tag === "Saved" ? [one.destination] : []))
          assert.deepStrictEqual(Array.from((yield* files).keys()).sort(), told.sort())
          seen.add(told.length)
          assert.strictEqual(yield* parts, 0)
          assert.strictEqual((yield* Origin.Origin).open(), 0)
        }).pipe(
          Effect.provide(
            stack(
              isShared
                ? WorkerDownloader.layer({ threads: 2 }).pipe(
                    Layer.provide(Layer.succeed(OriginGovernor.OriginGovernor, governor))
                  )
                : WorkerDownloader.layer({ threads: 2, perOrigin: 3 }),
              on
            )
          )
        )
        yield* Effect.yieldNow()
        assert.strictEqual(governor.inUse().permits, 0)
        assert.strictEqual(on.counts.running, 0)
      }
      // Before, between and after.
      assert.isTrue(seen.has(0) && seen.has(12) && seen.size > 2, Array.from(seen).join())
    })
  )

  it.effect("does without threads that never work, and loses no file to them", () =>
    Effect.gen(function* () {
      const on = { ...machine(4, { main: 1, thread: 1 }), fails: true }
      const layer = stack(WorkerDownloader.layerAuto({ retry: RetryPolicy.none }), on)
      const all = yield* autoAdvance(Effect.provide(saved(6500), layer))
      assert.strictEqual(all, 6500)
      assert.strictEqual(on.counts.started, 1)
    })
  )

  it.effect("refuses a retry policy that it cannot send", () =>
    Effect.gen(function* () {
      const retry = RetryPolicy.make({ isTransient: () => true })
      const layer = stack(WorkerDownloader.layer({ threads: 1, retry }), machine(2, { main: 0, thread: 0 }))
      const exit = yield* Effect.exit(Effect.provide(saved(1), layer))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "RetryPolicy.isTransient")
    })
  )
})
