/**
 * Row S5: the flags of the 20 most populous countries, sorted; each code is shown, each flag saved as `<cc>.gif`, and a
 * closing line counts them. As it was written down, the program's coroutine never ran, and it reported 0.00 s.
 *
 * `download_many` with aiohttp → `halyard flags`; a coroutine that is not awaited → an Effect that is not run
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Downloader from "../../src/Downloader.js"
import * as Flags from "../../src/Flags.js"
import * as Progress from "../../src/Progress.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Transport from "../../src/Transport.js"
import { flags, populous } from "../support/program/flagsRun.js"
import { notWhole } from "../support/program/program.js"

describe("S5: flags with aiohttp", () => {
  it.scopedLive("saves the 20 flags, prints their codes, and ends with their number and the time", () =>
    Effect.gen(function* () {
      const { directory, exitCode, lines, saved, stdout } = yield* flags([])
      assert.strictEqual(exitCode, 0)
      assert.match(stdout, /\n20 flags downloaded in \d+\.\d\ds\n$/)
      const shown = lines.find((line) => /^([A-Z]{2} )+$/.test(line)) ?? ""
      assert.deepStrictEqual(shown.trim().split(" ").sort(), populous)
      assert.deepStrictEqual(
        saved,
        populous.map((code) => `${code.toLowerCase()}.gif`)
      )
      assert.deepStrictEqual(notWhole(directory), [])
    })
  )

  it.effect(
    "asks for the flags in the order of their codes, as many at a time as it may, and shows each when it is there",
    () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(downloadMany)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* Fiber.join(fiber), 20)
        const events = yield* Effect.flatMap(Progress.Recorded, (recorded) => recorded.events)
        const idsOf = (tag: "Started" | "Finished") =>
          events.flatMap((event) =>
            event._tag !== tag ? [] : [event._tag === "Started" ? event.request.id : event.outcome.request.id]
          )
        assert.deepStrictEqual(idsOf("Started"), populous)
        assert.deepStrictEqual(idsOf("Finished").sort(), populous)
        assert.deepStrictEqual(
          events.slice(0, 5).map((event) => event._tag),
          Array.from({ length: 5 }, () => "Started")
        )
      }).pipe(Effect.provide(world(() => Effect.void)))
  )

  it.effect("does nothing when the effect is made, and everything when it is run", () =>
    Effect.gen(function* () {
      const opened = yield* Ref.make(0)
      yield* Effect.gen(function* () {
        const { files } = yield* MemoryStore.MemoryFiles
        const coroutine = downloadMany
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* Ref.get(opened), 0)
        assert.strictEqual((yield* files).size, 0)
        const fiber = yield* Effect.fork(coroutine)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* Fiber.join(fiber), 20)
        assert.strictEqual(yield* Ref.get(opened), 20)
        assert.strictEqual((yield* files).size, 20)
      }).pipe(Effect.provide(world(() => Ref.update(opened, (count) => count + 1))))
    })
  )
})

/** The chapter's `download_many`: gives how many it saved. */
const downloadMany = Effect.gen(function* () {
  const downloader = yield* Downloader.Downloader
  const codes = yield* Flags.select({})
  const requests = codes.map((code) => Flags.request(code, { baseUrl: "http://origin/flags", directory: "downloads" }))
  return yield* Stream.runCount(downloader.run(Stream.fromIterable(requests)))
})

/** An origin that takes a second for each flag, a store in memory, and what was told. */
const world = (onOpen: () => Effect.Effect<void>) =>
  Downloader.layer.pipe(
    Layer.provide(
      Layer.succeed(
        Transport.Transport,
        Transport.make({
          open: () =>
            Effect.zipRight(
              Effect.zipRight(onOpen(), Effect.sleep("1 second")),
              Effect.succeed({ status: 200, headers: {}, body: Stream.make(new Uint8Array([71, 73, 70])) })
            )
        })
      )
    ),
    Layer.provideMerge(Layer.merge(MemoryStore.layer, Progress.layerRecording))
  )
