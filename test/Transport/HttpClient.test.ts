import type { IncomingHttpHeaders, RequestListener } from "node:http"
import type { Readable } from "node:stream"
import { inspect } from "node:util"
import { gzipSync } from "node:zlib"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Tracer from "effect/Tracer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { http, raw } from "../support/loopback.js"

const token = "s3cr3tToken"

const withToken = HttpClient.mapRequest(HttpClientRequest.bearerToken(token))

const clients = {
  "node:http": NodeHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  fetch: FetchHttpClient.layer,
  "fetch that is told to follow": FetchHttpClient.layer.pipe(
    Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "follow", headers: { "x-host": "kept" } }))
  )
}

/** What host programs do around their clients. */
const around: Readonly<Record<string, (client: HttpClient.HttpClient) => HttpClient.HttpClient>> = {
  nothing: withToken,
  "a token before all": (client) => client.pipe(HttpClient.mapRequestInput(HttpClientRequest.bearerToken(token))),
  "redirects that it follows": (client) => client.pipe(withToken, HttpClient.followRedirects(5)),
  "redirects that it follows, and then a token": (client) => client.pipe(HttpClient.followRedirects(5), withToken),
  "errors for statuses, and retries": (client) =>
    client.pipe(
      withToken,
      HttpClient.filterStatusOk,
      HttpClient.retryTransient({ times: 1, schedule: Schedule.recurs(1) })
    ),
  "redirects and no tracing": (client) =>
    client.pipe(
      withToken,
      HttpClient.followRedirects(5),
      HttpClient.withTracerDisabledWhen(() => true)
    ),
  "tracing that it insists on": (client) =>
    client.pipe(
      withToken,
      HttpClient.withTracerDisabledWhen(() => false),
      HttpClient.followRedirects(5)
    )
}

interface Seen {
  readonly url: string
  readonly seen: Array<IncomingHttpHeaders>
}

const origin = (answer: (url: string) => RequestListener) =>
  Effect.gen(function* () {
    const seen: Array<IncomingHttpHeaders> = []
    const { url }: { readonly url: string } = yield* http((request, response) => {
      seen.push(request.headers)
      answer(url)(request, response)
    })
    return { url, seen } satisfies Seen
  })

/** Two origins: `/hop` of the first leads to `/file` of the same, `/away` to the second. */
const origins = Effect.gen(function* () {
  const file: RequestListener = (_, response) => response.writeHead(200, { "content-length": 7 }).end("content")
  const other = yield* origin(() => file)
  const first = yield* origin(() => (request, response) => {
    const location = { "/hop": "/file", "/away": `${other.url}/file`, "/two": "/away" }[
      request.url?.split("?")[0] ?? ""
    ]
    if (location === undefined) {
      file(request, response)
    } else {
      response.writeHead(302, { location, "content-length": 0 }).end()
    }
  })
  return { first, other }
})

const download = (url: string) =>
  Effect.gen(function* () {
    const downloader = yield* Downloader.Downloader
    const memory = yield* MemoryStore.MemoryFiles
    yield* downloader.download(
      Download.request({ url, destination: "file", onExists: "overwrite", headers: { "x-api-key": token } })
    )
    return new TextDecoder().decode((yield* memory.files).get("file"))
  })

const over = (client: Layer.Layer<HttpClient.HttpClient>, options: HttpClientTransport.Options = {}) =>
  Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
    Layer.provideMerge(
      Layer.merge(HttpClientTransport.layerWith(options).pipe(Layer.provide(client)), MemoryStore.layer)
    ),
    Layer.fresh
  )

const holdsToken = (headers: IncomingHttpHeaders): boolean => JSON.stringify(headers).includes(token)

