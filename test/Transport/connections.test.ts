/**
 * How connections are made, kept and closed, on real sockets.
 */
import { spawn } from "node:child_process"
import { createServer as createTlsServer } from "node:https"
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Descriptors from "../../src/Node/descriptors.js"
import * as Client from "../../src/Node/Transport/http1/client.js"
import { type Connect, sockets } from "../../src/Node/Transport/sockets.js"
import * as NodeTransport from "../../src/Node/Transport.js"
import type { TransportRequest } from "../../src/Transport.js"
import { certificate, key } from "../support/certificate.js"
import { collect, type Options, open as openIn, openWith, until } from "../support/exchange.js"
import { blackHole, http, resolving } from "../support/loopback.js"

const client = (connect: Connect = sockets({}), connectMillis = 10_000) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Client.make({ connectMillis, connect })),
      ({ close }) => close
    ),
    (made) => ({ open: (request: TransportRequest, options?: Options) => openWith(made, request, options) })
  )

type Open = Effect.Effect.Success<ReturnType<typeof client>>["open"]

const get = (open: Open, url: string) => Effect.scoped(Effect.flatMap(open({ url, headers: {} }), collect))

const turns = (count: number) =>
  Effect.repeatN(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    count
  )

const ok = "HTTP/1.1 200 OK\r\n"
const hello = `${ok}Content-Length: 5\r\n\r\nhello`

interface Origin {
  readonly port: number
  readonly sockets: Set<Socket>
}

const listening = (make: () => Server, host = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.async<Origin & { readonly server: Server }>((resume) => {
      const open = new Set<Socket>()
      const server = make()
      server.on("connection", (socket: Socket) => {
        open.add(socket)
        socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket))
      })
      server.listen(0, host, () => {
        const at = server.address()
        resume(Effect.succeed({ server, sockets: open, port: typeof at === "object" && at !== null ? at.port : 0 }))
      })
    }),
    ({ server, sockets: open }) =>
      Effect.sync(() => {
        server.close()
        for (const socket of open) {
          socket.destroy()
        }
      })
  )

describe("a host with several addresses", () => {
  it.scopedLive.skipIf(process.platform !== "linux")(
    "is connected to by the second one, where the first does not answer, and leaves no socket",
    () =>
      Effect.gen(function* () {
        const origin = yield* http((_, response) => response.end("hello"))
        yield* blackHole("127.0.0.2", origin.port)
        yield* resolving("two.test", ["127.0.0.2", "127.0.0.1"])
        const { open } = yield* client()
        assert.strictEqual(yield* get(open, `http://two.test:${origin.port}/`), "hello")
        assert.strictEqual(origin.connections(), 1)
      })
  )

  it.scopedLive.skipIf(process.platform !== "linux")(
    "is connected to by an address that takes longer than 250 ms, where the others do not answer at all",
    () =>
      Effect.gen(function* () {
        const origin = yield* http((_, response) => response.end("hello"))
        yield* blackHole("127.0.0.2", origin.port)
        yield* blackHole("127.0.0.3", origin.port)
        yield* resolving("slow.test", ["127.0.0.4", "127.0.0.2", "127.0.0.3"])
        // The first address accepts after 600 ms: the kernel tries a full queue again a second later.
        const slow = yield* slowToAccept("127.0.0.4", origin.port)
        const { open } = yield* client()
        const fiber = yield* Effect.fork(get(open, `http://slow.test:${origin.port}/`))
        yield* Effect.sleep("600 millis")
        slow.accept()
        assert.strictEqual(yield* Fiber.join(fiber), "late")
      })
  )

  it.scopedLive.skipIf(process.platform !== "linux")("is connected to by one that answers, on TLS for its name", () =>
    Effect.gen(function* () {
      const { port } = yield* listening(() =>
        createTlsServer({ key, cert: certificate }, (_, response) => response.end("hello"))
      )
      yield* blackHole("127.0.0.2", port)
      yield* resolving("localhost", ["127.0.0.2", "127.0.0.1"])
      const { open } = yield* client(sockets({ ca: certificate }))
      for (const _ of [1, 2]) {
        assert.strictEqual(yield* get(open, `https://localhost:${port}/`), "hello")
      }
    })
  )

  it.scopedLive.skipIf(process.platform !== "linux")("fails when all have failed, at once", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end("hello"))
      yield* resolving("none.test", ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
      const { open } = yield* client()
      const error = yield* Effect.flip(get(open, `http://none.test:${origin.port}/`))
      assert.deepInclude(error, { _tag: "Connection", reason: "refused" })
    })
  )

  it.scopedLive.skipIf(process.platform !== "linux")("is bounded as a whole, and leaves no socket", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end("hello"))
      yield* blackHole("127.0.0.2", origin.port)
      yield* blackHole("127.0.0.3", origin.port)
      yield* resolving("dead.test", ["127.0.0.2", "127.0.0.3"])
      const { open } = yield* client(sockets({}), 600)
      const before = openSockets()
      const error = yield* Effect.flip(get(open, `http://dead.test:${origin.port}/`))
      assert.deepInclude(error, { _tag: "Timeout", phase: "connect", limitMillis: 600 })
      yield* until(() => openSockets() <= before)
      assert.isAtMost(openSockets(), before)
    })
  )
})

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length

