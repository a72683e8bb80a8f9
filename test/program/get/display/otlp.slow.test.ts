/**
 * The traces and metrics of `halyard get`, at a collector.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { halyard, temporaryDirectory } from "../../../support/program/program.js"
import { collector, type Span } from "../../../support/servers/collector.js"
import { http } from "../../../support/servers/loopback.js"

const secret = "s3cr3t"

/** `/retried` fails once, `/moved` leads to `/file`, `/missing` is missing, and `/slow` does not end. */
const origin = Effect.suspend(() => {
  let turn = 0
  return http((request, response) => {
    const path = (request.url ?? "").split("?")[0]
    if (path === "/retried" && turn++ === 0) {
      response.writeHead(503, { "content-length": 0 }).end()
    } else if (path === "/moved") {
      response.writeHead(302, { location: `/file?token=${secret}`, "content-length": 0 }).end()
    } else if (path === "/missing") {
      response.writeHead(404, { "content-length": 0 }).end()
    } else if (path === "/slow") {
      response.writeHead(200, { "content-length": 10 }).write("0123")
    } else {
      response.end("content")
    }
  })
})

/** The spans, each with the names of its parents. */
const tree = (spans: ReadonlyArray<Span>): ReadonlyArray<string> => {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const pathOf = (span: Span): string => {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
    const before = parent !== undefined ? pathOf(parent) : span.parentSpanId === undefined ? "" : "?"
    return `${before}/${span.name}`
  }
  return spans.map(pathOf).sort()
}

const kindOf = { internal: 1, client: 3 }