for (const [name, bare] of Object.entries(clients)) {
  describe(`Transport/HttpClient over ${name}`, () => {
    for (const [what, wrap] of Object.entries(around)) {
      const wrapped = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, wrap)).pipe(
        Layer.provide(bare)
      )

      it.scopedLive(`sends nothing to another origin, with ${what} around it`, () =>
        Effect.gen(function* () {
          const { first, other } = yield* origins
          for (const path of ["/away", "/two"]) {
            const error = yield* Effect.flip(download(first.url + path))
            assert.deepInclude(error, { _tag: "Protocol", reason: "redirect-refused" }, path)
            assert.notInclude(JSON.stringify(error) + error.message + inspect(error), token)
          }
          assert.deepStrictEqual(other.seen, [])
          assert.isAbove(first.seen.length, 0)
        }).pipe(Effect.provide(over(wrapped)))
      )

      it.scopedLive(`follows redirects of the origin itself, with ${what} around it`, () =>
        Effect.gen(function* () {
          const { first, other } = yield* origins
          assert.strictEqual(yield* download(`${first.url}/hop`), "content")
          assert.lengthOf(first.seen, 2)
          for (const headers of first.seen) {
            assert.strictEqual(headers.authorization, `Bearer ${token}`)
            assert.strictEqual(headers["x-api-key"], token)
            if (name === "fetch that is told to follow" && !what.includes("redirects") && !what.includes("insists")) {
              assert.strictEqual(headers["x-host"], "kept")
            }
          }
          assert.deepStrictEqual(other.seen, [])
        }).pipe(Effect.provide(over(wrapped)))
      )
    }

    it.scopedLive("requests another origin with the client for other origins", () =>
      Effect.gen(function* () {
        const { first, other } = yield* origins
        const forOthers = yield* HttpClient.HttpClient
        const client = Layer.succeed(HttpClient.HttpClient, withToken(forOthers))
        assert.strictEqual(
          yield* Effect.provide(download(`${first.url}/two`), over(client, { crossOrigin: forOthers })),
          "content"
        )
        assert.isTrue(first.seen.every(holdsToken))
        assert.lengthOf(other.seen, 1)
        assert.isFalse(other.seen.some(holdsToken))
      }).pipe(Effect.provide(bare))
    )

    it.scopedLive("requests another origin with the same client if the option allows it", () =>
      Effect.gen(function* () {
        const { first, other } = yield* origins
        assert.strictEqual(yield* download(`${first.url}/away`), "content")
        assert.lengthOf(other.seen, 1)
        // Headers of the request go only to the first origin in any case.
        assert.isUndefined(other.seen[0]?.["x-api-key"])
      }).pipe(Effect.provide(over(bare, { crossOrigin: "same-client" })))
    )

    it.scopedLive("replaces the client's span of each request with one without secrets", () =>
      Effect.gen(function* () {
        const { first } = yield* origins
        const spans: Array<Tracer.Span> = []
        const tracer = Tracer.make({
          context: (execute) => execute(),
          span: (spanName, parent, context, links, startTime, kind) => {
            const attributes = new Map<string, unknown>()
            const span: Tracer.Span = {
              _tag: "Span",
              name: spanName,
              spanId: "00f067aa0ba902b7",
              traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
              parent,
              context,
              links,
              sampled: true,
              get status() {
                return status
              },
              attributes,
              kind,
              attribute: (key, value) => attributes.set(key, value),
              event: () => {},
              addLinks: () => {},
              end: (endTime, exit) => {
                status = { _tag: "Ended", startTime, endTime, exit }
              }
            }
            let status: Tracer.SpanStatus = { _tag: "Started", startTime }
            spans.push(span)
            return span
          }
        })
        const client = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, withToken)).pipe(
          Layer.provide(bare)
        )
        for (const path of ["/hop", "/away"]) {
          yield* Effect.exit(download(`${first.url.replace("//", `//user:${token}@`)}${path}?sig=${token}`)).pipe(
            Effect.provide(over(client)),
            Effect.withTracer(tracer)
          )
        }
        const requests = spans.filter(({ name: spanName }) => spanName.startsWith("http.client"))
        assert.deepStrictEqual(
          requests.map(({ attributes }) => attributes.get("http.response.status_code")),
          [302, 200, 302]
        )
        assert.strictEqual(requests[0]?.attributes.get("url.full"), `${first.url}/hop?sig=…`)
        assert.isTrue(requests.every(({ status }) => status._tag === "Ended" && Exit.isSuccess(status.exit)))
        for (const { attributes, name: spanName, status } of spans) {
          assert.notInclude(inspect([spanName, attributes, status], { depth: 20 }), token)
        }
        // The trace continues at the server.
        assert.isTrue(first.seen.every(({ traceparent }) => `${traceparent}`.startsWith("00-4bf92f")))
      })
    )
  })
}