/** An address whose queue is full until it accepts. */
const slowToAccept = (host: string, port: number) =>
  Effect.acquireRelease(
    Effect.async<{ readonly accept: () => void; readonly close: () => void }>((resume) => {
      const script = `const { createServer, connect } = require("net")
        const server = createServer((socket) => {
          socket.on("error", () => {}).once("data", () =>
            socket.end("HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\nlate"))
        })
        server.listen({ host: "${host}", port: ${port}, backlog: 1 }, () => {
          require("fs").writeSync(1, "listening")
          require("fs").readSync(0, Buffer.alloc(1))
        })`
      const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"] })
      const fillers: Array<Socket> = []
      const made = {
        accept: () => {
          child.stdin.write("x")
        },
        close: () => {
          child.kill("SIGKILL")
          for (const socket of fillers) {
            socket.destroy()
          }
        }
      }
      const fill = () => {
        const socket = connectPlain({ host, port })
        fillers.push(socket)
        socket.on("error", () => {})
        const full = setTimeout(() => resume(Effect.succeed(made)), 300)
        socket.on("connect", () => {
          clearTimeout(full)
          fill()
        })
      }
      child.stdout.once("data", fill)
    }),
    ({ close }) => Effect.sync(close)
  )

describe("idle connections", () => {
  it.scopedLive("have a limit over all origins: the least recently used are closed", () =>
    Effect.gen(function* () {
      const origins = yield* Effect.forEach(Array.from({ length: 300 }), () =>
        listening(() => createServer((socket) => socket.on("data", () => socket.write(hello))))
      )
      const open = () => origins.reduce((sum, { sockets: all }) => sum + all.size, 0)
      const { open: send } = yield* client()
      yield* Effect.forEach(origins, ({ port }) => get(send, `http://127.0.0.1:${port}/`), { concurrency: 5 })
      yield* until(() => open() <= 70)
      assert.isAtMost(open(), 70)
      assert.isAbove(open(), 30)
      // The most recently used connections are left.
      assert.strictEqual(origins.slice(-20).filter(({ sockets: all }) => all.size === 1).length, 20)
    })
  )

  it.scopedLive("are counted right after the last one of an origin had expired when it was wanted", () =>
    Effect.gen(function* () {
      let accepted = 0
      const origin = yield* listening(() =>
        createServer((socket) => {
          accepted++
          socket.on("data", () => socket.write(hello))
        })
      )
      const { open: send } = yield* client()
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
      yield* get(send, `http://127.0.0.1:${origin.port}/`)
      yield* turns(4)
      const later = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(performance, "now").mockImplementation(() => now() + 60_000)),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      yield* get(send, `http://127.0.0.1:${origin.port}/`)
      later.mockRestore()
      yield* turns(4)
      assert.strictEqual(accepted, 2)
      for (const socket of origin.sockets) {
        socket.end()
      }
      // The client has ended its side as well.
      yield* until(() => origin.sockets.size === 0)
      Descriptors.reclaim()
      assert.isTrue(isAsked)
      assert.strictEqual(yield* get(send, `http://127.0.0.1:${origin.port}/`), "hello")
      assert.strictEqual(accepted, 3)
    })
  )
})

