/**
 * The events of a transfer that waits long: for a permit, or for another reason.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import { Connection } from "../../src/DownloadError.js"
import type { DownloadEvent } from "../../src/DownloadEvent.js"
import * as Downloader from "../../src/Downloader.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { memoryStoreWith } from "../support/storage/storeParts.js"
import { content, type Sent, transport } from "../support/transport/answeredTransport.js"

const origin = "http://origin.test"

/** A store in memory whose publishing takes ten seconds. */
const slowToPublish = memoryStoreWith((part) => ({
  publish: (options) => Effect.zipLeft(part.publish(options), Effect.sleep("10 seconds"))
}))

const settle = Effect.repeatN(Effect.yieldNow(), 50)

const pass = (millis: number) => Effect.zipRight(TestClock.adjust(millis), settle)

interface Started {
  readonly sent: ReadonlyArray<Sent>
  readonly governor: typeof OriginGovernor.OriginGovernor.Service
  readonly second: Fiber.Fiber<unknown, unknown>
  /** The events of the second transfer since the last call. */
  readonly events: Effect.Effect<ReadonlyArray<object>>
  readonly eventsOfFirst: Effect.Effect<ReadonlyArray<object>>
}

/** Starts two transfers, one after the other, and works with them. */
const twoTransfers = (
  limits: OriginGovernor.Options,
  work: (started: Started) => Effect.Effect<unknown>,
  before: (governor: Started["governor"]) => Effect.Effect<unknown> = () => Effect.void,
  destinations: readonly [string, string] = ["first", "second"],
  store: typeof MemoryStore.layer = MemoryStore.layer
) =>
  Effect.gen(function* () {
    const sent: Array<Sent> = []
    const layer = Downloader.layerWith({ segments: 1, exchanges: false }).pipe(
      Layer.provide(Layer.mergeAll(transport(sent), store)),
      Layer.provideMerge(Layer.merge(OriginGovernor.layer(limits), Progress.layerRecording))
    )
    yield* Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const governor = yield* OriginGovernor.OriginGovernor
      const recorded = yield* Progress.Recorded
      yield* before(governor)
      const requests = ["first", "second"].map((name, index) =>
        Download.request({ id: name, url: `${origin}/${name}`, destination: destinations[index] ?? name })
      )
      const second = yield* Effect.fork(
        Stream.runDrain(downloader.run(Stream.fromIterable(requests), { concurrency: 2 }))
      )
      yield* settle
      const eventsOf = (name: string) => {
        // After `Started`.
        let seen = 1
        return Effect.map(recorded.events, (all) => {
          const found = all.filter((event) => nameOf(event) === name).slice(seen)
          seen += found.length
          return found.map(fieldsOf)
        })
      }
      yield* work({ sent, governor, second, events: eventsOf("second"), eventsOfFirst: eventsOf("first") })
    }).pipe(Effect.provide(layer), Effect.scoped)
  })

const nameOf = (event: DownloadEvent): string =>
  event._tag === "Finished" ? event.outcome.request.id : event.request.id

const fieldsOf = (event: DownloadEvent): object => {
  if (event._tag === "Finished") {
    return { _tag: event._tag }
  }
  const { atMillis: _, request: __, ...fields } = event
  return fields
}

const complete = (sent: Sent | undefined): void => {
  sent?.head()
  sent?.bytes(0, content.length)
  sent?.end()
}

