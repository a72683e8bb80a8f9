/**
 * Services that a downloader takes from the context of the calling program, or else from the context of its layer.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryJournal from "../../src/Journal/Memory.js"
import { Journal } from "../../src/Journal.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../src/testing.js"
import { logging } from "../support/logging.js"

const request = (id: string, destination = `/d/${id}`) =>
  Download.request({ id, url: `http://origin.test${destination}`, destination, onExists: "overwrite" })

const ports = (script: (request: Origin.Request) => Origin.Reply) =>
  Layer.merge(Origin.layer(script), MemoryStore.layer)

const honest = ports((asked) => Origin.file(asked, "body", { delay: "1 second" }))

const download = (id: string, destination?: string) =>
  Effect.flatMap(Downloader.Downloader, ({ download }) => download(request(id, destination)))

const run = (count: number, concurrency: number) =>
  Effect.flatMap(Downloader.Downloader, ({ run }) =>
    Stream.runCollect(
      run(Stream.fromIterable(Array.from({ length: count }, (_, index) => request(`${index}`))), { concurrency })
    )
  )

describe("a Journal", () => {
  const entries = Effect.map(
    Effect.flatMap(MemoryJournal.MemoryEntries, ({ entries }) => entries),
    (all) => all.map(({ id, outcome }) => `${id} ${outcome}`)
  )

  for (const [where, layer] of [
    ["beneath the downloader", Downloader.layer.pipe(Layer.provideMerge(MemoryJournal.layer))],
    ["merged beside the downloader", Layer.merge(Downloader.layer, MemoryJournal.layer)]
  ] as const) {
    it.effect(`${where} gets the outcomes of downloads and of runs`, () =>
      Effect.gen(function* () {
        yield* autoAdvance(Effect.zipRight(download("a"), run(2, 1)))
        assert.deepStrictEqual(yield* entries, ["a Saved", "0 Saved", "1 Saved"])
      }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(honest))))
    )
  }

  it.effect("of the calling program has precedence over the one of the layer", () =>
    Effect.gen(function* () {
      const own: Array<string> = []
      const journal: typeof Journal.Service = {
        record: ({ id }) => Effect.sync(() => void own.push(id)),
        last: () => Effect.succeed(undefined)
      }
      yield* autoAdvance(Effect.provideService(download("a"), Journal, journal))
      assert.deepStrictEqual(own, ["a"])
      assert.deepStrictEqual(yield* entries, [])
    }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provideMerge(MemoryJournal.layer), Layer.provideMerge(honest))))
  )

  const failing = (broken: ReadonlyArray<string>, how: Effect.Effect<void>): typeof Journal.Service => ({
    record: ({ id }) => (broken.includes(id) ? how : Effect.void),
    last: () => Effect.succeed(undefined)
  })

  for (const [how, defect] of [
    ["at once", Effect.die("the disk is full")],
    ["later", Effect.delay(Effect.die("the disk is full"), "1 second")]
  ] as const) {
    it.effect(`that dies ${how} fails a download, whose file is saved and whose outcome is sent`, () =>
      Effect.gen(function* () {
        const exit = yield* autoAdvance(
          Effect.exit(Effect.provideService(download("a"), Journal, failing(["a"], defect)))
        )
        assert.isTrue(Exit.isFailure(exit))
        const events = yield* (yield* Progress.Recorded).events
        assert.deepStrictEqual(
          events.flatMap((event) => (event._tag === "Finished" ? [event.outcome._tag] : [])),
          ["Saved"]
        )
        assert.isTrue((yield* (yield* MemoryStore.MemoryFiles).files).has("/d/a"))
      }).pipe(
        Effect.provide(Downloader.layer.pipe(Layer.provideMerge(Progress.layerRecording), Layer.provideMerge(honest)))
      )
    )

    it.effect(`that dies ${how} stops a run, which emits the outcomes of the transfers in flight before it fails`, () =>
      Effect.gen(function* () {
        const given: Array<string> = []
        const { run } = yield* Downloader.Downloader
        const requests = Stream.fromIterable(Array.from({ length: 10 }, (_, index) => request(`${index}`)))
        const exit = yield* run(requests, { concurrency: 3 }).pipe(
          Stream.runForEach(({ _tag, request: { id } }) => Effect.sync(() => void given.push(`${id} ${_tag}`))),
          Effect.provideService(Journal, failing(["1"], defect)),
          Effect.exit,
          autoAdvance
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.includeMembers(given, ["0 Saved", "1 Saved", "2 Saved"])
        assert.isBelow(given.length, 10)
        const events = yield* (yield* Progress.Recorded).events
        const finished = events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
        assert.strictEqual(new Set(finished.map(({ request: { id } }) => id)).size, 10)
        assert.strictEqual(finished.length, 10)
        assert.sameMembers(
          finished.flatMap(({ _tag, request: { id } }) => (_tag === "Saved" ? [`${id} Saved`] : [])),
          given
        )
      }).pipe(
        Effect.provide(Downloader.layer.pipe(Layer.provideMerge(Progress.layerRecording), Layer.provideMerge(honest)))
      )
    )
  }

  it.effect("that waits does not delay an interruption, and has the entry when it continues", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const recorded: Array<string> = []
      const waiting: typeof Journal.Service = {
        record: ({ id, outcome }) =>
          Effect.zipRight(
            Deferred.await(gate),
            Effect.sync(() => void recorded.push(`${id} ${outcome}`))
          ),
        last: () => Effect.succeed(undefined)
      }
      const journaled = Effect.provideService(Journal, waiting)
      const saved = yield* Effect.fork(journaled(Effect.timeoutOption(download("a"), "5 seconds")))
      const cancelled = yield* Effect.fork(journaled(Effect.timeoutOption(download("b"), "500 millis")))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(saved))._tag, "None")
      assert.strictEqual((yield* Fiber.join(cancelled))._tag, "None")
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 second")
      assert.sameMembers(recorded, ["a Saved", "b Cancelled"])
    }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provideMerge(honest))))
  )

  it.effect("that dies of an entry for which no caller waits is reported in the log", () => {
    const { layer: logs, logged } = logging()
    return Effect.gen(function* () {
      const broken = failing(["a"], Effect.delay(Effect.die("the disk is full"), "1 second"))
      const fiber = yield* Effect.fork(
        Effect.provideService(Effect.timeoutOption(download("a"), "500 millis"), Journal, broken)
      )
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "None")
      assert.deepStrictEqual(logged, ["ERROR The journal has no entry for /d/a"])
    }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provideMerge(honest))), Effect.provide(logs))
  })
})

describe("an OriginGovernor", () => {
  /** The number of requests of a run of four that are open after half a second. */
  const open = Effect.gen(function* () {
    const fiber = yield* Effect.fork(run(4, 4))
    yield* TestClock.adjust("500 millis")
    const count = (yield* Origin.Origin).open()
    yield* Fiber.interrupt(fiber)
    return count
  })

  const limited = OriginGovernor.layer({ perOrigin: 1 })

  for (const [where, layer] of [
    ["beneath the downloader", Downloader.layer.pipe(Layer.provideMerge(limited))],
    ["merged beside the downloader", Layer.merge(Downloader.layer, limited)],
    [
      "merged beside a downloader that was built with another",
      Layer.merge(Downloader.layer.pipe(Layer.provide(OriginGovernor.layer({ perOrigin: 3 }))), limited)
    ]
  ] as const) {
    it.effect(`${where} keeps the limits`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* open, 1)
      }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(honest))))
    )
  }

  it.effect("may suspend in each of its methods", () =>
    Effect.gen(function* () {
      const base = yield* OriginGovernor.make({ perOrigin: 1 })
      const suspended = <A>(effect: () => Effect.Effect<A>) =>
        Effect.zipRight(Effect.sleep("5 millis"), Effect.suspend(effect))
      const governor = {
        ...base,
        acquire: (origin: string, options?: OriginGovernor.PermitOptions) =>
          suspended(() => base.acquire(origin, options)),
        report: (origin: string, report: OriginGovernor.Report) => suspended(() => base.report(origin, report))
      }
      const context = Effect.provideService(OriginGovernor.OriginGovernor, governor)
      const outcomes = yield* autoAdvance(context(run(4, 4)))
      assert.deepStrictEqual(
        Array.from(outcomes, ({ _tag }) => _tag),
        ["Saved", "Saved", "Saved", "Saved"]
      )
      const waiting = yield* Effect.fork(context(run(4, 4)))
      yield* TestClock.adjust("10 millis")
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(base.inUse().permits, 0)
    }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provideMerge(honest))))
  )

  it.effect("is shared by two downloaders with the same layer", () => {
    class Other extends Effect.Tag("Other")<Other, typeof Downloader.Downloader.Service>() {}
    const other = Layer.effect(Other, Downloader.Downloader).pipe(Layer.provide(Layer.fresh(Downloader.layer)))
    const both = Layer.merge(Downloader.layer, other).pipe(Layer.provide(limited), Layer.provideMerge(honest))
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach([yield* Downloader.Downloader, yield* Other], ({ download }, index) =>
        Effect.fork(download(request(`${index}`)))
      )
      yield* TestClock.adjust("500 millis")
      assert.strictEqual((yield* Origin.Origin).open(), 1)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.provide(both))
  })

  for (const [where, layer] of [
    ["beneath it", (downloader: typeof Downloader.layer) => Layer.provideMerge(downloader, limited)],
    ["beside it", (downloader: typeof Downloader.layer) => Layer.merge(downloader, limited)]
  ] as const) {
    it.effect(`${where} makes the limits of a downloader ineffective, and one warning says so`, () => {
      const { layer: logs, logged } = logging()
      return Effect.gen(function* () {
        yield* autoAdvance(Effect.zipRight(download("a"), download("b")))
        assert.deepStrictEqual(logged, [
          "WARN These options of the downloader have no effect: perOrigin, bytesPerSecond. The OriginGovernor in the context keeps the limits."
        ])
      }).pipe(
        Effect.provide(
          layer(Downloader.layerWith({ perOrigin: 3, bytesPerSecond: 1e9, retry: RetryPolicy.none })).pipe(
            Layer.provideMerge(honest)
          )
        ),
        Effect.provide(logs)
      )
    })
  }
})

