/**
 * How connections are made, kept and closed, on real sockets.
 */
import { createServer, type Socket } from "node:net"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Descriptors from "../../src/Node/descriptors.js"
import { type Connect, sockets } from "../../src/Node/Transport/sockets.js"
import type { Exchange, Transport } from "../../src/Transport.js"
import { answering, http, listening } from "../support/servers/loopback.js"
import { collect, getWith, openWith, until } from "../support/transport/exchange.js"
import { connectionLimit, http1Client } from "../support/transport/http1Client.js"
import { hello, ok } from "./responses.js"

const turns = (count: number) =>
  Effect.repeatN(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    count
  )

/** Receives a response to its end, and gives the exchange. */
const exchanged = ({ send }: typeof Transport.Service, url: string) =>
  Effect.async<Exchange>((resume) => {
    let exchange: Exchange | undefined
    const sending = send(
      { url, headers: {} },
      {
        onInformational: () => {},
        onHeld: () => {},
        onHead: () => true,
        onChunk: () => true,
        onEnd: () => {
          if (exchange !== undefined) {
            resume(Effect.succeed(exchange))
          }
        }
      }
    )
    Effect.runSync(
      Effect.map(sending, (sent) => {
        exchange = sent
      })
    )
  })

describe("the connection of an exchange", () => {
  it.scopedLive("has an address and times when it is new, and no times when it is used again", () =>
    Effect.gen(function* () {
      const origin = yield* answering((socket) => socket.write(hello))
      const client = yield* http1Client()
      const first = (yield* exchanged(client, origin.url)).connection
      assert.deepInclude(first, { id: 1, isReused: false, tlsMillis: undefined })
      assert.strictEqual(first?.remoteAddress, new URL(origin.url).host)
      assert.isAtLeast(first?.lookupMillis ?? -1, 0)
      assert.isAtLeast(first?.connectMillis ?? -1, 0)
      const again = (yield* exchanged(client, origin.url)).connection
      assert.deepStrictEqual(again, {
        id: 1,
        isReused: true,
        remoteAddress: first?.remoteAddress,
        lookupMillis: undefined,
        connectMillis: undefined,
        tlsMillis: undefined
      })
    })
  )
})

describe("idle connections", () => {
  it.scopedLive("have a limit for all origins together: the least recently used are closed", () =>
    Effect.gen(function* () {
      const origins = yield* Effect.forEach(Array.from({ length: 300 }), () =>
        answering((socket) => socket.write(hello))
      )
      const open = () => origins.reduce((sum, { sockets }) => sum + sockets(), 0)
      const client = yield* http1Client()
      yield* Effect.forEach(origins, ({ url }) => getWith(client, url), { concurrency: 5 })
      yield* until(() => open() <= 70)
      assert.isAtMost(open(), 70)
      assert.isAbove(open(), 30)
      // The most recently used connections are left.
      assert.strictEqual(origins.slice(-20).filter(({ sockets }) => sockets() === 1).length, 20)
    })
  )

  it.scopedLive("are counted correctly after the last one of an origin has expired", () =>
    Effect.gen(function* () {
      const answered: Array<Socket> = []
      const origin = yield* answering((socket) => {
        answered.push(socket)
        socket.write(hello)
      })
      const client = yield* http1Client()
      let isAsked = false
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          Descriptors.lend(() => {
            isAsked = true
            return true
          })
        ),
        (end) => Effect.sync(end)
      )
      const now = performance.now.bind(performance)
      yield* getWith(client, origin.url)
      yield* turns(4)
      const later = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(performance, "now").mockImplementation(() => now() + 60_000)),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      yield* getWith(client, origin.url)
      later.mockRestore()
      yield* turns(4)
      assert.strictEqual(origin.connections(), 2)
      for (const socket of answered) {
        socket.end()
      }
      // The client has ended its side as well.
      yield* until(() => origin.sockets() === 0)
      Descriptors.reclaim()
      assert.isTrue(isAsked)
      assert.strictEqual(yield* getWith(client, origin.url), "hello")
      assert.strictEqual(origin.connections(), 3)
    })
  )
})

describe("requests without a descriptor for their connection", () => {
  it.scopedLive("wait in order, also if no connection ends, and say so", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const origin = yield* http((incoming, response) => {
        asked.push(incoming.url ?? "")
        if (incoming.url?.startsWith("/long") === true) {
          response.writeHead(200, { "content-length": "2" }).write("a")
        } else {
          response.end("hello")
        }
      })
      const limit = connectionLimit()
      const client = yield* http1Client({ limit })
      yield* Effect.forEach([1, 2, 3], (count) => openWith(client, { url: `${origin.url}/long${count}`, headers: {} }))
      limit.refuse()
      const told: Array<string> = []
      const send = (name: string) =>
        Effect.flatMap(
          openWith(
            client,
            { url: `${origin.url}/${name}`, headers: {} },
            { onHeld: (isHeld) => told.push(`${name} ${isHeld}`) }
          ),
          collect
        ).pipe(Effect.scoped, Effect.fork)
      const first = yield* send("first")
      yield* until(() => told.length === 1)
      const second = yield* send("second")
      yield* until(() => told.length === 2)
      assert.deepStrictEqual(told, ["first true", "second true"])
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], ["hello", "hello"])
      assert.deepStrictEqual(told, ["first true", "second true", "first false", "second false"])
      assert.deepStrictEqual(asked.slice(3), ["/first", "/second"])
    })
  )
})

