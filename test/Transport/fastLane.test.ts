import { createServer, type Server, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NodeTransport from "../../src/Node/Transport.js"
import { Transport, type TransportResponse } from "../../src/Transport.js"

interface Origin {
  readonly url: string
  /** On which connection each request came. */
  readonly asked: ReadonlyArray<number>
  readonly sockets: () => number
}

/** Answers the n-th request. */
const origin = (answer: (socket: Socket, turn: number, request: string) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly server: Server; readonly sockets: Set<Socket>; readonly made: Origin }>((resume) => {
        const sockets = new Set<Socket>()
        const asked: Array<number> = []
        let connections = 0
        const server = createServer((socket) => {
          const connection = connections++
          sockets.add(socket)
          socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy())
          socket.on("data", (bytes) => {
            asked.push(connection)
            answer(socket, asked.length - 1, bytes.toString("latin1"))
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const at = server.address()
          const url = `http://127.0.0.1:${typeof at === "object" && at !== null ? at.port : 0}/`
          resume(Effect.succeed({ server, sockets, made: { url, asked, sockets: () => sockets.size } }))
        })
      }),
      ({ server, sockets }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) {
            socket.destroy()
          }
        })
    ),
    ({ made }) => made
  )

const collect = (response: TransportResponse) =>
  Effect.suspend(() => {
    let text = ""
    return Effect.map(
      response.drive((chunk) => {
        text += Buffer.from(chunk).toString("latin1")
        return true
      }),
      () => text
    )
  })

const get = (url: string) =>
  Effect.scoped(Effect.flatMap(Transport, ({ open }) => Effect.flatMap(open({ url, headers: {} }), collect)))

const until = (isSo: () => boolean) => Effect.repeat(Effect.sleep("5 millis"), { until: isSo, times: 800 })

const live = Layer.fresh(NodeTransport.layer())

const ok = "HTTP/1.1 200 OK\r\n"
const hello = `${ok}Content-Length: 5\r\n\r\nhello`

