/**
 * An `HttpClient` over the sockets of halyard.
 */
import { inspect } from "node:util"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { until } from "../support/poll.js"
import { http, raw } from "../support/servers/loopback.js"
import { overTransport } from "../support/storage/s3Bucket.js"

const sent = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.flatMap(HttpClient.HttpClient, (client) => client.execute(request))

const closed = (origin: { readonly sockets: () => number }) =>
  until(
    "end of the connection",
    () => (origin.sockets() === 0 ? true : undefined),
    () => `${origin.sockets()} connections`
  )

describe("an HttpClient over a transport", () => {
  it.scopedLive("sends a content with its length and its headers, and reads the response", () =>
    Effect.gen(function* () {
      const { url } = yield* http(({ headers, method }, response) => {
        response.writeHead(201, { "x-asked": `${method} ${headers["x-a"]} ${headers["content-length"]}` }).end("made")
      })
      const request = HttpClientRequest.put(url).pipe(
        HttpClientRequest.setHeader("x-a", "b"),
        HttpClientRequest.bodyUint8Array(new Uint8Array([1, 2, 3]))
      )
      const response = yield* sent(request)
      assert.strictEqual(response.status, 201)
      assert.strictEqual(response.headers["x-asked"], "PUT b 3")
      assert.strictEqual(yield* response.text, "made")
    }).pipe(Effect.provide(overTransport))
  )

  it.scopedLive("uses a connection again after responses with and without a content", () =>
    Effect.gen(function* () {
      const origin = yield* raw(
        ["HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "stay"],
        ["HTTP/1.1 204 No Content\r\n\r\n", "stay"],
        ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwhat", "stay"]
      )
      const head = yield* sent(HttpClientRequest.head(origin.url))
      assert.strictEqual(head.headers["content-length"], "7")
      assert.strictEqual((yield* sent(HttpClientRequest.del(origin.url))).status, 204)
      assert.strictEqual(yield* Effect.flatMap(sent(HttpClientRequest.get(origin.url)), ({ text }) => text), "what")
      assert.strictEqual(origin.connections(), 1)
    }).pipe(Effect.provide(overTransport))
  )

  it.scopedLive("closes the connection if the caller is interrupted before the head, or while it reads the body", () =>
    Effect.gen(function* () {
      const before = (yield* Fiber.roots).length
      for (const answer of ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"]) {
        const origin = yield* raw([answer, "stay"])
        const reading = Effect.flatMap(sent(HttpClientRequest.get(origin.url)), ({ arrayBuffer }) => arrayBuffer)
        const fiber = yield* Effect.fork(reading)
        yield* until(
          "request",
          () => (origin.sockets() === 1 ? true : undefined),
          () => ""
        )
        yield* Fiber.interrupt(fiber)
        yield* closed(origin)
      }
      // The fiber that read the body has ended too.
      yield* Effect.repeat(Fiber.roots, { until: (roots) => roots.length <= before })
    }).pipe(Effect.provide(overTransport))
  )

  it.scopedLive("closes the connection if the reader of a stream has enough", () =>
    Effect.gen(function* () {
      const origin = yield* raw(["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "stay"])
      const { stream } = yield* sent(HttpClientRequest.get(origin.url))
      const first = yield* Stream.runCollect(Stream.take(stream, 1))
      assert.strictEqual(new TextDecoder().decode([...first][0]), "hello")
      yield* closed(origin)
    }).pipe(Effect.provide(overTransport))
  )

  it.scopedLive("fails without the headers of the request if the connection fails, and if a body breaks off", () =>
    Effect.gen(function* () {
      const request = HttpClientRequest.get("http://127.0.0.1:9").pipe(HttpClientRequest.setHeader("x-a", "secret"))
      const refused = yield* Effect.flip(sent(request))
      assert.strictEqual(refused._tag, "RequestError")
      assert.match(inspect(refused.cause), /the connection was refused/)
      assert.notInclude(inspect(refused.cause, { depth: 9 }), "secret")
      const origin = yield* raw(["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "end"])
      const response = yield* sent(HttpClientRequest.get(origin.url))
      const cut = yield* Effect.flip(response.arrayBuffer)
      assert.strictEqual(cut._tag, "ResponseError")
      assert.match(inspect(cut.cause), /broke off after 5 of 100 bytes/)
    }).pipe(Effect.provide(overTransport))
  )

  it.scopedLive("fails if the status is unknown, or if the content of the request is not in memory", () =>
    Effect.gen(function* () {
      const origin = yield* raw(["HTTP/1.1 700 Odd\r\nContent-Length: 2\r\n\r\nno", "stay"])
      const odd = yield* Effect.flip(sent(HttpClientRequest.get(origin.url)))
      assert.deepInclude(odd, { _tag: "RequestError", reason: "Transport" })
      yield* closed(origin)
      const streamed = HttpClientRequest.bodyStream(HttpClientRequest.put(origin.url), Stream.empty)
      assert.deepInclude(yield* Effect.flip(sent(streamed)), { _tag: "RequestError", reason: "Encode" })
    }).pipe(Effect.provide(overTransport))
  )
})
