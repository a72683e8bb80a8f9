import type { IncomingHttpHeaders, RequestListener } from "node:http"
import { inspect } from "node:util"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { lineOf, recordSpans } from "../support/recorded/recordedSpans.js"
import { around, origin, token, withToken } from "../support/transport/hostClients.js"

const clients = {
  "node:http": NodeHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  fetch: FetchHttpClient.layer,
  "fetch that is told to follow": FetchHttpClient.layer.pipe(
    Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "follow", headers: { "x-host": "kept" } }))
  )
}

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

    it.scopedLive("has no span of the client, but the downloader's of each request, without secrets", () =>
      Effect.gen(function* () {
        const { first } = yield* origins
        const { spans, tracer } = recordSpans()
        const client = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, withToken)).pipe(
          Layer.provide(bare)
        )
        for (const path of ["/hop", "/away"]) {
          yield* Effect.exit(download(`${first.url.replace("//", `//user:${token}@`)}${path}?sig=${token}`)).pipe(
            Effect.provide(over(client)),
            Effect.withTracer(tracer)
          )
        }
        assert.sameMembers(Array.from(new Set(spans.map(({ name: spanName }) => spanName))), [
          "Downloader.transfer",
          "GET"
        ])
        const requests = spans.filter(({ kind }) => kind === "client")
        assert.deepStrictEqual(
          requests.map(({ attributes }) => attributes.get("http.response.status_code")),
          [302, 200, 302, undefined]
        )
        assert.strictEqual(requests[0]?.attributes.get("url.full"), `${first.url}/hop?sig=…`)
        assert.deepStrictEqual(requests.map(lineOf), [
          "GET in Downloader.transfer: ok",
          "GET in Downloader.transfer: ok",
          "GET in Downloader.transfer: ok",
          // The redirect to another origin is refused.
          "GET in Downloader.transfer: failed"
        ])
        for (const { attributes, name: spanName, status } of spans) {
          assert.notInclude(inspect([spanName, attributes, status], { depth: 20 }), token)
        }
      })
    )
  })
}
