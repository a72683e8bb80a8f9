/**
 * The metrics of downloads.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as MetricState from "effect/MetricState"
import * as Stream from "effect/Stream"
import * as Download from "../src/Download.js"
import * as Downloader from "../src/Downloader.js"
import * as Metrics from "../src/Metrics.js"
import * as OriginGovernor from "../src/OriginGovernor.js"
import * as Progress from "../src/Progress.js"
import * as MemoryStore from "../src/Store/Memory.js"
import { autoAdvance, Origin } from "../src/testing.js"

/** The values of a metric by its tags, without the unit. Other tests may have counted before, so each test has its own hosts. */
const valuesOf = (name: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Metric.unsafeSnapshot()
      .filter(({ metricKey }) => metricKey.name === name)
      .map(({ metricKey, metricState }) => [
        metricKey.tags
          .filter(({ key }) => key !== "unit")
          .map(({ key, value }) => `${key}=${value}`)
          .sort()
          .join(" "),
        MetricState.isCounterState(metricState)
          ? metricState.count
          : MetricState.isGaugeState(metricState)
            ? metricState.value
            : MetricState.isHistogramState(metricState)
              ? { count: metricState.count, sum: metricState.sum }
              : undefined
      ])
  )

const run = (urls: ReadonlyArray<string>) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    Stream.runDrain(
      downloader.run(
        Stream.fromIterable(urls.map((url, index) => Download.request({ id: url, url, destination: `${index}` })))
      )
    )
  )

const stack = (
  script: (request: Origin.Request) => Origin.Reply,
  metrics: Layer.Layer<Progress.Progress> = Metrics.layer
) =>
  Layer.merge(Downloader.layerWith({}), metrics).pipe(
    Layer.provideMerge(
      Layer.mergeAll(Origin.layer(script), MemoryStore.layer, OriginGovernor.layer({ perOrigin: 3, adaptive: false }))
    )
  )

describe("Metrics", () => {
  it.effect("count requests, bytes and times of each origin, and the limit of its governor", () =>
    Effect.gen(function* () {
      yield* autoAdvance(run(["http://counted.test/a", "http://counted.test/b"]))
      const origin = "server.address=counted.test server.port=80"
      const request = `http.request.method=GET http.response.status_code=200 ${origin}`
      assert.strictEqual(valuesOf("halyard.transfer.received")[origin], 8)
      assert.deepStrictEqual(valuesOf("http.client.request.duration")[request], { count: 2, sum: 2 })
      assert.deepStrictEqual(valuesOf("halyard.request.first_byte.duration")[origin], { count: 2, sum: 2 })
      assert.deepInclude(valuesOf("halyard.request.permit.duration")[origin], { count: 2 })
      assert.strictEqual(valuesOf("halyard.origin.limit")[origin], 3)
      assert.strictEqual(valuesOf("halyard.origin.permits")[origin], 0)
      assert.strictEqual(valuesOf("halyard.transfer.active")[""], 0)
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body", { delay: "1 second" }))))
  )

  it.effect("count outcomes, and retries with their reasons", () =>
    Effect.gen(function* () {
      const before = [valuesOf("halyard.transfer.outcomes"), valuesOf("halyard.transfer.retries")]
      yield* autoAdvance(run(["http://outcomes.test/busy", "http://outcomes.test/gone"]))
      const [outcomes, retries] = [valuesOf("halyard.transfer.outcomes"), valuesOf("halyard.transfer.retries")]
      const gained = (tags: string, now: Readonly<Record<string, unknown>>, index: number) =>
        Number(now[tags]) - Number(before[index]?.[tags] ?? 0)
      assert.strictEqual(gained("error.type=410 halyard.outcome=Failed", outcomes, 0), 1)
      assert.strictEqual(gained("halyard.outcome=Saved", outcomes, 0), 1)
      assert.strictEqual(gained("error.type=503", retries, 1), 1)
    }).pipe(
      Effect.provide(
        stack((asked) =>
          asked.url.endsWith("gone") ? { status: 410 } : asked.turn === 0 ? { status: 503 } : Origin.file(asked, "")
        )
      )
    )
  )

  it.effect("are values that a program reads, with the tags in any order", () =>
    Effect.gen(function* () {
      const tags = { "server.port": "80", "server.address": "read.test" }
      const before = yield* Metric.value(Metrics.outcomes({ "halyard.outcome": "Saved" }))
      yield* autoAdvance(run(["http://read.test/a", "http://read.test/b"]))
      const after = yield* Metric.value(Metrics.outcomes({ "halyard.outcome": "Saved" }))
      assert.strictEqual(after.count - before.count, 2)
      assert.strictEqual((yield* Metric.value(Metrics.received(tags))).count, 8)
      assert.strictEqual((yield* Metric.value(Metrics.limits(tags))).value, 3)
      assert.strictEqual((yield* Metric.value(Metrics.active)).count, 0)
      const asked = { ...tags, "http.response.status_code": "200", "http.request.method": "GET" }
      assert.strictEqual((yield* Metric.value(Metrics.requests(asked))).count, 2)
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body"))))
  )

  it.effect("have one series for all unknown methods", () =>
    Effect.gen(function* () {
      const { download } = yield* Downloader.Downloader
      const methods = ["PROPFIND", "FETCH", "GET"]
      yield* Effect.forEach(methods, (method, index) =>
        download(Download.request({ id: method, url: "http://methods.test/", destination: `${index}`, method }))
      ).pipe(autoAdvance)
      const series = Object.keys(valuesOf("http.client.request.duration")).filter((tags) =>
        tags.includes("methods.test")
      )
      assert.deepStrictEqual(
        series.map((tags) => tags.split(" ")[0]),
        ["http.request.method=_OTHER", "http.request.method=GET"]
      )
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body"))))
  )

  it.effect("have a limited number of origins", () =>
    Effect.gen(function* () {
      yield* autoAdvance(run(["first", "second", "third"].map((host) => `http://${host}.limited.test/`)))
      const addresses = Object.keys(valuesOf("halyard.transfer.received"))
      assert.include(addresses, "server.address=first.limited.test server.port=80")
      assert.include(addresses, "server.address=other")
      assert.lengthOf(
        addresses.filter((tags) => tags.includes("limited.test")),
        2
      )
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body"), Metrics.layerWith({ originsAtMost: 2 }))))
  )

  it.effect("pass the events on to the listener below", () => {
    const seen: Array<string> = []
    const listener = Progress.layer(({ _tag }) => Effect.sync(() => seen.push(_tag)))
    return Effect.gen(function* () {
      yield* autoAdvance(run(["http://passed.test/a"]))
      assert.deepStrictEqual([seen.at(0), seen.at(-1)], ["Started", "Finished"])
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body"), Metrics.layer.pipe(Layer.provide(listener)))))
  })
})