describe("a wait for a permit", () => {
  it.effect("has an event after a second, and one at its end", () =>
    twoTransfers({ perOrigin: 1 }, ({ events, sent }) =>
      Effect.gen(function* () {
        yield* pass(999)
        assert.deepStrictEqual(yield* events, [])
        yield* pass(1)
        const awaited = { _tag: "Blocked", origin, waitedMillis: 1000, obstacle: "origin", limit: 1 }
        assert.deepStrictEqual(yield* events, [awaited])
        yield* pass(20_000)
        assert.deepStrictEqual(yield* events, [])
        complete(sent[0])
        yield* settle
        assert.deepStrictEqual(yield* events, [{ _tag: "Unblocked", origin, waitedMillis: 21_000 }])
        complete(sent[1])
        yield* settle
        assert.deepStrictEqual((yield* events).at(-1), { _tag: "Finished" })
      })
    )
  )

  it.effect("has no event if it is short", () =>
    twoTransfers({ perOrigin: 1 }, ({ events, sent }) =>
      Effect.gen(function* () {
        yield* pass(999)
        complete(sent[0])
        yield* pass(5000)
        assert.strictEqual(sent.length, 2)
        assert.deepStrictEqual(yield* events, [])
      })
    )
  )

  it.effect("sends no more events after an interruption", () =>
    twoTransfers({ perOrigin: 1 }, ({ events, second }) =>
      Effect.gen(function* () {
        yield* pass(500)
        yield* Fiber.interrupt(second)
        yield* pass(20_000)
        assert.deepStrictEqual(yield* events, [{ _tag: "Finished" }])
      })
    )
  )

  it.effect("tells a pause of the origin, and then the limit that an overload has lowered", () =>
    twoTransfers({ perOrigin: 1 }, ({ events, governor, sent }) =>
      Effect.gen(function* () {
        yield* governor.report(origin, { signal: "overload", beganAtMillis: 0, pauseMillis: 4000 })
        yield* pass(1000)
        const pause = { _tag: "Blocked", origin, waitedMillis: 1000, obstacle: "pause", pauseMillis: 3000 }
        assert.deepStrictEqual(yield* events, [pause])
        yield* pass(4999)
        assert.deepStrictEqual(yield* events, [])
        yield* pass(1)
        assert.deepStrictEqual(yield* events, [
          { _tag: "Blocked", origin, waitedMillis: 6000, obstacle: "origin", limit: 1 }
        ])
        assert.strictEqual(sent.length, 1)
      })
    )
  )

  it.effect("tells that the limit is low because of an overload", () =>
    twoTransfers(
      { perOrigin: 4 },
      ({ events, sent }) =>
        Effect.gen(function* () {
          yield* pass(1000)
          assert.strictEqual(sent.length, 0)
          const [awaited] = yield* events
          assert.deepInclude(awaited, { _tag: "Blocked", obstacle: "overload", limit: 3 })
        }),
      (governor) =>
        Effect.gen(function* () {
          for (let held = 0; held < 4; held++) {
            yield* governor.acquire(origin)
          }
          yield* governor.report(origin, { signal: "overload", beganAtMillis: 0 })
        })
    )
  )

  it.effect("tells the limit of all requests, and that the rate is limited", () =>
    Effect.gen(function* () {
      const obstacle = { _tag: "Blocked", origin, waitedMillis: 1000 }
      yield* twoTransfers({ concurrency: 1 }, ({ events }) =>
        Effect.gen(function* () {
          yield* pass(1000)
          assert.deepStrictEqual(yield* events, [{ ...obstacle, obstacle: "concurrency", limit: 1 }])
        })
      )
      for (const limits of [{ requestsPerSecond: 0.2 }, { requestsPerSecondPerOrigin: 0.2 }]) {
        yield* twoTransfers(limits, ({ events }) =>
          Effect.gen(function* () {
            yield* pass(1000)
            assert.deepStrictEqual(yield* events, [{ ...obstacle, obstacle: "rate" }])
          })
        )
      }
    })
  )

  it.effect("tells that another transfer tries an origin that has not answered", () =>
    twoTransfers({ perOrigin: 1 }, ({ eventsOfFirst, sent }) =>
      Effect.gen(function* () {
        sent[0]?.fail(new Connection({ url: origin, reason: "refused", receivedBytes: 0, detail: "" }))
        // The second transfer gets the permit, and tries the origin.
        yield* pass(5000)
        const [retrying, awaited] = yield* eventsOfFirst
        assert.deepInclude(retrying, { _tag: "Retrying" })
        assert.deepInclude(awaited, { _tag: "Blocked", origin, waitedMillis: 1000, obstacle: "unreachable" })
      })
    )
  )
})

const noLimits = {}