describe("a kept connection", () => {
  const times = 100

  for (const [what, end] of [
    ["ends", (socket: Socket) => socket.end()],
    ["is reset", (socket: Socket) => socket.resetAndDestroy()]
  ] as const) {
    it.scopedLive(`that ${what} at any moment fails no request, and no request is sent a third time`, () =>
      Effect.gen(function* () {
        let asked = 0
        let turn = 0
        const { port } = yield* listening(
          createServer((socket) => {
            let requests = 0
            socket.on("data", () => {
              asked++
              if (++requests > 1 && turn++ % 2 === 0) {
                // Before the first byte of a response.
                end(socket)
                return
              }
              socket.write(hello, () => {
                switch (turn++ % 5) {
                  case 0:
                    end(socket)
                    return
                  case 1:
                    setImmediate(() => end(socket))
                    return
                  case 2:
                    // Somewhere around the moment of the next request.
                    setTimeout(() => end(socket), 1)
                    return
                  default:
                }
              })
            })
          })
        )
        const client = yield* http1Client()
        for (let left = times; left > 0; left--) {
          assert.strictEqual(yield* getWith(client, `http://127.0.0.1:${port}/`), "hello")
          if (left % 3 === 0) {
            yield* Effect.sleep("1 millis")
          }
        }
        assert.isAtMost(asked, 2 * times)
      })
    )
  }

  it.scopedLive("that is reset after a whole response has delivered that response", () =>
    Effect.gen(function* () {
      const { port } = yield* listening(
        createServer({ noDelay: true }, (socket) => {
          let requests = 0
          socket.on("data", () => {
            if (++requests === 1) {
              socket.write(hello)
            } else {
              socket.write(hello.replace("hello", "again"), () => socket.resetAndDestroy())
            }
          })
        })
      )
      const client = yield* http1Client()
      for (let left = times; left > 0; left--) {
        assert.strictEqual(yield* getWith(client, `http://127.0.0.1:${port}/`), "hello")
        assert.strictEqual(yield* getWith(client, `http://127.0.0.1:${port}/`), "again")
      }
    })
  )
})

describe("a kept connection that the server closes", () => {
  it.scopedLive(
    "with 408 while a request is in transit is replaced, and a 408 to the first request is a response",
    () =>
      Effect.gen(function* () {
        const timedOut = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        let asked = 0
        const { port } = yield* listening(
          createServer((socket) => {
            let requests = 0
            socket.on("data", () => {
              asked++
              if (++requests === 1 && asked < 4) {
                socket.write(hello)
              } else {
                socket.end(timedOut)
              }
            })
          })
        )
        const client = yield* http1Client()
        const url = `http://127.0.0.1:${port}/`
        assert.strictEqual(yield* getWith(client, url), "hello")
        assert.strictEqual(yield* getWith(client, url), "hello")
        assert.strictEqual(asked, 3)
        const { status } = yield* openWith(client, { url, headers: {} })
        assert.strictEqual(status, 408)
        assert.strictEqual(asked, 5)
      })
  )
})

describe("a body without a length", () => {
  for (const [what, head] of [
    ["in chunks", `${ok}Transfer-Encoding: chunked\r\n\r\n4000000\r\n`],
    ["that ends with its connection", `${ok}\r\n`]
  ] as const) {
    it.scopedLive(`pauses the sender while it is not read: ${what}`, () =>
      Effect.gen(function* () {
        const bodyBytes = 64 * 1024 * 1024
        let sender: Socket | undefined
        const { port } = yield* listening(
          createServer((socket) => {
            sender = socket
            socket.once("data", () => {
              socket.write(head)
              socket.write(Buffer.alloc(bodyBytes))
              socket.end(head.includes("chunked") ? "\r\n0\r\n\r\n" : "")
            })
          })
        )
        const client = yield* http1Client()
        const response = yield* openWith(client, { url: `http://127.0.0.1:${port}/`, headers: {} })
        let bytes = 0
        const take = (chunk: Uint8Array) => {
          bytes += chunk.length
          return false
        }
        yield* response.drive(take)
        yield* Effect.sleep("300 millis")
        assert.isAbove(sender?.writableLength ?? 0, bodyBytes / 2)
        yield* Effect.repeat(response.drive(take), { until: (how) => how === "Ended" })
        assert.strictEqual(bytes, bodyBytes)
      })
    )
  }
})

describe("the limit for a connection", () => {
  it.scopedLive("counts events that arrived while the process did not run", () =>
    Effect.gen(function* () {
      const connect: Connect = (target, events) => {
        const wire = sockets({})(target, events)
        // Longer than the limit: the timer is due before the event loop polls, which finds the connection made.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
        return wire
      }
      const origin = yield* http((_, response) => response.end("hello"))
      const client = yield* http1Client({ connect, connectMillis: 100 })
      for (let left = 5; left > 0; left--) {
        assert.strictEqual(yield* getWith(client, `${origin.url}/`), "hello")
      }
    })
  )
})