/** Saves a URL as `file`, with no retries. */
const saved = (url: string, options: Downloader.Options = {}) =>
  Effect.gen(function* () {
    const downloader = yield* Downloader.Downloader
    const memory = yield* MemoryStore.MemoryFiles
    const outcome = yield* downloader.download(Download.request({ url, destination: "file" }))
    const verified = outcome._tag === "Saved" ? outcome.verified : undefined
    return { verified, content: Buffer.from((yield* memory.files).get("file") ?? []) }
  }).pipe(
    Effect.provide(
      Downloader.layerWith({ retry: RetryPolicy.none, ...options }).pipe(Layer.provideMerge(MemoryStore.layer))
    )
  )

/** The transport over a client that the host changes. */
const transportOver = (
  client: Layer.Layer<HttpClient.HttpClient>,
  wrap: (client: HttpClient.HttpClient) => HttpClient.HttpClient = (same) => same
) =>
  HttpClientTransport.layer.pipe(
    Layer.provide(Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, wrap))),
    Layer.provide(client)
  )

const text = Buffer.from("content ".repeat(1000))
const zipped = gzipSync(text)
const short = gzipSync("a")

/** Answers `/long` and `/short` (longer and shorter than their coded forms) and `/chunked` with gzip, without being asked. */
const gzipping = origin(() => (request, response) => {
  const isShort = request.url === "/short"
  const body = isShort ? short : zipped
  const length = request.url === "/chunked" ? {} : { "content-length": body.length }
  const status = request.url === "/missing" ? 404 : 200
  const coding = { "/none": "identity", "/two": "br, GZIP" }[request.url ?? ""] ?? "gzip"
  response.writeHead(status, { "content-encoding": coding, ...length }).end(body)
})

/** What the response of a client of Node wraps. */
type Sent = Readable & { readonly body?: Readable }

const streamOf = (response: HttpClientResponse.HttpClientResponse) => response.stream

/** A response of a host, which could change the body. */
class Wrapped {
  constructor(readonly original: HttpClientResponse.HttpClientResponse) {}
  get request() {
    return this.original.request
  }
  get status() {
    return this.original.status
  }
  get headers() {
    return this.original.headers
  }
  get stream() {
    return this.original.stream
  }
}

/** How a host may put another body into a response. */
const otherBodies: Readonly<
  Record<string, (response: HttpClientResponse.HttpClientResponse) => HttpClientResponse.HttpClientResponse>
> = {
  "a response of its own": (response) =>
    HttpClientResponse.fromWeb(response.request, new Response("decoded", { headers: response.headers })),
  "an object before the response": (response) => Object.create(response, { stream: { get: () => streamOf(response) } }),
  "a class around the response": (response) => new Wrapped(response) as unknown as typeof response,
  "a property of the response": (response) => Object.defineProperty(response, "stream", { value: streamOf(response) })
}

for (const [name, client] of [
  ["node:http", NodeHttpClient.layer],
  ["undici", NodeHttpClient.layerUndici]
] as const) {
  describe(`A content coding over ${name}`, () => {
    it.scopedLive("is saved as it was sent", () =>
      Effect.gen(function* () {
        const { url } = yield* gzipping
        assert.deepStrictEqual(yield* saved(`${url}/long`), { verified: "length", content: zipped })
        assert.deepStrictEqual(yield* saved(`${url}/short`), { verified: "length", content: short })
        assert.deepStrictEqual((yield* saved(`${url}/chunked`)).content, zipped)
      }).pipe(Effect.provide(transportOver(client)))
    )

    it.scopedLive("is saved as it was sent if the host changes the request and looks at the response", () =>
      Effect.gen(function* () {
        const { url } = yield* gzipping
        assert.deepStrictEqual((yield* saved(`${url}/long`)).content, zipped)
      }).pipe(
        Effect.provide(
          transportOver(client, (bare) =>
            bare.pipe(
              withToken,
              HttpClient.filterStatusOk,
              HttpClient.tap(() => Effect.void),
              HttpClient.transformResponse(Effect.map((response) => response))
            )
          )
        )
      )
    )

    for (const [what, replace] of Object.entries(otherBodies)) {
      it.scopedLive(`is refused if the host puts another body into the response: ${what}`, () =>
        Effect.gen(function* () {
          const { url } = yield* gzipping
          assert.deepInclude(yield* Effect.flip(saved(`${url}/long`)), { _tag: "Protocol", reason: "message" })
        }).pipe(Effect.provide(transportOver(client, HttpClient.transformResponse(Effect.map(replace)))))
      )
    }

    it.scopedLive("does not save a body that breaks off before it is read", () =>
      Effect.gen(function* () {
        const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        const { url } = yield* raw([chunked, "reset"])
        assert.deepInclude(yield* Effect.flip(saved(url)), { _tag: "Truncated", expectedBytes: undefined })
      }).pipe(
        Effect.provide(
          transportOver(
            client,
            HttpClient.tap((response) =>
              Effect.async<void>((resume) => {
                const { original } = response as unknown as { readonly original: { readonly source: Sent } }
                const body = original.source.body ?? original.source
                body.once("error", () => {})
                body.once("close", () => resume(Effect.void))
              })
            )
          )
        )
      )
    )
  })
}

