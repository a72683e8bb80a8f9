/**
 * The environment variables of OpenTelemetry, as `halyard get` reads them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { collector } from "../../../support/servers/collector.js"
import { http } from "../../../support/servers/loopback.js"

const origin = http((_, response) => response.end("content"))

describe("halyard get", () => {
  it.scopedLive("reads the collector, its headers and the attributes from the variables of OpenTelemetry", () =>
    Effect.gen(function* () {
      const { requests, resources, url: endpoint } = yield* collector()
      const { url } = yield* origin
      const { stderr } = yield* get([`${url}/file`, "-v"], {
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/base/`,
          OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${endpoint}/own-metrics`,
          OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b,x-other=1",
          OTEL_SERVICE_NAME: "nightly",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=ci,service.name=other"
        }
      })
      assert.sameMembers(Array.from(new Set(requests.map(({ path }) => path))), ["/base/v1/traces", "/own-metrics"])
      assert.isTrue(requests.every(({ headers }) => headers["x-key"] === "a b" && headers["x-other"] === "1"))
      assert.deepInclude(resources()[0], { "service.name": "nightly", "deployment.environment": "ci" })
      assert.include(stderr, `sending traces and metrics to ${endpoint}/base/v1/traces and ${endpoint}/own-metrics`)
    })
  )

  it.scopedLive("sends nothing if OTEL_SDK_DISABLED is true, and no signal whose exporter is none", () =>
    Effect.gen(function* () {
      const { requests, url: endpoint } = yield* collector()
      const { url } = yield* origin
      yield* get([`${url}/file`, "--otlp", endpoint], { env: { OTEL_SDK_DISABLED: "true" } })
      assert.lengthOf(requests, 0)
      yield* get([`${url}/file`, "--otlp", endpoint], { env: { OTEL_METRICS_EXPORTER: "none" } })
      assert.deepStrictEqual(Array.from(new Set(requests.map(({ path }) => path))), ["/v1/traces"])
    })
  )

  it.scopedLive("sends the headers of the variables only to the collector that they belong to", () =>
    Effect.gen(function* () {
      const { requests, url: endpoint } = yield* collector()
      const { url } = yield* origin
      yield* get([`${url}/file`, "--otlp", endpoint], {
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: "https://vendor.example", OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret" }
      })
      assert.isAbove(requests.length, 0)
      assert.isTrue(requests.every(({ headers }) => headers["x-key"] === undefined))
    })
  )

  it.scopedLive("ignores variables that are wrong, reports each in one line, and downloads the file", () =>
    Effect.gen(function* () {
      const { requests, url: endpoint } = yield* collector()
      const { url } = yield* origin
      const got = (env: Readonly<Record<string, string>>) =>
        Effect.map(get([`${url}/file`], { env }), ({ exitCode, files, stderr }) => {
          assert.deepStrictEqual([exitCode, files], [0, ["file"]])
          return stderr.split("\n").filter((line) => line.includes("OTEL_"))
        })
      assert.deepStrictEqual(yield* got({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }), [
        "no traces and metrics are sent: OTEL_EXPORTER_OTLP_ENDPOINT must be an absolute URL of http: or https:, not 'collector:4317'"
      ])
      assert.lengthOf(yield* got({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }), 1)
      assert.lengthOf(requests, 0)
      const wrong = { OTEL_EXPORTER_OTLP_TIMEOUT: "10s", OTEL_RESOURCE_ATTRIBUTES: "ci" }
      assert.lengthOf(yield* got({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...wrong }), 2)
      assert.isAbove(requests.length, 0)
      assert.deepStrictEqual(yield* got(wrong), [])
    })
  )

  it.scopedLive("names the variable that switches off --otlp, and reports that --trace-origin needs traces", () =>
    Effect.gen(function* () {
      const { url: endpoint } = yield* collector()
      const { url } = yield* origin
      const lines = (line: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
        Effect.map(get([`${url}/file`, ...line], { env }), ({ stderr }) =>
          stderr.split("\n").filter((text) => /OTEL_|traceparent/.test(text))
        )
      const noTraceparent =
        "no server gets traceparent: --trace-origin needs a collector of traces, such as that of --otlp URL"
      assert.deepStrictEqual(yield* lines(["--otlp", endpoint], { OTEL_SDK_DISABLED: "true" }), [
        "no traces and metrics are sent: OTEL_SDK_DISABLED is true"
      ])
      assert.deepStrictEqual(yield* lines(["--trace-origin", url]), [noTraceparent])
      assert.deepStrictEqual(
        yield* lines(["--otlp", endpoint, "--trace-origin", url], { OTEL_TRACES_EXPORTER: "none" }),
        ["no traces are sent: OTEL_TRACES_EXPORTER is none", noTraceparent]
      )
      assert.deepStrictEqual(yield* lines(["--otlp", endpoint, "--trace-origin", url]), [])
    })
  )
})
