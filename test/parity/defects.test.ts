// The defects of the programs that halyard grew out of, and that each of them cannot happen here.
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Flags from "../../src/Flags.js"
import * as Progress from "../../src/Progress.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as Screen from "../../src/Screen.js"
import * as Spinner from "../../src/Spinner.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { memoryStoreWith } from "../support/storage/storeParts.js"

/** An origin that answers each path by a function, and says how often it was built. */
const origin = (answer: (path: string) => Response) => {
  let built = 0
  const layer = Layer.effect(
    HttpClient.HttpClient,
    Effect.sync(() => {
      built++
      return HttpClient.make((request, url) =>
        Effect.sync(() => HttpClientResponse.fromWeb(request, answer(url.pathname)))
      )
    })
  )
  return { layer, built: () => built }
}

const stack = (client: Layer.Layer<HttpClient.HttpClient>) =>
  Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
    Layer.provide(HttpClientTransport.layer),
    Layer.provide(client),
    Layer.provideMerge(MemoryStore.layer),
    Layer.provideMerge(Progress.layerRecording)
  )

const wanted = (codes: ReadonlyArray<string>) =>
  Stream.fromIterable(codes.map((code) => Flags.request(code, { baseUrl: "http://origin", directory: "downloads" })))

const outcomesOf = (codes: ReadonlyArray<string>) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    Effect.map(Stream.runCollect(downloader.run(wanted(codes), { concurrency: 1 })), Chunk.toReadonlyArray)
  )

const saved = Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) => files)

describe("defects that are designed out", () => {
  it.effect("an error does not stick to the next item", () =>
    Effect.gen(function* () {
      const outcomes = yield* outcomesOf(["AA", "BR", "CC", "DE"])
      assert.deepStrictEqual(
        outcomes.map(({ _tag }) => _tag),
        ["Failed", "Saved", "Failed", "Saved"]
      )
    }).pipe(
      Effect.provide(stack(origin((path) => new Response("gif", { status: /aa|cc/.test(path) ? 500 : 200 })).layer))
    )
  )

  it.effect("an item is reported under its own name after a redirect", () =>
    Effect.gen(function* () {
      const [outcome] = yield* outcomesOf(["BR"])
      assert.strictEqual(outcome?.request.id, "BR")
      assert.strictEqual(outcome?.request.destination, "downloads/br.gif")
    }).pipe(
      Effect.provide(
        stack(
          origin((path) =>
            path === "/us/us.gif"
              ? new Response("gif")
              : new Response(null, { status: 302, headers: { location: "/us/us.gif" } })
          ).layer
        )
      )
    )
  )

  it.effect("a success is not counted before the file is published", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const slowDisk = memoryStoreWith((part) => ({
        publish: (options) => Effect.zipRight(Deferred.await(gate), part.publish(options))
      }))
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.fork(outcomesOf(["BR"]))
        yield* TestClock.adjust("900 millis")
        const told = Effect.map(
          Effect.flatMap(Progress.Recorded, ({ events }) => events),
          (events) => events.map(({ _tag }) => _tag)
        )
        assert.deepStrictEqual(yield* told, ["Started", "Exchanged", "Advanced"])
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(yield* told, ["Started", "Exchanged", "Advanced", "Finished"])
      }).pipe(
        // A publish is not interrupted, so a failure of the test must not leave it waiting.
        Effect.ensuring(Deferred.succeed(gate, undefined)),
        Effect.provide(
          Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
            Layer.provide(HttpClientTransport.layer),
            Layer.provide(origin(() => new Response("gif")).layer),
            Layer.provide(slowDisk),
            Layer.provideMerge(Progress.layerRecording)
          )
        )
      )
    })
  )

  it.effect("an error has its item, and the counts add up", () =>
    Effect.gen(function* () {
      const outcomes = yield* outcomesOf(["AA", "BB", "BR"])
      const failures = outcomes.flatMap((outcome) =>
        outcome._tag === "Failed" ? [`${outcome.request.id} ${outcome.error.message}`] : []
      )
      assert.deepStrictEqual(failures, ["AA HTTP error 404 - Not Found", "BB HTTP error 418 - I'm a Teapot"])
      const report = outcomes.reduce(Download.addOutcome, Download.emptyReport)
      assert.strictEqual(report.saved + report.skipped + report.failed + report.cancelled, 3)
    }).pipe(
      Effect.provide(
        stack(
          origin((path) => new Response("", { status: path.includes("aa") ? 404 : path.includes("bb") ? 418 : 200 }))
            .layer
        )
      )
    )
  )

  it.effect("an error's body is not saved as a flag", () =>
    Effect.gen(function* () {
      yield* outcomesOf(["AA", "BR"])
      assert.deepStrictEqual(Array.from((yield* saved).keys()), ["downloads/br.gif"])
    }).pipe(
      Effect.provide(
        stack(origin((path) => new Response("<html>no</html>", { status: path.includes("aa") ? 404 : 200 })).layer)
      )
    )
  )

  it.effect("one client is built for a run, not one for each request", () => {
    const { built, layer } = origin(() => new Response("gif"))
    return Effect.gen(function* () {
      yield* outcomesOf(Flags.populous)
      assert.strictEqual((yield* saved).size, 20)
      assert.strictEqual(built(), 1)
    }).pipe(Effect.provide(stack(layer)))
  })

  it.effect("all outcomes of an interrupted run are reported", () =>
    Effect.gen(function* () {
      const hanging = Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request, url) =>
          url.pathname === "/br/br.gif"
            ? Effect.succeed(HttpClientResponse.fromWeb(request, new Response("gif")))
            : Effect.never
        )
      )
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.fork(outcomesOf(["BR", "DE", "US"]))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        const events = yield* Effect.flatMap(Progress.Recorded, (recorded) => recorded.events)
        assert.deepStrictEqual(
          events.flatMap((event) =>
            event._tag === "Finished" ? [`${event.outcome.request.id} ${event.outcome._tag}`] : []
          ),
          ["BR Saved", "DE Cancelled", "US Cancelled"]
        )
      }).pipe(Effect.provide(stack(hanging)))
    })
  )

  it.effect("a spinner stops when its function fails", () =>
    Effect.gen(function* () {
      const failing = Effect.zipRight(Effect.sleep("1 second"), Effect.fail("broken"))
      const fiber = yield* Effect.fork(Effect.flip(Spinner.withSpinner(failing, { message: "thinking!" })))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "broken")
      const recording = yield* Screen.Recording
      const drawn = recording.frames().length
      assert.strictEqual(drawn, 10)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(recording.frames().length, drawn)
    }).pipe(Effect.provide(Layer.provideMerge(Spinner.layer, Screen.layerRecording())))
  )
})
