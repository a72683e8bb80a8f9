/**
 * The chapter: `as_completed` gives each Future when it is done, the quickest first, so that each can be shown at once.
 *
 * `asyncio.as_completed` → `Downloader.run`, or `Stream.mapEffect` with `unordered`; `wait(FIRST_COMPLETED)` → `Effect.race`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Downloader from "../../src/Downloader.js"
import * as Flags from "../../src/Flags.js"
import * as Progress from "../../src/Progress.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Transport from "../../src/Transport.js"

const secondsOf: ReadonlyMap<string, number> = new Map([
  ["BR", 3],
  ["CN", 1],
  ["US", 2],
  ["ZZ", 1.5]
])

/** Answers each flag after its own time, and ZZ with 404. */
const transport = Layer.succeed(
  Transport.Transport,
  Transport.make({
    open: ({ url }) => {
      const code = url.slice(-6, -4).toUpperCase()
      return Effect.zipRight(
        Effect.sleep(`${secondsOf.get(code) ?? 0} seconds`),
        Effect.succeed({
          status: code === "ZZ" ? 404 : 200,
          headers: {},
          body: Stream.make(new Uint8Array([71, 73, 70]))
        })
      )
    }
  })
)

const world = Downloader.layer.pipe(
  Layer.provide(transport),
  Layer.provideMerge(Layer.merge(MemoryStore.layer, Progress.layerRecording))
)

const run = (codes: ReadonlyArray<string>) =>
  Stream.unwrap(
    Effect.map(Downloader.Downloader, (downloader) =>
      downloader.run(
        Stream.fromIterable(
          codes.map((code) => Flags.request(code, { baseUrl: "http://origin/flags", directory: "downloads" }))
        )
      )
    )
  )

describe("as_completed", () => {
  it.effect("gives each result at the moment of its completion", () =>
    Effect.gen(function* () {
      const fetched = Stream.fromIterable(["BR", "CN", "US"]).pipe(
        Stream.mapEffect((code) => Effect.as(Effect.sleep(`${secondsOf.get(code) ?? 0} seconds`), code), {
          concurrency: "unbounded",
          unordered: true
        }),
        Stream.mapEffect((code) => Effect.map(Clock.currentTimeMillis, (now) => [code, now] as const))
      )
      const fiber = yield* Effect.fork(Stream.runCollect(fetched))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(Chunk.toArray(yield* Fiber.join(fiber)), [
        ["CN", 1000],
        ["US", 2000],
        ["BR", 3000]
      ])
    })
  )

  it.effect("emits the outcomes of a run as they complete, each with its request, also a failed one", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runCollect(run(["BR", "CN", "US", "ZZ"])))
      yield* TestClock.adjust("3 seconds")
      const outcomes = Chunk.toArray(yield* Fiber.join(fiber))
      assert.deepStrictEqual(
        outcomes.map((outcome) => [outcome._tag, outcome.request.id, outcome.request.destination]),
        [
          ["Saved", "CN", "downloads/cn.gif"],
          ["Failed", "ZZ", "downloads/zz.gif"],
          ["Saved", "US", "downloads/us.gif"],
          ["Saved", "BR", "downloads/br.gif"]
        ]
      )
    }).pipe(Effect.provide(world))
  )

  it.effect("cancels the effects in flight when the consumer stops, while asyncio leaves them running", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runCollect(Stream.take(run(["BR", "CN", "US"]), 1)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).length, 1)
      yield* TestClock.adjust("1 hour")
      const events = yield* Effect.flatMap(Progress.Recorded, (recorded) => recorded.events)
      const outcomes = events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
      const memory = yield* MemoryStore.MemoryFiles
      assert.sameMembers(
        outcomes.map((outcome) => `${outcome.request.id} ${outcome._tag}`),
        ["CN Saved", "BR Cancelled", "US Cancelled"]
      )
      assert.deepStrictEqual(Array.from((yield* memory.files).keys()), ["downloads/cn.gif"])
      assert.strictEqual(yield* memory.parts, 0)
    }).pipe(Effect.provide(world))
  )

  it.effect("returns the first of several results", () =>
    Effect.gen(function* () {
      const after = (code: string) => Effect.as(Effect.sleep(`${secondsOf.get(code) ?? 0} seconds`), code)
      const fiber = yield* Effect.fork(Effect.raceAll(["BR", "CN", "US"].map(after)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "CN")
    })
  )
})