describe("two callers of one file", () => {
  const recording = () => {
    const told: Array<string> = []
    const listening = Effect.provideService(Progress.Progress, {
      event: (event) =>
        Effect.sync(() => {
          const { id } = event._tag === "Finished" ? event.outcome.request : event.request
          told.push(`${id} ${event._tag}`)
        })
    })
    return { listening, told }
  }

  /** An origin that sends the file slowly, and closes the connection once. */
  const slowly = ports((asked) => ({
    ...Origin.file(asked, "0123456789", { chunkBytes: 1, chunkDelay: "1 second", etag: '"1"' }),
    ...(asked.turn === 0 ? { breakAt: { bytes: 5, how: "reset" as const } } : {})
  }))

  for (const own of [false, true]) {
    it.effect(`each get their events, ${own ? "each with its own listener" : "in a listener of both"}`, () =>
      Effect.gen(function* () {
        const { listening, told } = recording()
        const first = yield* Effect.fork(own ? download("first", "/d/a") : listening(download("first", "/d/a")))
        yield* TestClock.adjust("1500 millis")
        const second = yield* Effect.fork(listening(download("second", "/d/a")))
        yield* TestClock.adjust("1 minute")
        for (const [id, fiber] of [
          ["first", first],
          ["second", second]
        ] as const) {
          const outcome = yield* Fiber.join(fiber)
          assert.deepStrictEqual([outcome._tag, outcome.request.id], ["Saved", id])
        }
        const of = (id: string) => told.filter((line) => line.startsWith(id)).map((line) => line.slice(id.length + 1))
        const advanced = (count: number) => Array<string>(count).fill("Advanced")
        const all = of("second")
        assert.strictEqual(all[0], "Started")
        assert.strictEqual(all.at(-1), "Finished")
        assert.deepStrictEqual(
          all.filter((tag) => tag === "Retrying"),
          ["Retrying"]
        )
        assert.isAtLeast(all.filter((tag) => tag === "Advanced").length, 7)
        assert.deepStrictEqual(of("first").slice(0, 2), own ? [] : ["Started", ...advanced(1)])
        assert.strictEqual((yield* Origin.Origin).requests().length, 2)
      }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provideMerge(slowly))))
    )
  }

  it.effect("get them in a run too, but not after an interruption", () =>
    Effect.gen(function* () {
      const { listening, told } = recording()
      const { run } = yield* Downloader.Downloader
      const requests = Stream.make(request("first", "/d/a"), request("second", "/d/a"))
      const both = yield* Effect.fork(listening(Stream.runDrain(run(requests, { concurrency: 2 }))))
      yield* TestClock.adjust("2500 millis")
      const third = yield* Effect.fork(listening(download("third", "/d/a")))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(both)
      const before = told.length
      assert.sameMembers(told.slice(-2), ["first Finished", "second Finished"])
      assert.isAbove(told.filter((line) => line === "second Advanced").length, 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(third)).request.id, "third")
      assert.isTrue(told.slice(before).every((line) => line.startsWith("third")))
      assert.include(told.slice(before), "third Retrying")
    }).pipe(Effect.provide(Downloader.layer.pipe(Layer.provideMerge(slowly))))
  )
})
