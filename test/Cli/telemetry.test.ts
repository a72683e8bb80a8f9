/**
 * Where a command sends its traces and metrics.
 */
import { assert, describe, it } from "@effect/vitest"
import { settings } from "../../src/Cli/telemetry/settings.js"

const read = (given: string | undefined, environment: Readonly<Record<string, string>> = {}) =>
  settings(given, environment)

const addresses = (given: string | undefined, environment: Readonly<Record<string, string>> = {}) => {
  const { metrics, traces } = read(given, environment)
  return [traces?.url, metrics?.url]
}

describe("the settings of an exporter", () => {
  it("add the path of each signal to the address of a collector", () => {
    const both = ["http://a.example/x/v1/traces", "http://a.example/x/v1/metrics"]
    assert.deepStrictEqual(addresses("http://a.example/x"), both)
    assert.deepStrictEqual(addresses("http://a.example/x/"), both)
    assert.deepStrictEqual(addresses(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a.example/x/" }), both)
    assert.deepStrictEqual(addresses("http://a.example"), ["http://a.example/v1/traces", "http://a.example/v1/metrics"])
  })

  it("leave the address of one signal as it is, and the line wins over all variables", () => {
    const variables = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://a.example",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b.example/spans"
    }
    assert.deepStrictEqual(addresses(undefined, variables), ["http://b.example/spans", "http://a.example/v1/metrics"])
    assert.deepStrictEqual(addresses("http://c.example", variables), [
      "http://c.example/v1/traces",
      "http://c.example/v1/metrics"
    ])
  })

  it("send nothing if they are disabled, and no signal that is turned off or that needs another protocol", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a.example" }
    const disabled = { ...endpoint, OTEL_SDK_DISABLED: "TRUE" }
    assert.deepStrictEqual(addresses("http://a.example", disabled), [undefined, undefined])
    assert.deepStrictEqual(read("http://a.example", disabled).notices, [
      "no traces and metrics are sent: OTEL_SDK_DISABLED is TRUE"
    ])
    assert.deepStrictEqual(addresses(undefined, disabled), [undefined, undefined])
    assert.deepStrictEqual(read(undefined, disabled).notices, [])
    assert.deepStrictEqual(read("http://a.example", { OTEL_TRACES_EXPORTER: "none" }).notices, [
      "no traces are sent: OTEL_TRACES_EXPORTER is none"
    ])
    assert.deepStrictEqual(addresses(undefined, { ...endpoint, OTEL_TRACES_EXPORTER: "none" }), [
      undefined,
      "http://a.example/v1/metrics"
    ])
    const grpc = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }
    assert.deepStrictEqual(addresses(undefined, grpc), [undefined, undefined])
    assert.deepStrictEqual(read(undefined, grpc).notices, [
      "no traces and metrics are sent: OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and this program sends http/json"
    ])
    assert.deepStrictEqual(
      addresses("http://a.example", grpc).map((url) => url !== undefined),
      [true, true]
    )
  })

  it("take credentials out of the address, and headers from the variables of their own collector", () => {
    const { traces } = read("https://ada:p%40ss@a.example")
    assert.deepStrictEqual(traces, {
      url: "https://a.example/v1/traces",
      headers: { authorization: `Basic ${btoa("ada:p@ss")}` },
      timeoutMillis: 10_000
    })
    const variables = { OTEL_EXPORTER_OTLP_HEADERS: "X-Key = a%20b ,y=1", OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "50" }
    assert.deepInclude(read("https://a.example", variables).traces, {
      headers: { "x-key": "a b", y: "1" },
      timeoutMillis: 50
    })
    const other = { ...variables, OTEL_EXPORTER_OTLP_ENDPOINT: "https://b.example" }
    assert.deepStrictEqual(read("https://a.example", other).traces?.headers, {})
  })

  it("take the headers of a signal only for the endpoint of this signal", () => {
    const variables = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://a.example",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "api-key=secret-of-a",
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://b.example",
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: "api-key=secret-of-b"
    }
    const keys = (given: string | undefined, environment: Readonly<Record<string, string>>) => {
      const { metrics, traces } = read(given, environment)
      return [traces?.headers["api-key"], metrics?.headers["api-key"]]
    }
    assert.deepStrictEqual(keys(undefined, variables), ["secret-of-a", "secret-of-b"])
    assert.deepStrictEqual(keys("https://a.example", variables), ["secret-of-a", undefined])
    assert.deepStrictEqual(keys("https://b.example", variables), [undefined, "secret-of-b"])
    const common = { OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret", OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example" }
    const own = { ...common, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://a.example" }
    assert.deepStrictEqual(keys("https://c.example", own), [undefined, "secret"])
    // The key of the trace's collector is no key for metrics.
    const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...oneSignal } = own
    assert.deepStrictEqual(keys("https://b.example", oneSignal), [undefined, undefined])
  })

  it("ignore variables that are meant for other programs, with a notice that has no value of a header", () => {
    const variables = {
      OTEL_EXPORTER_OTLP_HEADERS: "secret",
      OTEL_EXPORTER_OTLP_TIMEOUT: "10s",
      OTEL_RESOURCE_ATTRIBUTES: "secret"
    }
    const { metrics, notices, resource, traces } = read("http://a.example", variables)
    for (const endpoint of [traces, metrics]) {
      assert.deepInclude(endpoint, { headers: {}, timeoutMillis: 10_000 })
    }
    assert.deepStrictEqual(resource, { "service.name": "halyard" })
    assert.deepStrictEqual(notices, [
      "the variable OTEL_EXPORTER_OTLP_HEADERS is ignored: it must be like name=value,name=value",
      "the variable OTEL_EXPORTER_OTLP_TIMEOUT is ignored: it must be a number of milliseconds > 0",
      "the variable OTEL_RESOURCE_ATTRIBUTES is ignored: it must be like name=value,name=value"
    ])
  })

  it("send nothing to an endpoint of a variable that is no URL of http: or https:, with a notice", () => {
    const wrong = { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317", OTEL_RESOURCE_ATTRIBUTES: "wrong" }
    assert.deepStrictEqual(addresses(undefined, wrong), [undefined, undefined])
    assert.deepStrictEqual(read(undefined, wrong).notices, [
      "no traces and metrics are sent: OTEL_EXPORTER_OTLP_ENDPOINT must be an absolute URL of http: or https:, not 'collector:4317'"
    ])
    const oneWrong = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a.example", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "b:4317" }
    assert.deepStrictEqual(addresses(undefined, oneWrong), [undefined, "http://a.example/v1/metrics"])
    const secret = { OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://ada:secret@a.example" }
    assert.notInclude(read(undefined, secret).notices.join(), "secret")
    // The line replaces it.
    assert.deepStrictEqual(read("http://a.example", wrong).notices, [
      "the variable OTEL_RESOURCE_ATTRIBUTES is ignored: it must be like name=value,name=value"
    ])
  })
})
