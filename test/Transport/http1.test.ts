import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NodeTransport from "../../src/Node/Transport.js"
import { Transport } from "../../src/Transport.js"
import { answering } from "../support/servers/loopback.js"
import { collect, collectPausing, get, getWith, interruptAfter, open, until } from "../support/transport/exchange.js"
import { hello, ok } from "./responses.js"

const live = Layer.fresh(NodeTransport.layer())

describe("HTTP/1.1", () => {
  it.scopedLive("uses the idle connection that was used last", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* answering((socket) => socket.write(hello))
      yield* Effect.all([get(url), get(url)], { concurrency: 2 })
      for (let left = 3; left > 0; left--) {
        yield* Effect.sleep("10 millis")
        assert.strictEqual(yield* get(url), "hello")
      }
      const [last] = requests.slice(-1)
      assert.deepStrictEqual(requests.slice(2), [last, last, last])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("reads a response that arrives byte by byte", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* answering((socket) => {
        for (const [at, byte] of [...hello].entries()) {
          setTimeout(() => socket.write(byte), at)
        }
      })
      assert.strictEqual(yield* get(url), "hello")
      assert.deepStrictEqual(requests, [0])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("delivers a body at once if it arrived with its head", () =>
    Effect.gen(function* () {
      const { url } = yield* answering((socket) => socket.write(hello))
      const response = yield* open({ url, headers: {} })
      assert.strictEqual(Effect.runSync(collect(response)), "hello")
      assert.strictEqual(Effect.runSync(collect(response)), "")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("uses the first of repeated fields with a single value", () =>
    Effect.gen(function* () {
      const names = ["Location", "Retry-After", "Last-Modified", "Content-Type"]
      const { url } = yield* answering((socket) =>
        socket.write(
          `${ok}${names.map((name) => `${name}: first\r\n${name}: second\r\n`).join("")}X: a\r\nX: b\r\nContent-Length: 5\r\n\r\nhello`
        )
      )
      const { headers } = yield* open({ url, headers: {} })
      assert.deepStrictEqual(
        names.map((name) => headers[name.toLowerCase()]),
        names.map(() => "first")
      )
      assert.strictEqual(headers["x"], "a, b")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("sends one request if the connection ends within a head", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* answering((socket, turn) =>
        turn === 0 ? socket.end(hello.slice(0, 20)) : socket.write(hello)
      )
      assert.deepInclude(yield* Effect.flip(get(url)), { _tag: "Connection", reason: "reset" })
      assert.deepStrictEqual(requests, [0])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("reads a long head in small pieces in linear time", () =>
    Effect.gen(function* () {
      const head = `${ok}X: ${"x".repeat(200_000)}\r\nContent-Length: 5\r\n\r\n`
      const { url } = yield* answering((socket) => {
        let at = 0
        const next = () => {
          socket.write(head.slice(at, at + 20))
          at += 20
          if (at < head.length) {
            setImmediate(next)
          } else {
            socket.write("hello")
          }
        }
        next()
      })
      assert.strictEqual(yield* get(url), "hello")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("sends the request once more, on a new connection, if an idle connection has ended", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* answering((socket, turn) =>
        turn === 2 || turn === 3 ? socket.destroy() : socket.write(hello)
      )
      yield* Effect.all([get(url), get(url)], { concurrency: 2 })
      assert.deepInclude(yield* Effect.flip(get(url)), { _tag: "Connection", reason: "reset" })
      assert.strictEqual(requests.length, 4)
      assert.strictEqual(requests[3], 2)
      assert.strictEqual(yield* get(url), "hello")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("does not send the request again if a new connection ends", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* answering((socket) => socket.resetAndDestroy())
      assert.deepInclude(yield* Effect.flip(get(url)), { _tag: "Connection", reason: "reset" })
      assert.strictEqual(requests.length, 1)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("never reads what follows a body as the next response", () =>
    Effect.gen(function* () {
      const forged = hello.replace("hello", "wrong")
      const { requests, url } = yield* answering((socket, turn) => {
        if (turn === 0) {
          socket.write(hello + forged)
        } else if (turn === 1) {
          socket.write(hello, () => socket.write(forged))
        } else {
          socket.write(hello)
        }
      })
      assert.strictEqual(yield* get(url), "hello")
      assert.strictEqual(yield* get(url), "hello")
      yield* Effect.sleep("20 millis")
      assert.strictEqual(yield* get(url), "hello")
      assert.deepStrictEqual(requests, [0, 1, 2])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("does not use a connection again if the server forbids it", () =>
    Effect.gen(function* () {
      const ends = ["Connection: close", "Keep-Alive: timeout=1", "Keep-Alive: timeout=0, max=3"]
      const { requests, sockets, url } = yield* answering((socket, turn) =>
        socket.write(`${ok}${ends[turn]}\r\nContent-Length: 5\r\n\r\nhello`)
      )
      for (const _ of ends) {
        assert.strictEqual(yield* get(url), "hello")
      }
      assert.deepStrictEqual(requests, [0, 1, 2])
      yield* until(() => sockets() === 0)
      assert.strictEqual(sockets(), 0)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("closes a connection after its keep-alive time", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* answering((socket) =>
        socket.write(`${ok}Keep-Alive: timeout=2\r\nContent-Length: 5\r\n\r\nhello`)
      )
      yield* get(url)
      assert.strictEqual(sockets(), 1)
      yield* until(() => sockets() === 0)
      assert.strictEqual(sockets(), 0)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("receives a long body into memory of its own, after a body that was paused at its last chunk", () =>
    Effect.gen(function* () {
      const bodies = [1, 2, 3, 4].map((of) => Buffer.alloc(2_000_000, of))
      let turn = 0
      const { requests, url } = yield* answering((socket) => {
        const body = bodies[turn++ % bodies.length] ?? Buffer.alloc(0)
        socket.write(`${ok}Content-Length: ${body.length}\r\n\r\n`)
        socket.write(body)
      })
      for (const body of bodies) {
        const received: Array<Uint8Array> = []
        let bytes = 0
        yield* Effect.scoped(
          Effect.gen(function* () {
            const response = yield* open({ url, headers: {} })
            const onChunk = (chunk: Uint8Array) => {
              received.push(chunk.slice())
              bytes += chunk.length
              return bytes < body.length
            }
            assert.strictEqual(yield* response.drive(onChunk), "Paused")
            assert.strictEqual(yield* response.drive(onChunk), "Ended")
          })
        )
        assert.isTrue(body.equals(Buffer.concat(received)))
      }
      assert.deepStrictEqual(requests, [0, 0, 0, 0])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("delivers a long body unchanged, with and without pauses", () =>
    Effect.gen(function* () {
      const body = Buffer.alloc(6_000_011)
      for (let at = 0; at < body.length; at++) {
        body[at] = (at * 31 + (at >> 8)) & 0xff
      }
      const { requests, url } = yield* answering((socket) => {
        socket.write(`${ok}Content-Length: ${body.length}\r\n\r\n`)
        socket.write(body)
      })
      for (const pauseEvery of [1, 7, Number.POSITIVE_INFINITY]) {
        const received: Array<Uint8Array> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            const response = yield* open({ url, headers: {} })
            yield* Effect.sleep("20 millis")
            received.push(yield* collectPausing(response, pauseEvery))
          })
        )
        assert.isTrue(body.equals(Buffer.concat(received)), `${pauseEvery}`)
      }
      assert.deepStrictEqual(requests, [0, 0, 0])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("does not read from the connection while the body is paused", () =>
    Effect.gen(function* () {
      const lengthBytes = 100_000_000
      let server: Socket | undefined
      const { url } = yield* answering((socket) => {
        server = socket
        socket.write(`${ok}Content-Length: ${lengthBytes}\r\n\r\n`)
        socket.write(Buffer.alloc(lengthBytes))
      })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const response = yield* open({ url, headers: {} })
          yield* response.drive(() => false)
          yield* Effect.sleep("200 millis")
          assert.isAbove(server?.writableLength ?? 0, 0)
        })
      )
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("keeps the next bytes if the reading fiber is interrupted, and continues with them", () =>
    Effect.gen(function* () {
      const { url } = yield* answering((socket) => {
        socket.write(`${ok}Content-Length: 10\r\n\r\n01234`)
        setTimeout(() => socket.write("56789"), 50)
      })
      const response = yield* open({ url, headers: {} })
      assert.strictEqual(yield* interruptAfter(response, 5), "01234")
      assert.strictEqual(yield* collect(response), "56789")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("leaves no socket if its caller is interrupted, before and within a body", () =>
    Effect.gen(function* () {
      for (const answer of ["", `${ok}Content-`, `${ok}Content-Length: 10\r\n\r\nhalf`]) {
        const { requests, sockets, url } = yield* answering((socket) => socket.write(answer))
        const fiber = yield* Effect.fork(get(url))
        yield* until(() => requests.length === 1)
        yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(fiber)
        yield* until(() => sockets() === 0)
        assert.strictEqual(sockets(), 0)
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("fails a body with Truncated if its layer is closed, and leaves no socket", () =>
    Effect.gen(function* () {
      const { requests, sockets, url } = yield* answering((socket) =>
        socket.write(`${ok}Content-Length: 10\r\n\r\nhalf`)
      )
      const fiber = yield* Effect.scoped(
        Effect.gen(function* () {
          const transport = yield* Effect.flatMap(Layer.build(live), (context) => Effect.provide(Transport, context))
          const fiber = yield* Effect.forkDaemon(Effect.flip(getWith(transport, url)))
          yield* until(() => requests.length === 1)
          yield* Effect.sleep("20 millis")
          return fiber
        })
      )
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "Truncated", expectedBytes: 10, receivedBytes: 4 })
      yield* until(() => sockets() === 0)
      assert.strictEqual(sockets(), 0)
    })
  )

  it.scopedLive("sends the URL as `URL` normalizes it, and the headers unchanged", () =>
    Effect.gen(function* () {
      const heads: Array<string> = []
      const { url } = yield* answering((socket, _turn, bytes) => {
        heads.push(bytes)
        socket.write(hello)
      })
      for (const path of [
        "",
        "a%20b?download&sig=a~c(e)+f&x=",
        "a/../b/./c d'\"<>?'\"#e",
        "?a#b",
        "%2e%2E/\u00e9?\u00e9"
      ]) {
        const request = { url: `${url}/${path}`, headers: { accept: "*/*", "x-text": "caf\u00e9\tx", "X-Empty": "" } }
        yield* Effect.scoped(Effect.flatMap(open(request), collect))
        const { host, pathname, search } = new URL(`${url}/${path}`)
        assert.strictEqual(
          heads.pop(),
          `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\naccept: */*\r\nx-text: caf\u00e9\tx\r\nX-Empty: \r\n\r\n`
        )
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("refuses a request with headers or a URL that it cannot send", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* answering((socket) => socket.write(hello))
      for (const request of [
        { url, headers: { "a b": "c" } },
        { url, headers: { a: "b\r\nc: d" } },
        { url, headers: { a: "\u4e2d" } },
        { url, headers: { "transfer-encoding": "chunked" } },
        { url: url.replace("http:", "ftp:"), headers: {} },
        { url: "no url", headers: {} }
      ]) {
        assert.deepInclude(yield* Effect.flip(Effect.scoped(open(request))), { _tag: "InvalidRequest" })
      }
      assert.deepStrictEqual(requests, [])
    }).pipe(Effect.provide(live))
  )
})