describe("A content coding over fetch", () => {
  for (const [what, wrap] of Object.entries(around)) {
    it.scopedLive(`is refused after one request, since fetch decodes it, with ${what} around it`, () =>
      Effect.gen(function* () {
        const { seen, url } = yield* gzipping
        const retry = { retry: { retries: 2 } }
        for (const path of ["/long", "/short", "/chunked", "/two"]) {
          const error = yield* Effect.flip(saved(url + path, retry))
          assert.deepInclude(error, {
            _tag: "Protocol",
            reason: "message",
            detail: `its Content-Encoding is ${path === "/two" ? "br, gzip" : "gzip"}, and this HttpClient may have decoded the body`
          })
        }
        assert.lengthOf(seen, 4)
      }).pipe(Effect.provide(transportOver(FetchHttpClient.layer, wrap)))
    )
  }

  it.scopedLive("is no reason to refuse another status, or the coding that changes nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* gzipping
      assert.deepInclude(yield* Effect.flip(saved(`${url}/missing`)), { _tag: "HttpStatus", status: 404 })
      assert.deepStrictEqual((yield* saved(`${url}/none`)).content, zipped)
    }).pipe(Effect.provide(transportOver(FetchHttpClient.layer)))
  )
})

describe("A body that ends with the connection", () => {
  const head = "HTTP/1.1 200 OK\r\n\r\nhello"
  const all = { "node:http": NodeHttpClient.layer, undici: NodeHttpClient.layerUndici, fetch: FetchHttpClient.layer }

  for (const [name, client] of Object.entries(all)) {
    it.scopedLive(`is saved if the connection is closed, over ${name}`, () =>
      Effect.gen(function* () {
        const { url } = yield* raw([head, "end"])
        assert.deepStrictEqual(yield* saved(url), { verified: "none", content: Buffer.from("hello") })
      }).pipe(Effect.provide(transportOver(client)))
    )

    it.scopedLive(`is refused by a strict downloader if the connection is reset, over ${name}`, () =>
      Effect.gen(function* () {
        const { url } = yield* raw([head, "reset"])
        assert.include(["Mismatch", "Truncated"], (yield* Effect.flip(saved(url, { strict: true })))._tag)
      }).pipe(Effect.provide(transportOver(client)))
    )
  }

  it.scopedLive("fails over node:http if the connection is reset", () =>
    Effect.gen(function* () {
      const { url } = yield* raw([head, "reset"])
      assert.deepInclude(yield* Effect.flip(saved(url)), { _tag: "Truncated", receivedBytes: 5 })
    }).pipe(Effect.provide(transportOver(NodeHttpClient.layer)))
  )

  it.scopedLive(
    "is complete over node:http if its length or its chunks say so, whatever the connection does then",
    () =>
      Effect.gen(function* () {
        for (const whole of [
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        ]) {
          const { url } = yield* raw([whole, "reset"])
          assert.deepStrictEqual((yield* saved(url)).content, Buffer.from("hello"))
        }
      }).pipe(Effect.provide(transportOver(NodeHttpClient.layer)))
  )
})