describe("the fast lane", () => {
  it.scopedLive("uses a connection again, the one that was used last", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* origin((socket) => socket.write(hello))
      yield* Effect.all([get(url), get(url)], { concurrency: 2 })
      for (let left = 3; left > 0; left--) {
        yield* Effect.sleep("10 millis")
        assert.strictEqual(yield* get(url), "hello")
      }
      const [last] = asked.slice(-1)
      assert.deepStrictEqual(asked.slice(2), [last, last, last])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("takes an answer in whatever pieces it comes", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* origin((socket) => {
        for (const [at, byte] of [...hello].entries()) {
          setTimeout(() => socket.write(byte), at)
        }
      })
      assert.strictEqual(yield* get(url), "hello")
      assert.deepStrictEqual(asked, [0])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("gives a body that came with its head in the same moment", () =>
    Effect.gen(function* () {
      const { url } = yield* origin((socket) => socket.write(hello))
      const { open } = yield* Transport
      const response = yield* open({ url, headers: {} })
      assert.strictEqual(Effect.runSync(collect(response)), "hello")
      assert.strictEqual(Effect.runSync(collect(response)), "")
    }).pipe(Effect.provide(live))
  )

  for (const [what, answer] of [
    ["a compressed one in chunks", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["one with connection options", `${ok}Connection: x, close\r\nContent-Length: 5\r\n\r\nhello`],
    ["a folded header", `${ok}X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello`],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["two lengths", `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ["a garbage status line", "NOT HTTP AT ALL\r\n\r\n"]
  ] as const) {
    it.scopedLive(`leaves to undici what it does not understand, and that origin from then on: ${what}`, () =>
      Effect.gen(function* () {
        const { asked, sockets, url } = yield* origin((socket) => socket.end(answer))
        const seen = yield* Effect.all([get(url), get(url)].map((one) => Effect.merge(one)))
        assert.deepStrictEqual(asked, [0, 1, 2])
        const undici = yield* Effect.merge(get(url)).pipe(
          Effect.provide(Layer.fresh(NodeTransport.layer({ lane: "undici" })))
        )
        assert.deepStrictEqual(seen, [undici, undici])
        yield* until(() => sockets() === 0)
        assert.strictEqual(sockets(), 0)
      }).pipe(Effect.provide(live))
    )
  }

  it.scopedLive("asks undici once, and leaves the origin in the lane, where a head breaks off", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* origin((socket, turn) =>
        turn === 0 ? socket.end(hello.slice(0, 20)) : socket.write(hello)
      )
      assert.strictEqual(yield* get(url), "hello")
      assert.strictEqual(yield* get(url), "hello")
      assert.deepStrictEqual(asked, [0, 1, 2])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("tries a stale connection once more at once, on a new one", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* origin((socket, turn) =>
        turn === 2 || turn === 3 ? socket.destroy() : socket.write(hello)
      )
      yield* Effect.all([get(url), get(url)], { concurrency: 2 })
      assert.deepInclude(yield* Effect.flip(get(url)), { _tag: "Connection", reason: "reset" })
      assert.strictEqual(asked.length, 4)
      assert.strictEqual(asked[3], 2)
      assert.strictEqual(yield* get(url), "hello")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("does not try a new connection again", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* origin((socket) => socket.resetAndDestroy())
      assert.deepInclude(yield* Effect.flip(get(url)), { _tag: "Connection", reason: "reset" })
      assert.strictEqual(asked.length, 1)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("never reads what follows a body as the next response", () =>
    Effect.gen(function* () {
      const forged = hello.replace("hello", "wrong")
      const { asked, url } = yield* origin((socket, turn) => {
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
      assert.deepStrictEqual(asked, [0, 1, 2])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("uses no connection again that is not meant to be", () =>
    Effect.gen(function* () {
      const ends = ["Connection: close", "Keep-Alive: timeout=1", "Keep-Alive: timeout=0, max=3"]
      const { asked, sockets, url } = yield* origin((socket, turn) =>
        socket.write(`${ok}${ends[turn]}\r\nContent-Length: 5\r\n\r\nhello`)
      )
      for (const _ of ends) {
        assert.strictEqual(yield* get(url), "hello")
      }
      assert.deepStrictEqual(asked, [0, 1, 2])
      yield* until(() => sockets() === 0)
      assert.strictEqual(sockets(), 0)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("closes a connection that was idle for too long", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* origin((socket) =>
        socket.write(`${ok}Keep-Alive: timeout=2\r\nContent-Length: 5\r\n\r\nhello`)
      )
      yield* get(url)
      assert.strictEqual(sockets(), 1)
      yield* until(() => sockets() === 0)
      assert.strictEqual(sockets(), 0)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive(
    "receives the next long body where nobody looks for another, after one that paused at its very end",
    () =>
      Effect.gen(function* () {
        const bodies = [1, 2, 3, 4].map((of) => Buffer.alloc(2_000_000, of))
        let turn = 0
        const { asked, url } = yield* origin((socket) => {
          const body = bodies[turn++ % bodies.length] ?? Buffer.alloc(0)
          socket.write(`${ok}Content-Length: ${body.length}\r\n\r\n`)
          socket.write(body)
        })
        const { open } = yield* Transport
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
        assert.deepStrictEqual(asked, [0, 0, 0, 0])
      }).pipe(Effect.provide(live))
  )

  it.scopedLive("keeps a long body whole through pauses, waits and reads of all sizes", () =>
    Effect.gen(function* () {
      const body = Buffer.alloc(6_000_011)
      for (let at = 0; at < body.length; at++) {
        body[at] = (at * 31 + (at >> 8)) & 0xff
      }
      const { asked, url } = yield* origin((socket) => {
        socket.write(`${ok}Content-Length: ${body.length}\r\n\r\n`)
        socket.write(body)
      })
      const { open } = yield* Transport
      for (const pauseEvery of [1, 7, Number.POSITIVE_INFINITY]) {
        const received: Array<Uint8Array> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            const response = yield* open({ url, headers: {} })
            yield* Effect.sleep("20 millis")
            let how = "Paused"
            let lent: Uint8Array | undefined
            while (how === "Paused") {
              how = yield* response.drive((chunk) => {
                if ((received.length + 1) % pauseEvery === 0) {
                  lent = chunk
                  return false
                }
                received.push(chunk.slice())
                return true
              })
              if (lent !== undefined) {
                yield* Effect.yieldNow()
                received.push(lent.slice())
                lent = undefined
              }
            }
          })
        )
        assert.isTrue(body.equals(Buffer.concat(received)), `${pauseEvery}`)
      }
      assert.deepStrictEqual(asked, [0, 0, 0])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("does not read on while nobody asks for more", () =>
    Effect.gen(function* () {
      const lengthBytes = 100_000_000
      let server: Socket | undefined
      const { url } = yield* origin((socket) => {
        server = socket
        socket.write(`${ok}Content-Length: ${lengthBytes}\r\n\r\n`)
        socket.write(Buffer.alloc(lengthBytes))
      })
      const { open } = yield* Transport
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

  it.scopedLive("leaves a body paused where it is interrupted, and goes on from there", () =>
    Effect.gen(function* () {
      const { url } = yield* origin((socket) => {
        socket.write(`${ok}Content-Length: 10\r\n\r\n01234`)
        setTimeout(() => socket.write("56789"), 50)
      })
      const { open } = yield* Transport
      const response = yield* open({ url, headers: {} })
      let first = ""
      const fiber = yield* Effect.fork(
        response.drive((chunk) => {
          first += Buffer.from(chunk).toString()
          return true
        })
      )
      yield* until(() => first.length === 5)
      yield* Fiber.interrupt(fiber)
      yield* Effect.sleep("80 millis")
      assert.strictEqual(first, "01234")
      assert.strictEqual(yield* collect(response), "56789")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("leaves no socket where it is interrupted, before and within a body", () =>
    Effect.gen(function* () {
      for (const answer of ["", `${ok}Content-`, `${ok}Content-Length: 10\r\n\r\nhalf`]) {
        const { asked, sockets, url } = yield* origin((socket) => socket.write(answer))
        const fiber = yield* Effect.fork(get(url))
        yield* until(() => asked.length === 1)
        yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(fiber)
        yield* until(() => sockets() === 0)
        assert.strictEqual(sockets(), 0)
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("tells of a body that its layer cuts short, and leaves no socket", () =>
    Effect.gen(function* () {
      const { asked, sockets, url } = yield* origin((socket) => socket.write(`${ok}Content-Length: 10\r\n\r\nhalf`))
      const fiber = yield* Effect.scoped(
        Effect.gen(function* () {
          const { open } = yield* Effect.flatMap(Layer.build(live), (context) => Effect.provide(Transport, context))
          const fiber = yield* Effect.forkDaemon(
            Effect.flip(Effect.scoped(Effect.flatMap(open({ url, headers: {} }), collect)))
          )
          yield* until(() => asked.length === 1)
          yield* Effect.sleep("20 millis")
          return fiber
        })
      )
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "Truncated", expectedBytes: 10, receivedBytes: 4 })
      yield* until(() => sockets() === 0)
      assert.strictEqual(sockets(), 0)
    })
  )

  it.scopedLive("sends what undici sends", () =>
    Effect.gen(function* () {
      const heads: Array<string> = []
      const { url } = yield* origin((socket, _turn, bytes) => {
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
        const request = { url: url + path, headers: { accept: "*/*", "x-text": "caf\u00e9\tx", "X-Empty": "" } }
        const one = Effect.scoped(
          Effect.flatMap(
            Effect.flatMap(Transport, ({ open }) => open(request)),
            collect
          )
        )
        yield* one
        yield* Effect.provide(one, Layer.fresh(NodeTransport.layer({ lane: "undici" })))
        assert.strictEqual(heads[0], heads[1], path)
        heads.length = 0
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("leaves a request to undici that it would not send without a second thought", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* origin((socket) => socket.write(hello))
      const { open } = yield* Transport
      for (const headers of [{ "a b": "c" }, { a: "b\r\nc: d" }, { a: "\u4e2d" }, { "transfer-encoding": "chunked" }]) {
        const error = yield* Effect.flip(Effect.scoped(open({ url, headers })))
        assert.strictEqual(error._tag, "Connection")
      }
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.provide(live))
  )
})