describe("halyard get --otlp", () => {
  it.scopedLive("sends the spans of a run, its transfers and their requests, without secrets", () =>
    Effect.gen(function* () {
      const { spans, url: endpoint, requests, resources } = yield* collector()
      const { port, url } = yield* origin
      const { exitCode } = yield* get([
        ...["retried", "moved", "missing"].map(
          (name) => `${url.replace("//", `//user:${secret}@`)}/${name}?sig=${secret}`
        ),
        ...["-H", `authorization: Bearer ${secret}`, "-H", `x-key: ${secret}`, "--otlp", endpoint]
      ])
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual(tree(spans()), [
        "/Downloader.run",
        ...Array.from({ length: 3 }, () => "/Downloader.run/Downloader.transfer"),
        ...Array.from({ length: 5 }, () => "/Downloader.run/Downloader.transfer/GET")
      ])
      assert.strictEqual(new Set(spans().map(({ traceId }) => traceId)).size, 1)
      for (const { attributes, endTimeUnixNano, kind, name, startTimeUnixNano } of spans()) {
        assert.isAtLeast(endTimeUnixNano, startTimeUnixNano)
        assert.strictEqual(kind, name === "GET" ? kindOf.client : kindOf.internal)
        if (name === "GET") {
          assert.deepInclude(attributes, {
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": port,
            "url.scheme": "http"
          })
        }
      }
      const transferTo = (path: string) =>
        spans().find(({ attributes, name }) => name.endsWith("transfer") && `${attributes["url.full"]}`.includes(path))
      assert.deepInclude(transferTo("missing")?.attributes, { "halyard.outcome": "Failed", "error.type": "404" })
      assert.deepStrictEqual(transferTo("missing")?.status, { code: 2, message: "HTTP error 404 - Not Found" })
      assert.deepStrictEqual(transferTo("moved")?.status, {})
      const retry = transferTo("retried")?.events.find(({ name }) => name === "halyard.retry")
      assert.deepInclude(retry?.attributes, {
        "error.type": "503",
        "halyard.retry.reason": "HTTP error 503 - Service Unavailable"
      })
      const requestsTo = (path: string) =>
        spans()
          .filter(({ attributes, name }) => name === "GET" && `${attributes["url.full"]}`.includes(path))
          .map(({ attributes, status }) => [
            attributes["http.response.status_code"],
            attributes["http.request.resend_count"],
            attributes["error.type"],
            status.code
          ])
      assert.sameDeepMembers(requestsTo("retried"), [
        [503, undefined, "503", 2],
        [200, 1, undefined, undefined]
      ])
      assert.deepStrictEqual(requestsTo("file"), [[200, 1, undefined, undefined]])
      for (const { body, headers, path } of requests) {
        assert.notInclude(body, secret, path)
        assert.notInclude(body, "exception.stacktrace", path)
        assert.notInclude(JSON.stringify(headers), secret)
        assert.strictEqual(headers["content-type"], "application/json")
      }
      assert.isTrue(resources().every((resource) => resource["service.name"] === "halyard"))
    })
  )

  it.scopedLive("marks the spans of an interrupted run, and sends them after Ctrl-C", () =>
    Effect.gen(function* () {
      const { spans, url: endpoint } = yield* collector()
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", `${url}/file`, `${url}/slow`, "--otlp", endpoint], { cwd })
      yield* running.awaitOutput(/^file$/m)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).exitCode, 130)
      assert.lengthOf(spans(), 5)
      const interrupted = spans().filter(({ attributes }) => attributes["status.interrupted"] === true)
      assert.sameMembers(
        interrupted.map(({ name }) => name),
        ["Downloader.run", "Downloader.transfer", "GET"]
      )
      assert.isTrue(spans().every(({ status }) => status.code === undefined))
    })
  )

  it.scopedLive("continues the trace of TRACEPARENT, and sends traceparent to origins of --trace-origin only", () =>
    Effect.gen(function* () {
      const { spans, url: endpoint } = yield* collector()
      const received = new Map<string, string | undefined>()
      const server = (name: string) =>
        http(({ headers }, response) => {
          received.set(name, `${headers["traceparent"]}`)
          response.end("content")
        })
      const [named, other] = [yield* server("named"), yield* server("other")]
      const [traceId, parentId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"]
      const { exitCode } = yield* get(
        [`${named.url}/a`, `${other.url}/b`, "--otlp", endpoint, "--trace-origin", named.url],
        { env: { TRACEPARENT: `00-${traceId}-${parentId}-01` } }
      )
      assert.strictEqual(exitCode, 0)
      assert.isTrue(spans().every((span) => span.traceId === traceId))
      assert.strictEqual(spans().find(({ name }) => name === "Downloader.run")?.parentSpanId, parentId)
      const request = spans().find(({ attributes }) => attributes["url.full"] === `${named.url}/a`)
      const sent = spans().find(({ attributes, name }) => name === "GET" && attributes["server.port"] === named.port)
      assert.strictEqual(request?.traceId, traceId)
      assert.strictEqual(received.get("named"), `00-${traceId}-${sent?.spanId}-01`)
      assert.strictEqual(received.get("other"), "undefined")
    })
  )

  it.scopedLive("sends no spans for a TRACEPARENT that is not sampled, but metrics", () =>
    Effect.gen(function* () {
      const { requests, url: endpoint } = yield* collector()
      const { url } = yield* origin
      yield* get([`${url}/file`, "--otlp", endpoint], {
        env: { TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00" }
      })
      assert.deepStrictEqual(Array.from(new Set(requests.map(({ path }) => path))), ["/v1/metrics"])
    })
  )

  it.scopedLive("sends metrics with their units", () =>
    Effect.gen(function* () {
      const { metrics, url: endpoint } = yield* collector()
      const { port, url } = yield* origin
      const { exitCode } = yield* get([
        ...["retried", "file", "missing"].map((name) => `${url}/${name}`),
        ...["--per-origin", "3", "--otlp", endpoint]
      ])
      assert.strictEqual(exitCode, 1)
      const server = { "server.address": "127.0.0.1", "server.port": port }
      const of = (name: string) => metrics().get(name)
      assert.deepStrictEqual(of("halyard.transfer.active"), { unit: "{transfer}", points: [[{}, 0]] })
      assert.sameDeepMembers(Array.from(of("halyard.transfer.outcomes")?.points ?? []), [
        [{ "halyard.outcome": "Saved" }, 2],
        [{ "halyard.outcome": "Failed", "error.type": "404" }, 1]
      ])
      assert.deepStrictEqual(of("halyard.transfer.retries"), {
        unit: "{retry}",
        points: [[{ "error.type": "503" }, 1]]
      })
      assert.deepStrictEqual(of("halyard.transfer.received"), { unit: "By", points: [[server, 14]] })
      assert.strictEqual(of("halyard.transfer.duration")?.unit, "s")
      const [[address, limit] = []] = of("halyard.origin.limit")?.points ?? []
      assert.deepStrictEqual(address, server)
      // The 503 has halved it.
      assert.include([1, 2, 3], limit)
      assert.sameDeepMembers(Array.from(of("http.client.request.duration")?.points ?? []), [
        [{ ...server, "http.request.method": "GET", "http.response.status_code": 200 }, 2],
        [{ ...server, "http.request.method": "GET", "http.response.status_code": 404, "error.type": "404" }, 1],
        [{ ...server, "http.request.method": "GET", "http.response.status_code": 503, "error.type": "503" }, 1]
      ])
      assert.isTrue(Array.from(metrics().keys()).every((name) => /^(?:halyard|http)\./.test(name)))
    })
  )
})

