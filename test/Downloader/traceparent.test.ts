/**
 * The header `traceparent`, on real servers: only the origins that the options name get it.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as NodeTransport from "../../src/Node/Transport.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { recordSpans } from "../support/recorded/recordedSpans.js"
import { around, origin } from "../support/transport/hostClients.js"

/** A server whose `/away` leads to another one, and that one. */
const servers = Effect.gen(function* () {
  const other = yield* origin(() => (_, response) => response.end("content"))
  const first = yield* origin(() => (request, response) => {
    if (request.url === "/away") {
      response.writeHead(302, { location: `${other.url}/file`, "content-length": 0 }).end()
    } else if (request.url === "/broken") {
      response.writeHead(503, { "content-length": 0 }).end()
    } else {
      response.end("content")
    }
  })
  return { first, other }
})

const overClient = (client: Layer.Layer<HttpClient.HttpClient>) =>
  HttpClientTransport.layerWith({ crossOrigin: "same-client" }).pipe(Layer.provide(client))

const transports = {
  sockets: NodeTransport.layer(),
  ...Object.fromEntries(
    Object.entries({ "node:http": NodeHttpClient.layer, fetch: FetchHttpClient.layer }).flatMap(([name, client]) =>
      Object.entries(around).map(([what, wrap]) => [
        `${name} with ${what}`,
        overClient(
          Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, wrap)).pipe(Layer.provide(client))
        )
      ])
    )
  )
}

describe.each(Object.entries(transports))("traceparent over %s", (_, transport) => {
  const fetch = (
    given: Partial<Parameters<typeof Download.request>[0]> & { readonly url: string },
    traceOrigins?: ReadonlyArray<string>
  ) => {
    const { spans, tracer } = recordSpans()
    return Effect.flatMap(Downloader.Downloader, ({ download }) =>
      download(Download.request({ destination: "file", onExists: "overwrite", ...given }))
    ).pipe(
      Effect.exit,
      Effect.withTracer(tracer),
      Effect.provide(
        Downloader.layerWith({ retry: RetryPolicy.none, traceOrigins }).pipe(
          Layer.provide(Layer.merge(transport, MemoryStore.layer))
        )
      ),
      Effect.map((exit) => ({ exit, requests: spans.filter(({ kind }) => kind === "client") }))
    )
  }

  it.scopedLive("goes to an origin that is named, and names the span of the request", () =>
    Effect.gen(function* () {
      const { first } = yield* servers
      const { exit, requests } = yield* fetch({ url: `${first.url}/file` }, [`${first.url}/some/path`])
      assert.isTrue(Exit.isSuccess(exit))
      const [request] = requests
      assert.deepStrictEqual(
        first.seen.map(({ traceparent }) => traceparent),
        [`00-${request?.traceId}-${request?.spanId}-01`]
      )
    })
  )

  it.scopedLive("does not go to an origin that is not named, with no other header of traces", () =>
    Effect.gen(function* () {
      const { first } = yield* servers
      yield* fetch({ url: `${first.url}/file` })
      assert.lengthOf(first.seen, 1)
      assert.notMatch(JSON.stringify(first.seen), /trace|b3/i)
    })
  )

  it.scopedLive("does not follow a redirect to another origin, nor a mirror", () =>
    Effect.gen(function* () {
      const { first, other } = yield* servers
      yield* fetch({ url: `${first.url}/away` }, [first.url])
      yield* fetch({ url: `${first.url}/broken`, mirrors: [`${other.url}/mirror`] }, [first.url])
      assert.isAbove(first.seen.length, 1)
      assert.isTrue(first.seen.every(({ traceparent }) => traceparent !== undefined))
      assert.notMatch(JSON.stringify(other.seen), /trace|b3/i)
    })
  )

  it.scopedLive("leaves the header of the request as it is", () =>
    Effect.gen(function* () {
      const { first } = yield* servers
      const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      for (const traceOrigins of [[], [first.url]]) {
        yield* fetch({ url: `${first.url}/file`, headers: { traceparent: own } }, traceOrigins)
      }
      assert.deepStrictEqual(
        first.seen.map(({ traceparent }) => traceparent),
        [own, own]
      )
    })
  )
})

describe("traceOrigins", () => {
  it.effect("must be URLs", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(Downloader.layerWith({ traceOrigins: ["a.example"] }))))
      assert.match(`${exit}`, /traceOrigins must be absolute URLs/)
    }).pipe(Effect.provide(Layer.merge(NodeTransport.layer(), MemoryStore.layer)))
  )
})
