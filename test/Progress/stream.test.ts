import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Download from "../../src/Download.js"
import type { DownloadEvent } from "../../src/DownloadEvent.js"
import * as Downloader from "../../src/Downloader.js"
import * as Progress from "../../src/Progress.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"
import { eventStream } from "../examples/eventStream.js"

const request = (name: string) =>
  Download.request({ id: name, url: `http://origin.test/${name}`, destination: name, onExists: "overwrite" })

const show = (event: DownloadEvent): string =>
  event._tag === "Finished"
    ? `${event.outcome.request.id} ${event.outcome._tag}`
    : `${event.request.id} ${event._tag}${event._tag === "Advanced" ? ` ${event.bytes}` : ""}`

const ofDownload = (name: string, capacity?: number) =>
  Stream.unwrap(
    Effect.map(Downloader.Downloader, (downloader) => Progress.stream(downloader.download(request(name)), { capacity }))
  )

const ofRun = (count: number, capacity?: number) =>
  Stream.unwrap(
    Effect.map(Downloader.Downloader, (downloader) =>
      Progress.stream(
        downloader.run(
          Stream.map(Stream.range(1, count), (index) => request(`${index}`)),
          { concurrency: 2 }
        ),
        { capacity }
      )
    )
  )

const slowly = layer((asked) => Origin.file(asked, "0123456789", { chunkBytes: 1, chunkDelay: "1 second" }))
const served = layer((asked) => Origin.file(asked, "0123456789"))

const collected = <E, R>(events: Stream.Stream<DownloadEvent, E, R>) =>
  autoAdvance(Effect.map(Stream.runCollect(events), (chunk) => Chunk.toReadonlyArray(chunk).map(show)))

describe("Progress.stream", () => {
  it.effect("emits the events of a download, and ends with it", () =>
    Effect.gen(function* () {
      const events = yield* collected(ofDownload("a"))
      assert.strictEqual(events[0], "a Started")
      assert.strictEqual(events.at(-1), "a Saved")
      assert.includeMembers(events, ["a Advanced 3", "a Advanced 9"])
    }).pipe(Effect.provide(slowly))
  )

  it.effect("emits the events of a run", () =>
    Effect.gen(function* () {
      const events = yield* collected(ofRun(20))
      assert.strictEqual(events.filter((event) => event.endsWith("Saved")).length, 20)
      assert.strictEqual(events.filter((event) => event.endsWith("Started")).length, 20)
    }).pipe(Effect.provide(served))
  )

  it.effect("fails with the error of the download, after its events", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const exit = yield* Effect.exit(
        Stream.runForEach(ofDownload("a"), (event) => Effect.sync(() => events.push(show(event))))
      )
      assert.deepStrictEqual(events, ["a Started", "a Exchanged", "a Failed"])
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(layer(() => ({ status: 404 }))))
  )

  it.effect("drops Advanced for a slow reader, and no other event; the download goes on", () =>
    Effect.gen(function* () {
      for (const [capacity, expected] of [
        [1024, ["a Started", "a Advanced 10", "a Exchanged", "a Saved"]],
        [0, ["a Started", "a Exchanged", "a Saved"]]
      ] as const) {
        const isStarted = yield* Deferred.make<void>()
        const goOn = yield* Deferred.make<void>()
        const events = yield* autoAdvance(
          Effect.gen(function* () {
            const reader = yield* Effect.fork(
              Stream.runCollect(
                Stream.tap(ofDownload("a", capacity), () =>
                  Effect.zipRight(Deferred.succeed(isStarted, undefined), Deferred.await(goOn))
                )
              )
            )
            yield* Deferred.await(isStarted)
            yield* Effect.sleep("1 minute")
            assert.strictEqual((yield* Origin.Origin).open(), 0)
            yield* Deferred.succeed(goOn, undefined)
            return yield* Fiber.join(reader)
          })
        )
        assert.deepStrictEqual<ReadonlyArray<string>>(Chunk.toReadonlyArray(events).map(show), expected)
      }
    }).pipe(Effect.provide(slowly))
  )

  it.effect("slows a run down if its reader is slow", () =>
    Effect.gen(function* () {
      const isStarted = yield* Deferred.make<void>()
      yield* autoAdvance(
        Effect.gen(function* () {
          const reader = yield* Effect.fork(
            Stream.runForEach(ofRun(1000, 4), () =>
              Effect.zipRight(Deferred.succeed(isStarted, undefined), Effect.never)
            )
          )
          yield* Deferred.await(isStarted)
          yield* Effect.sleep("1 minute")
          assert.isBelow((yield* Origin.Origin).requests().length, 30)
          yield* Fiber.interrupt(reader)
        })
      )
    }).pipe(Effect.provide(served))
  )

  it.effect("cancels its work when the reader goes away", () =>
    Effect.gen(function* () {
      yield* Stream.runDrain(Stream.take(ofDownload("a"), 1))
      assert.strictEqual((yield* Origin.Origin).open(), 0)
    }).pipe(Effect.provide(layer(() => ({ instead: "silence" }))))
  )
})

describe("the example", () => {
  for (const [status, outcome] of [
    [200, "Saved"],
    [404, "Failed"]
  ] as const) {
    it.effect(`answers with server-sent events until the file is ${outcome}`, () =>
      Effect.gen(function* () {
        const { body } = yield* eventStream(request("a"))
        const chunks = body._tag === "Stream" ? yield* Stream.runCollect(body.stream) : Chunk.empty()
        const text = Buffer.concat(Chunk.toReadonlyArray(chunks)).toString()
        assert.match(
          text,
          /^event: Started\ndata: \{.*\}\n\nevent: Exchanged\ndata: \{.*\}\n\nevent: Finished\ndata: .*\n\n$/
        )
        assert.include(text, `"_tag":"${outcome}"`)
      }).pipe(Effect.provide(layer(() => ({ status, body: "body" }))))
    )
  }
})