describe("the exporter of halyard get", () => {
  it.scopedLive("sends every span before the program ends, also if the collector is slow", () =>
    Effect.gen(function* () {
      const { spans, url: endpoint } = yield* collector((response) => setTimeout(() => response.end("{}"), 300))
      const { url } = yield* origin
      // More than one request holds.
      const { exitCode, stderr } = yield* get([`${url}/[1-600]`, "--otlp", endpoint])
      assert.strictEqual(exitCode, 0)
      assert.notInclude(stderr, "cannot send traces")
      assert.lengthOf(spans(), 1201)
      assert.strictEqual(new Set(spans().map(({ spanId }) => spanId)).size, 1201)
    })
  )

  it.scopedLive("repeats a request that a busy collector has refused", () =>
    Effect.gen(function* () {
      let turn = 0
      let onSecond = () => {}
      const { spans, url: endpoint } = yield* collector((response) => {
        response.writeHead(turn++ === 0 ? 503 : 200).end("{}")
        if (turn === 2) {
          onSecond()
        }
      })
      const { url } = yield* origin
      // Ends when the collector has its second request.
      const late = yield* http((_, response) => {
        onSecond = () => response.end("content")
      })
      const { stderr } = yield* get([`${late.url}/late`, `${url}/[1-600]`, "--otlp", endpoint])
      assert.notInclude(stderr, "cannot send traces")
      assert.strictEqual(new Set(spans().map(({ spanId }) => spanId)).size, 1203)
    })
  )

  it.scopedLive("sends the last spans also after the collector has refused a request", () =>
    Effect.gen(function* () {
      let onFirst = () => {}
      let turn = 0
      const { requests, url: endpoint } = yield* collector((response) => {
        const isFirst = turn++ === 0
        response.writeHead(isFirst ? 400 : 200).end("{}", isFirst ? () => onFirst() : undefined)
      })
      const { url } = yield* origin
      // Ends when the collector has refused its first request.
      const late = yield* http((_, response) => {
        onFirst = () => response.end("content")
      })
      const { stderr } = yield* get([`${late.url}/late`, `${url}/[1-600]`, "--otlp", endpoint], {
        env: { OTEL_METRICS_EXPORTER: "none" }
      })
      assert.include(stderr, "HTTP status 400")
      // The span of the run is the last that ends.
      assert.isAbove(requests.length, 1)
      assert.include(requests.at(-1)?.body, "Downloader.run")
    })
  )

  it.scopedLive("sends the metrics also if the collector of the traces does not answer", () =>
    Effect.gen(function* () {
      const silent = yield* collector(() => {})
      let isAwaited = false
      const slow = yield* collector((response) => {
        setTimeout(() => {
          isAwaited = !response.destroyed
          response.end("{}")
        }, 300)
      })
      const { url } = yield* origin
      const { stderr } = yield* get([`${url}/file`], {
        env: {
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: silent.url,
          OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${slow.url}/metrics`
        }
      })
      assert.isTrue(isAwaited)
      const failed = stderr.split("\n").filter((line) => line.includes("cannot send traces"))
      assert.deepStrictEqual(failed, [`cannot send traces or metrics to ${silent.url}/: no response in time`])
    })
  )

  it.scopedLive("connects through the proxy, except to a collector on this machine", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const proxy = yield* http((request, response) => {
        asked.push(request.url ?? "")
        request.resume().on("end", () => response.end("content"))
      })
      const { requests, url: endpoint } = yield* collector()
      yield* get(["http://files.example/a", "--proxy", proxy.url, "--otlp", endpoint])
      assert.deepStrictEqual(asked, ["http://files.example/a"])
      assert.isAbove(requests.length, 0)
      yield* get(["http://files.example/a", "--proxy", proxy.url, "--otlp", "http://collector.example"])
      assert.includeMembers(asked, ["http://collector.example/v1/traces", "http://collector.example/v1/metrics"])
    })
  )
})

describe("halyard get --otlp", () => {
  const failing = (endpoint: string, reason: RegExp) =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { exitCode, files, stderr } = yield* get([`${url}/file`, "--otlp", endpoint])
      assert.deepStrictEqual([exitCode, files], [0, ["file"]])
      const lines = stderr.split("\n").filter((line) => line.includes("cannot send traces"))
      assert.lengthOf(lines, 1, stderr)
      assert.match(lines[0] ?? "", reason)
    })

  it.scopedLive("reports a collector that refuses connections in one line", () =>
    failing("http://127.0.0.1:1", /^cannot send traces or metrics to http:\/\/127\.0\.0\.1:1\/v1\/\w+: .*refused/)
  )

  it.scopedLive("reports a collector that answers with an error in one line", () =>
    Effect.flatMap(
      collector((response) => response.writeHead(500).end()),
      ({ url }) => failing(url, /HTTP status 500$/)
    )
  )

  it.scopedLive("ends also if the collector does not answer", () =>
    Effect.flatMap(
      collector(() => {}),
      ({ url }) => failing(url, /no response in time$/)
    )
  )
})
