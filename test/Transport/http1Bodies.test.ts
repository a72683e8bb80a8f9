/**
 * Bodies without a length, on real sockets. `test/fuzz` compares the results with undici.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NodeTransport from "../../src/Node/Transport.js"
import { type Exchange, type Receiver, Transport, type TransportError } from "../../src/Transport.js"
import { certificate } from "../support/servers/certificate.js"
import { http, raw, secure } from "../support/servers/loopback.js"
import { collect, collectPausing, interruptAfter, open, openWith, until } from "../support/transport/exchange.js"
import { http1Client } from "../support/transport/http1Client.js"
import { chunked, inChunks, ok } from "./responses.js"

const get = (url: string, pauseEvery = Number.POSITIVE_INFINITY) =>
  Effect.scoped(
    Effect.flatMap(open({ url, headers: {} }), (response) =>
      Effect.map(collectPausing(response, pauseEvery), (body) => body.toString("latin1"))
    )
  )

const live = Layer.fresh(NodeTransport.layer())

const text = Array.from({ length: 60_000 }, (_, at) => `${at} `).join("")

describe("HTTP/1.1 bodies without a length", () => {
  it.scopedLive("are read in chunks, and the connection is used again", () =>
    Effect.gen(function* () {
      const origin = yield* raw([inChunks("hello world", 4), "stay"])
      for (let left = 3; left > 0; left--) {
        assert.strictEqual(yield* get(origin.url), "hello world")
        yield* Effect.sleep("10 millis")
      }
      assert.strictEqual(origin.connections(), 1)
    }).pipe(Effect.provide(live))
  )

  for (const [bytes, pauseEvery] of [
    [1, 1],
    [3, 7],
    [100_000, 1],
    [65_536, 2],
    [1000, Number.POSITIVE_INFINITY]
  ] as const) {
    it.scopedLive(`are unchanged in chunks of ${bytes} bytes, with a pause after every ${pauseEvery} chunks`, () =>
      Effect.gen(function* () {
        const body = bytes < 10 ? text.slice(0, 40_000) : text
        const origin = yield* raw([inChunks(body, bytes), "stay"])
        assert.strictEqual(yield* get(origin.url, pauseEvery), body)
        assert.strictEqual(yield* get(origin.url, pauseEvery), body)
        assert.strictEqual(origin.connections(), 1)
      }).pipe(Effect.provide(live))
    )
  }

  it.scopedLive("are read to the end of their connection, which is not used again", () =>
    Effect.gen(function* () {
      for (const head of [`${ok}\r\n`, `${ok}Connection: keep-alive\r\n\r\n`, "HTTP/1.0 200 OK\r\n\r\n"]) {
        const origin = yield* raw([head + text, "end"])
        assert.strictEqual(yield* get(origin.url), text)
        assert.strictEqual(yield* get(origin.url, 1), text)
        assert.strictEqual(origin.connections(), 2)
      }
      const empty = yield* raw([`${ok}\r\n`, "end"])
      assert.strictEqual(yield* get(empty.url), "")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("are followed by a new connection if bytes or trailers follow the last chunk", () =>
    Effect.gen(function* () {
      const whole = inChunks("hello", 5)
      const origin = yield* raw(
        [`${whole}${ok}Content-Length: 5\r\n\r\nwrong`, "stay"],
        [whole.replace(/\r\n$/, "Connection: close\r\n\r\n"), "stay"],
        [whole, "stay"]
      )
      for (const connections of [1, 2, 3, 3]) {
        assert.strictEqual(yield* get(origin.url), "hello")
        assert.strictEqual(origin.connections(), connections)
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("are not there in responses to HEAD, whatever their heads announce", () =>
    Effect.gen(function* () {
      for (const head of [`${ok}Content-Length: 11\r\n\r\n`, `${ok}Transfer-Encoding: chunked\r\n\r\n`]) {
        const origin = yield* raw([head, "stay"])
        for (let left = 3; left > 0; left--) {
          const response = yield* Effect.scoped(
            Effect.flatMap(open({ url: origin.url, headers: {}, method: "HEAD" }), (response) =>
              Effect.map(collect(response), (body) => ({ body, status: response.status }))
            )
          )
          assert.deepStrictEqual(response, { body: "", status: 200 })
        }
        assert.strictEqual(origin.connections(), 1)
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("keep the next bytes if the reading fiber is interrupted", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => {
        response.write("01234")
        setTimeout(() => response.end("56789"), 50)
      })
      const response = yield* open({ url: origin.url, headers: {} })
      assert.strictEqual(response.headers["transfer-encoding"], "chunked")
      assert.strictEqual(yield* interruptAfter(response, 5), "01234")
      assert.strictEqual(yield* collect(response), "56789")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("leave no socket if their caller is interrupted", () =>
    Effect.gen(function* () {
      for (const answer of [`${chunked}5\r\nhe`, `${ok}\r\nhello`, "HTTP/1.1 103 Early Hints\r\n\r\n"]) {
        const origin = yield* raw([answer, "stay"])
        const fiber = yield* Effect.fork(get(origin.url))
        yield* until(() => origin.connections() === 1)
        yield* Effect.sleep("20 millis")
        yield* Fiber.interrupt(fiber)
        yield* until(() => origin.sockets() === 0)
        assert.strictEqual(origin.sockets(), 0)
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("are not read from the connection while they are paused", () =>
    Effect.gen(function* () {
      for (const answer of [inChunks("x".repeat(30_000_000), 1_000_000), `${ok}\r\n${"x".repeat(30_000_000)}`]) {
        const origin = yield* raw([answer, "end"])
        yield* Effect.scoped(
          Effect.gen(function* () {
            const response = yield* open({ url: origin.url, headers: {} })
            yield* response.drive(() => false)
            yield* Effect.sleep("100 millis")
            let bytes = 0
            // The server has not sent all of it yet, so its connection is still open.
            assert.strictEqual(origin.sockets(), 1)
            yield* response.drive((chunk) => {
              bytes += chunk.length
              return true
            })
            assert.isAbove(bytes, 29_000_000)
          })
        )
      }
    }).pipe(Effect.provide(live))
  )

  for (const [what, answer, then] of [
    ["in chunks", inChunks(text, 1000), "stay"],
    ["that ends with its connection", `${ok}\r\n${text}`, "end"]
  ] as const) {
    it.scopedLive(`are delivered by calls, and continue after a pause: ${what}`, () =>
      Effect.gen(function* () {
        const origin = yield* raw([answer, then])
        const { send } = yield* Transport
        for (const pauseAt of [0, 1, 3, Number.POSITIVE_INFINITY]) {
          let body = ""
          let chunks = 0
          const paused: Array<number> = []
          let exchange: Exchange | undefined
          const isMore = () => {
            if (chunks !== pauseAt) {
              return true
            }
            paused.push(chunks)
            setImmediate(() => exchange?.resume())
            return false
          }
          const ended = yield* Deferred.make<void, TransportError>()
          const receiver: Receiver = {
            onInformational: () => {},
            onHeld: () => {},
            onHead: isMore,
            onChunk: (chunk) => {
              body += Buffer.from(chunk).toString("latin1")
              chunks++
              return isMore()
            },
            onEnd: (exit) => Deferred.unsafeDone(ended, exit)
          }
          yield* Effect.acquireUseRelease(
            send({ url: origin.url, headers: {} }, receiver),
            (sent) => {
              exchange = sent
              return Deferred.await(ended)
            },
            ({ close }) => close
          )
          assert.strictEqual(body, text)
          assert.deepStrictEqual(paused, Number.isFinite(pauseAt) ? [pauseAt] : [])
        }
      }).pipe(Effect.provide(live))
    )
  }

  it.scopedLive("end with their TLS connection", () =>
    Effect.gen(function* () {
      const { url } = yield* secure((socket) => socket.end(`${ok}\r\n${text}`))
      const client = yield* http1Client({ ca: certificate })
      for (const pauseEvery of [1, 3, Number.POSITIVE_INFINITY]) {
        const response = yield* openWith(client, { url: url, headers: {} })
        assert.strictEqual((yield* collectPausing(response, pauseEvery)).toString("latin1"), text)
      }
    })
  )
})
