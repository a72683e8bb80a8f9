/**
 * The event `Exchanged`, and the last `Advanced` of a body that falls silent.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import { Connection } from "../../src/DownloadError.js"
import type { Advanced, DownloadEvent, Exchanged } from "../../src/DownloadEvent.js"
import * as Downloader from "../../src/Downloader.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { content, type Sent, transport } from "../support/transport/answeredTransport.js"

const newConnection = {
  id: 1,
  isReused: false,
  remoteAddress: "192.0.2.1:80",
  lookupMillis: 3.2,
  connectMillis: 4.3,
  tlsMillis: 5.4
}

const settle = Effect.repeatN(Effect.yieldNow(), 50)

const pass = (millis: number) => Effect.zipRight(TestClock.adjust(millis), settle)

const run = (
  work: (
    sent: Array<Sent>,
    start: (given?: Partial<Parameters<typeof Download.request>[0]>) => Effect.Effect<Fiber.Fiber<unknown, unknown>>
  ) => Effect.Effect<unknown>,
  options: Parameters<typeof Downloader.layerWith>[0] = {}
) =>
  Effect.gen(function* () {
    const sent: Array<Sent> = []
    const layer = Downloader.layerWith({ segments: 1, retry: RetryPolicy.none, ...options }).pipe(
      Layer.provide(Layer.mergeAll(transport(sent), MemoryStore.layer, OriginGovernor.layer({ perOrigin: 1 }))),
      Layer.provideMerge(Progress.layerRecording)
    )
    return yield* Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const { events } = yield* Progress.Recorded
      yield* work(sent, (given = {}) =>
        Effect.zipLeft(
          Effect.fork(
            downloader.download(
              Download.request({ url: "http://user:secret@origin.test/file", destination: "file", ...given })
            )
          ),
          settle
        )
      )
      return yield* events
    }).pipe(Effect.provide(layer))
  })

const isExchanged = (event: DownloadEvent): event is Exchanged => event._tag === "Exchanged"
const isAdvanced = (event: DownloadEvent): event is Advanced => event._tag === "Advanced"

const first = (events: ReadonlyArray<DownloadEvent>): Exchanged =>
  events.find(isExchanged) ?? assert.fail("there is no Exchanged")

const sum = ({
  permitMillis,
  connectMillis = 0,
  lookupMillis = 0,
  bodyMillis = 0,
  tlsMillis = 0,
  firstByteMillis = 0
}: Exchanged): number => permitMillis + lookupMillis + connectMillis + tlsMillis + firstByteMillis + bodyMillis

describe("Exchanged", () => {
  it.effect("has the phases of a request, and comes before the outcome", () =>
    Effect.gen(function* () {
      const events = yield* run((sent, start) =>
        Effect.gen(function* () {
          const fiber = yield* start()
          const [one = assert.fail()] = sent
          yield* pass(100)
          one.connection = newConnection
          one.head()
          yield* pass(50)
          one.bytes(0, content.length)
          one.end()
          yield* Fiber.await(fiber)
        })
      )
      const { request: _, ...fields } = first(events)
      assert.deepStrictEqual(fields, {
        _tag: "Exchanged",
        atMillis: 150,
        url: "http://origin.test/file",
        method: "GET",
        attempt: 1,
        offsetBytes: 0,
        status: 200,
        bytes: content.length,
        beganAtMillis: 0,
        permitMillis: 0,
        lookupMillis: 3,
        connectMillis: 5,
        tlsMillis: 5,
        firstByteMillis: 87,
        bodyMillis: 50,
        connection: { id: 1, isReused: false, remoteAddress: "192.0.2.1:80" }
      } as typeof fields)
      assert.deepStrictEqual(
        events.slice(-2).map(({ _tag }) => _tag),
        ["Exchanged", "Finished"]
      )
    })
  )

  it.effect("counts the wait for a permit and for a descriptor as blocked", () =>
    Effect.gen(function* () {
      const events = yield* run((sent, start) =>
        Effect.gen(function* () {
          const before = yield* start({ destination: "before" })
          const fiber = yield* start()
          yield* pass(70)
          yield* Fiber.interrupt(before)
          yield* settle
          const one = sent[1] ?? assert.fail()
          one.hold(true)
          yield* pass(30)
          one.hold(false)
          yield* pass(20)
          one.head()
          one.bytes(0, content.length)
          one.end()
          yield* Fiber.await(fiber)
        })
      )
      const [, exchanged = assert.fail()] = events.filter(isExchanged)
      assert.strictEqual(exchanged.permitMillis, 100)
      assert.strictEqual(exchanged.firstByteMillis, 20)
      assert.strictEqual(sum(exchanged), exchanged.atMillis - exchanged.beganAtMillis)
    })
  )

  it.effect("of an interrupted request has neither an error nor a status", () =>
    Effect.gen(function* () {
      const events = yield* run((_sent, start) =>
        Effect.gen(function* () {
          const fiber = yield* start()
          yield* pass(40)
          yield* Fiber.interrupt(fiber)
        })
      )
      const exchanged = first(events)
      assert.strictEqual(exchanged.firstByteMillis, 40)
      assert.isFalse("error" in exchanged || "status" in exchanged || "bodyMillis" in exchanged)
    })
  )

  for (const [reason, phase] of [
    ["dns", "lookupMillis"],
    ["refused", "connectMillis"],
    ["tls", "tlsMillis"],
    ["reset", "firstByteMillis"]
  ] as const) {
    it.effect(`puts a failure before the head into its phase: ${reason}`, () =>
      Effect.gen(function* () {
        const error = new Connection({ url: "http://origin.test/file", reason, receivedBytes: 0, detail: "" })
        const events = yield* run((sent, start) =>
          Effect.gen(function* () {
            const fiber = yield* start()
            yield* pass(40)
            sent[0]?.fail(error)
            yield* Fiber.await(fiber)
          })
        )
        const exchanged = first(events)
        assert.strictEqual(exchanged[phase], 40)
        assert.deepStrictEqual(exchanged.error, error)
        assert.strictEqual(sum(exchanged), 40)
      })
    )
  }

  it.effect("has the status and the error of a refusal, before the retry", () =>
    Effect.gen(function* () {
      const events = yield* run(
        (sent, start) =>
          Effect.gen(function* () {
            const fiber = yield* start()
            sent[0]?.head(503)
            yield* pass(60_000)
            sent[1]?.head()
            sent[1]?.bytes(0, content.length)
            sent[1]?.end()
            yield* Fiber.await(fiber)
          }),
        { retry: RetryPolicy.make({ retries: 1 }) }
      )
      const kinds = events.map(({ _tag }) => _tag).filter((tag) => tag !== "Advanced")
      assert.deepStrictEqual(kinds, ["Started", "Exchanged", "Retrying", "Exchanged", "Finished"])
      const [refused, accepted] = events.filter(isExchanged)
      assert.strictEqual(refused?.status, 503)
      assert.strictEqual(refused?.error?._tag, "HttpStatus")
      assert.strictEqual(accepted?.attempt, 2)
      // The pause between two attempts belongs to neither.
      assert.isAbove(accepted?.beganAtMillis ?? 0, refused?.atMillis ?? 0)
    })
  )

  it.effect("counts the bytes of a refusal", () =>
    Effect.gen(function* () {
      const events = yield* run((sent, start) =>
        Effect.gen(function* () {
          const fiber = yield* start()
          sent[0]?.head(404, 500)
          sent[0]?.bytes(0, 500)
          sent[0]?.end()
          yield* Fiber.await(fiber)
        })
      )
      const { bytes, status } = first(events)
      assert.deepStrictEqual({ bytes, status }, { bytes: 500, status: 404 })
    })
  )

  it.effect("does not come with exchanges: false", () =>
    Effect.gen(function* () {
      const work = (sent: Array<Sent>, start: () => Effect.Effect<Fiber.Fiber<unknown, unknown>>) =>
        Effect.gen(function* () {
          const fiber = yield* start()
          sent[0]?.head(404)
          yield* Fiber.await(fiber)
        })
      assert.deepStrictEqual(
        (yield* run(work, { exchanges: false })).map(({ _tag }) => _tag),
        ["Started", "Finished"]
      )
    })
  )

  it.effect("is shared for each further caller of one transfer", () =>
    Effect.gen(function* () {
      const events = yield* run((sent, start) =>
        Effect.gen(function* () {
          const fibers = [yield* start(), yield* start(), yield* start()]
          assert.strictEqual(sent.length, 1)
          sent[0]?.head()
          sent[0]?.bytes(0, content.length)
          sent[0]?.end()
          yield* Fiber.awaitAll(fibers)
        })
      )
      assert.deepStrictEqual(
        events.filter(isExchanged).map(({ isShared }) => isShared),
        [undefined, true, true]
      )
    })
  )

  it.effect("has headers only with the option responses, and no secrets in them", () =>
    Effect.gen(function* () {
      const work = (sent: Array<Sent>, start: (given: object) => Effect.Effect<Fiber.Fiber<unknown, unknown>>) =>
        Effect.gen(function* () {
          const fiber = yield* start({ headers: { "x-mine": "hidden" } })
          sent[0]?.head()
          sent[0]?.bytes(0, content.length)
          sent[0]?.end()
          yield* Fiber.await(fiber)
        })
      const { requestHeaders, responseHeaders } = first(yield* run(work, { responses: true }))
      assert.strictEqual(requestHeaders?.["accept-encoding"], "identity")
      assert.strictEqual(requestHeaders?.["x-mine"], "…")
      assert.strictEqual(requestHeaders?.["authorization"], "…")
      assert.strictEqual(responseHeaders?.["etag"], '"1"')
      assert.isFalse("requestHeaders" in first(yield* run(work)))
    })
  )
})

describe("Advanced", () => {
  it.effect("comes once more when the server falls silent", () =>
    Effect.gen(function* () {
      const events = yield* run((sent, start) =>
        Effect.gen(function* () {
          const fiber = yield* start()
          sent[0]?.head()
          yield* pass(50)
          sent[0]?.bytes(0, 1000)
          yield* pass(10_000)
          yield* Fiber.interrupt(fiber)
        })
      )
      const advanced = events.filter(isAdvanced)
      assert.deepStrictEqual(
        advanced.map(({ atMillis, bytes, connections, totalBytes }) => ({ atMillis, bytes, connections, totalBytes })),
        [{ atMillis: 200, bytes: 1000, connections: 1, totalBytes: content.length }]
      )
    })
  )

  it.effect("does not come after the end of its transfer", () =>
    Effect.gen(function* () {
      const events = yield* run((sent, start) =>
        Effect.gen(function* () {
          const fiber = yield* start()
          sent[0]?.head()
          sent[0]?.bytes(0, content.length)
          sent[0]?.end()
          yield* Fiber.await(fiber)
          yield* pass(1000)
        })
      )
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["Started", "Exchanged", "Finished"]
      )
    })
  )
})
