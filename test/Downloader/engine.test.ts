/**
 * The engine as a whole: every step interrupted, files shared, origins spared, many requests.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Flags from "../../src/Flags.js"
import * as MemoryJournal from "../../src/Journal/Memory.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as FileSystemStore from "../../src/Store/FileSystem.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, Disk, layer, Origin, World } from "../../src/testing.js"

const url = "http://origin.test/file"

const request = Download.request({ url, destination: "/d/file", onExists: "overwrite" })

const other = Download.request({ url: "http://origin.test/other", destination: "/d/other", onExists: "overwrite" })

const download = Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request))

describe("a transfer that is interrupted at its n-th step", () => {
  // The connection closes early, the file resumes, the server asks for a pause, changes the file, and redirects: all steps of a transfer.
  const script = (asked: Origin.Request): Origin.Reply => {
    const pace = { delay: 3, chunkBytes: 3, chunkDelay: 2 }
    switch (asked.turn) {
      case 0:
        return Origin.file(asked, "0123456789", { ...pace, etag: '"1"', breakAt: { bytes: 7, how: "reset" } })
      case 1:
        return { ...pace, status: 503, body: "later", headers: { "retry-after": "1", "content-length": "5" } }
      case 2:
        return { ...pace, status: 302, headers: { location: "/file?moved" } }
      default:
        return Origin.file(asked, "9876543210", { ...pace, etag: '"2"' })
    }
  }

  const life = (step: number) => {
    const world = new World(7, { preemption: 0.02 })
    const disk = new Disk.Disk({ fate: () => ({ delayMillis: 1 }) })
    let open = () => -1
    let permits = () => -1
    let toldAs: string | undefined
    const root = world.fork(
      Effect.scoped(
        Effect.flatMap(
          Effect.uninterruptible(
            Layer.build(
              Downloader.layer.pipe(
                Layer.provideMerge(
                  Layer.mergeAll(
                    FileSystemStore.layer.pipe(Layer.provide(disk.layer)),
                    Origin.layer(script),
                    OriginGovernor.layer({ perOrigin: 2 }),
                    Progress.layer((event) =>
                      Effect.sync(() => {
                        toldAs = event._tag === "Finished" ? event.outcome._tag : toldAs
                      })
                    )
                  )
                )
              )
            )
          ),
          (context) =>
            Effect.gen(function* () {
              const origin = yield* Origin.Origin
              const governor = yield* OriginGovernor.OriginGovernor
              open = () => origin.open()
              permits = () => governor.inUse().permits
              return yield* download
            }).pipe(Effect.provide(context))
        )
      )
    )
    world.at(step, () => root.unsafeInterruptAsFork(root.id()))
    const ending = world.resume(root)
    return { disk, ending, open: open(), permits: permits(), toldAs, world }
  }

  it("leaves nothing behind, and the file exists exactly if its outcome is Saved", () => {
    const whole = life(Number.MAX_SAFE_INTEGER)
    const steps = whole.world.steps()
    assert.strictEqual(whole.toldAs, "Saved")
    assert.isAbove(steps, 80)
    const outcomes = new Map<string | undefined, number>()
    for (let step = 1; step <= steps; step++) {
      const { disk, ending, open, permits, toldAs, world } = life(step)
      const at = `step ${step} of ${steps}`
      assert.strictEqual(ending._tag, "done", at)
      assert.isAtMost(open, 0, at)
      assert.isAtMost(permits, 0, at)
      assert.strictEqual(disk.descriptors(), 0, at)
      assert.strictEqual(world.livingFibers().length, 0, at)
      assert.strictEqual(world.pendingTimers(), 0, at)
      assert.deepStrictEqual(Array.from(disk.files().keys()), toldAs === "Saved" ? ["/d/file"] : [], at)
      if (toldAs === "Saved") {
        assert.strictEqual(new TextDecoder().decode(disk.files().get("/d/file")), "9876543210")
      }
      outcomes.set(toldAs, (outcomes.get(toldAs) ?? 0) + 1)
    }
    assert.isAbove(outcomes.get("Cancelled") ?? 0, 50)
    assert.isAbove(outcomes.get("Saved") ?? 0, 0)
  })
})

describe("two callers of the same file", () => {
  const slow = layer((asked) => Origin.file(asked, "0123456789", { delay: "1 second" }))

  it.effect("share one transfer", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(Effect.all([download, download, download], { concurrency: "unbounded" }))
      assert.deepStrictEqual(
        saved.map(({ _tag }) => _tag),
        ["Saved", "Saved", "Saved"]
      )
      assert.strictEqual((yield* Origin.Origin).requests().length, 1)
    }).pipe(Effect.provide(slow))
  )

  it.effect("do not lose it when the first or the second caller is interrupted", () =>
    Effect.gen(function* () {
      for (const leaver of [0, 1]) {
        const fibers = yield* Effect.forEach([0, 1], () => Effect.fork(download))
        yield* TestClock.adjust("500 millis")
        const [left, stays] = leaver === 0 ? fibers : fibers.reverse()
        assert.isTrue(left !== undefined && Exit.isInterrupted(yield* Fiber.interrupt(left)))
        yield* TestClock.adjust("1 second")
        assert.isTrue(stays !== undefined && Exit.isSuccess(yield* Fiber.await(stays)))
      }
      assert.strictEqual((yield* Origin.Origin).requests().length, 2)
    }).pipe(Effect.provide(slow))
  )

  it.effect("keep the transfer of a run that has ended, which reports its own request at once", () =>
    Effect.gen(function* () {
      const { run } = yield* Downloader.Downloader
      const ran = yield* Effect.fork(Stream.runDrain(run(Stream.make(request, other))))
      yield* TestClock.adjust("500 millis")
      const joined = yield* Effect.fork(download)
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(ran)
      const finished = (yield* Progress.Recorded).events.pipe(
        Effect.map((events) => events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : [])))
      )
      assert.deepStrictEqual(
        (yield* finished).map(({ _tag, request: { id } }) => [id, _tag]).sort(),
        [
          ["http://origin.test/other", "Cancelled"],
          [request.id, "Cancelled"]
        ].sort()
      )
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(joined)))
      assert.deepStrictEqual(
        (yield* finished).slice(2).map(({ _tag }) => _tag),
        ["Saved"]
      )
      assert.strictEqual((yield* Origin.Origin).requests().length, 2)
    }).pipe(Effect.provide(slow))
  )

  it.effect("cancel the transfer of a run that has ended when the last caller that joined it is interrupted", () =>
    Effect.gen(function* () {
      const { run } = yield* Downloader.Downloader
      const ran = yield* Effect.fork(Stream.runDrain(run(Stream.make(request))))
      yield* TestClock.adjust("500 millis")
      const joined = yield* Effect.fork(download)
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(ran)
      assert.strictEqual((yield* Origin.Origin).open(), 1)
      yield* Fiber.interrupt(joined)
      assert.strictEqual((yield* Origin.Origin).open(), 0)
      assert.strictEqual(yield* (yield* MemoryStore.MemoryFiles).parts, 0)
      yield* autoAdvance(download)
    }).pipe(Effect.provide(slow))
  )

  it.effect("cancel it when the last caller is interrupted, and leave nothing", () =>
    Effect.gen(function* () {
      const fibers = yield* Effect.forEach([0, 1], () => Effect.fork(download))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interruptAll(fibers)
      assert.strictEqual((yield* Origin.Origin).open(), 0)
      assert.strictEqual(yield* (yield* MemoryStore.MemoryFiles).parts, 0)
      yield* autoAdvance(download)
    }).pipe(Effect.provide(slow))
  )

  it.effect("wait for each other if the name is the same and the file is not", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const other = Download.request({ url: "http://origin.test/other", destination: "/D/FILE", onExists: "overwrite" })
      yield* autoAdvance(Effect.all([download, downloader.download(other)], { concurrency: "unbounded" }))
      const [first, second] = (yield* Origin.Origin).requests()
      assert.isAtLeast((second?.atMillis ?? 0) - (first?.atMillis ?? 0), 1000)
      assert.strictEqual((yield* Origin.Origin).mostOpen(), 1)
    }).pipe(Effect.provide(slow))
  )
})

describe("an origin with little capacity", () => {
  // It answers this number of requests at a time. Further requests get 503 or no response.
  const bears = 20
  let inside: Array<number> = []
  const overloaded = (asked: Origin.Request): Origin.Reply => {
    inside = inside.filter((until) => until > asked.atMillis)
    if (inside.length < bears) {
      inside.push(asked.atMillis + 100)
      return Origin.file(asked, asked.url, { delay: 100 })
    }
    return asked.turn % 2 === 0 ? { delay: 20, status: 503 } : { delay: 20, instead: "reset" }
  }

  it.effect("gives 676 files to 100 transfers at a time, and no file is lost", () =>
    Effect.gen(function* () {
      inside = []
      const downloader = yield* Downloader.Downloader
      const codes = yield* Flags.select({ every: true })
      const requests = codes.map((code) => Flags.request(code, { baseUrl: "http://flags.test", directory: "d" }))
      const report = yield* downloader
        .run(Stream.fromIterable(requests), { concurrency: 100 })
        .pipe(Stream.runFold(Download.emptyReport, Download.addOutcome), autoAdvance)
      assert.deepInclude(report, { saved: 676, failed: 0, cancelled: 0 })
      const turnedAway = (yield* Origin.Origin).requests().length - 676
      assert.isAbove(turnedAway, 0)
      assert.isBelow(turnedAway, 676)
    }).pipe(Effect.provide(layer(overloaded)))
  )
})

describe("a run of many files", () => {
  it.effect("continues with other origins while one is paused", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const of = (origin: string, count: number) =>
        Array.from({ length: count }, (_, index) =>
          Download.request({ url: `http://${origin}.test/${index}`, destination: `${origin}${index}` })
        )
      const finished: Array<string> = []
      yield* downloader.run(Stream.fromIterable([...of("busy", 10), ...of("free", 10)]), { concurrency: 2 }).pipe(
        Stream.runForEach((outcome) => Effect.sync(() => finished.push(outcome.request.destination))),
        autoAdvance
      )
      assert.strictEqual(finished.length, 20)
      assert.isTrue(finished.slice(0, 10).every((name) => name.startsWith("free")))
      assert.isAtMost((yield* Origin.Origin).mostOpen(), 2)
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.url.startsWith("http://busy") && asked.atMillis < 30_000
            ? { status: 429, headers: { "retry-after": "30" } }
            : Origin.file(asked, "content", { delay: 10 })
        )
      )
    )
  )

  it.effect("records every outcome in the journal", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      yield* downloader
        .run(Stream.make(request, Download.request({ url: "http://origin.test/missing", destination: "missing" })))
        .pipe(Stream.runDrain, autoAdvance)
      const entries = yield* (yield* MemoryJournal.MemoryEntries).entries
      assert.deepStrictEqual(entries.map(({ destination, outcome }) => `${destination} ${outcome}`).sort(), [
        "/d/file Saved",
        "missing Failed"
      ])
    }).pipe(Effect.provide(layer((asked) => (asked.url === url ? Origin.file(asked, "content") : { status: 404 }))))
  )
})
