/**
 * Bodies over `Transport/HttpClient`: content codings, and bodies that end with their connection.
 */
import type { Readable } from "node:stream"
import { gzipSync } from "node:zlib"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { raw } from "../support/servers/loopback.js"
import { around, origin, withToken } from "../support/transport/hostClients.js"

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

  it.scopedLive("does not matter for other statuses, or if it is identity", () =>
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
    "is complete over node:http after its length or its last chunk, also if the connection is then reset",
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