describe("a wait for a retry", () => {
  it.effect("begins after the event with all bytes of the attempt, and has no event", () =>
    twoTransfers(noLimits, ({ events, sent }) =>
      Effect.gen(function* () {
        sent[1]?.head()
        yield* pass(1000)
        sent[1]?.bytes(0, 1000)
        yield* pass(100)
        yield* events
        sent[1]?.bytes(1000, 2000)
        sent[1]?.fail(new Connection({ url: origin, reason: "reset", receivedBytes: 2000, detail: "" }))
        yield* pass(400)
        const [advanced, retrying, ...others] = yield* events
        assert.deepInclude(advanced, { _tag: "Advanced", bytes: 2000 })
        assert.deepInclude(retrying, { _tag: "Retrying" })
        assert.deepStrictEqual(others, [])
      })
    )
  )
})

describe("a wait for another reason", () => {
  for (const by of ["descriptor", "pipeline"] as const) {
    it.effect(`has an event after a second, and one when the request is sent: ${by}`, () =>
      twoTransfers(noLimits, ({ events, sent }) =>
        Effect.gen(function* () {
          sent[1]?.hold(true, by)
          yield* pass(999)
          assert.deepStrictEqual(yield* events, [])
          yield* pass(1)
          assert.deepStrictEqual(yield* events, [{ _tag: "Blocked", origin, waitedMillis: 1000, obstacle: by }])
          yield* pass(10_000)
          assert.deepStrictEqual(yield* events, [])
          sent[1]?.hold(false)
          assert.deepStrictEqual(yield* events, [{ _tag: "Unblocked", origin, waitedMillis: 11_000 }])
        })
      )
    )
  }

  it.effect("has no more events after its request has failed", () =>
    twoTransfers(noLimits, ({ events, sent }) =>
      Effect.gen(function* () {
        sent[1]?.hold(true)
        yield* pass(500)
        sent[1]?.fail(new Connection({ url: origin, reason: "tls", receivedBytes: 0, detail: "" }))
        yield* pass(10_000)
        assert.deepStrictEqual(yield* events, [{ _tag: "Finished" }])
      })
    )
  )

  const oneDestination = ["a", "a"] as const

  it.effect("tells that another request for the same file is under way", () =>
    twoTransfers(
      noLimits,
      ({ events, sent }) =>
        Effect.gen(function* () {
          yield* pass(1000)
          const blocked = { _tag: "Blocked", origin, waitedMillis: 1000, obstacle: "destination" }
          assert.deepStrictEqual(yield* events, [blocked])
          assert.strictEqual(sent.length, 1)
          complete(sent[0])
          yield* pass(500)
          // The file of the first request is there.
          const unblocked = { _tag: "Unblocked", origin, waitedMillis: 1000 }
          assert.deepStrictEqual(yield* events, [unblocked, { _tag: "Finished" }])
        }),
      undefined,
      oneDestination
    )
  )

  it.effect("for the same file sends no more events after an interruption", () =>
    twoTransfers(
      noLimits,
      ({ events, second }) =>
        Effect.gen(function* () {
          yield* pass(500)
          yield* Fiber.interrupt(second)
          yield* pass(20_000)
          assert.deepStrictEqual(yield* events, [{ _tag: "Finished" }])
        }),
      undefined,
      oneDestination
    )
  )

  it.effect("tells that the disk has not written the content", () =>
    twoTransfers(
      noLimits,
      ({ events, sent }) =>
        Effect.gen(function* () {
          sent[1]?.head()
          yield* settle
          sent[1]?.bytes(0, content.length)
          sent[1]?.end()
          yield* pass(999)
          assert.deepStrictEqual(
            (yield* events).filter((event) => !("bytes" in event)),
            []
          )
          yield* pass(1)
          assert.deepStrictEqual(yield* events, [{ _tag: "Blocked", origin, waitedMillis: 1000, obstacle: "disk" }])
          yield* pass(9000)
          assert.deepStrictEqual(yield* events, [{ _tag: "Finished" }])
          yield* pass(9000)
          assert.deepStrictEqual(yield* events, [])
        }),
      undefined,
      undefined,
      slowToPublish
    )
  )
})