describe("connections for which there are no descriptors", () => {
  it.scopedLive("are waited for in order, without a connection that ends, and the request says so", () =>
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
      const { open } = yield* client()
      yield* Effect.forEach([1, 2, 3], (count) => open({ url: `${origin.url}/long${count}`, headers: {} }))
      Descriptors.refused()
      const told: Array<string> = []
      const send = (name: string) =>
        Effect.flatMap(
          open({ url: `${origin.url}/${name}`, headers: {} }, { onHeld: (isHeld) => told.push(`${name} ${isHeld}`) }),
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
    it.scopedLive(`that ${what} at any moment costs no request, and no request is sent a third time`, () =>
      Effect.gen(function* () {
        let asked = 0
        let turn = 0
        const { port } = yield* listening(() =>
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
        const { open } = yield* client()
        for (let left = times; left > 0; left--) {
          assert.strictEqual(yield* get(open, `http://127.0.0.1:${port}/`), "hello")
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
      const { port } = yield* listening(() =>
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
      const { open } = yield* client()
      for (let left = times; left > 0; left--) {
        assert.strictEqual(yield* get(open, `http://127.0.0.1:${port}/`), "hello")
        assert.strictEqual(yield* get(open, `http://127.0.0.1:${port}/`), "again")
      }
    })
  )
})

describe("a kept connection that the server gives up", () => {
  it.scopedLive("with 408, while a request is in transit, is replaced; a 408 to the first request is a response", () =>
    Effect.gen(function* () {
      const timedOut = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
      let asked = 0
      const { port } = yield* listening(() =>
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
      const { open } = yield* client()
      const url = `http://127.0.0.1:${port}/`
      assert.strictEqual(yield* get(open, url), "hello")
      assert.strictEqual(yield* get(open, url), "hello")
      assert.strictEqual(asked, 3)
      const { status } = yield* open({ url, headers: {} })
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
        const { port } = yield* listening(() =>
          createServer((socket) => {
            sender = socket
            socket.once("data", () => {
              socket.write(head)
              socket.write(Buffer.alloc(bodyBytes))
              socket.end(head.includes("chunked") ? "\r\n0\r\n\r\n" : "")
            })
          })
        )
        const { open } = yield* client()
        const response = yield* open({ url: `http://127.0.0.1:${port}/`, headers: {} })
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
      const { open } = yield* client(connect, 100)
      for (let left = 5; left > 0; left--) {
        assert.strictEqual(yield* get(open, `${origin.url}/`), "hello")
      }
    })
  )
})

describe("public addresses", () => {
  it("are distinguished from all other addresses and texts", () => {
    for (const address of [
      "",
      " ",
      "localhost",
      "example.com",
      "[::1]",
      "[2606:4700:4700::1111]",
      "127.1",
      "0x7f000001",
      "0x08.8.8.8",
      "2130706433",
      "0177.0.0.1",
      "010.8.8.8",
      "8.8.8",
      "8.8.8.8.8",
      "8.8.8.8 ",
      " 8.8.8.8",
      "8.8.8.8\n",
      "8.8.8.8/32",
      "::ffff:8.8.8.8",
      "::ffff:7f00:1",
      "::8.8.8.8",
      "64:ff9b::8.8.8.8",
      "64:ff9b:1::1",
      "2001:0:8.8.8.8::",
      "2002:808:808::1",
      "2606:4700:4700::1111%eth0",
      "fe80::1%lo",
      "fec0::1",
      "ff0e::1",
      "100::1",
      "3fff::1"
    ]) {
      assert.isFalse(NodeTransport.isPublic(address), address)
    }
    for (const address of ["8.8.8.8", "2606:4700:4700::1111", "2A00:1450:4001::200E"]) {
      assert.isTrue(NodeTransport.isPublic(address), address)
    }
  })

  it.scopedLive("are requested in the same way as others", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end("hello"))
      const error = yield* Effect.flip(openIn({ url: `${origin.url}/`, headers: {} }))
      assert.deepInclude(error, { _tag: "AddressRefused", address: "127.0.0.1" })
      assert.strictEqual(origin.connections(), 0)
    }).pipe(Effect.provide(Layer.fresh(NodeTransport.layer({ publicOnly: true }))))
  )
})
