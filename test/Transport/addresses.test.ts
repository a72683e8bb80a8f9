/**
 * Hosts with several addresses, and public addresses.
 */
import { spawn } from "node:child_process"
import { createServer as createTlsServer } from "node:https"
import { connect as connectPlain, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NodeTransport from "../../src/Node/Transport.js"
import { certificate, key } from "../support/servers/certificate.js"
import { blackHole, http, listening, resolving } from "../support/servers/loopback.js"
import { getWith, open, until } from "../support/transport/exchange.js"
import { http1Client } from "../support/transport/http1Client.js"

describe("a host with several addresses", () => {
  it.scopedLive.skipIf(process.platform !== "linux")(
    "is connected to by its second address if the first does not answer, and leaves no socket",
    () =>
      Effect.gen(function* () {
        const origin = yield* http((_, response) => response.end("hello"))
        yield* blackHole("127.0.0.2", origin.port)
        yield* resolving("two.test", ["127.0.0.2", "127.0.0.1"])
        const client = yield* http1Client()
        assert.strictEqual(yield* getWith(client, `http://two.test:${origin.port}/`), "hello")
        assert.strictEqual(origin.connections(), 1)
      })
  )

  it.scopedLive.skipIf(process.platform !== "linux")(
    "is connected to by an address that needs more than 250 ms if the others do not answer",
    () =>
      Effect.gen(function* () {
        const origin = yield* http((_, response) => response.end("hello"))
        yield* blackHole("127.0.0.2", origin.port)
        yield* blackHole("127.0.0.3", origin.port)
        yield* resolving("slow.test", ["127.0.0.4", "127.0.0.2", "127.0.0.3"])
        // The first address accepts after 600 ms: the kernel tries a full queue again a second later.
        const slow = yield* slowToAccept("127.0.0.4", origin.port)
        const client = yield* http1Client()
        const fiber = yield* Effect.fork(getWith(client, `http://slow.test:${origin.port}/`))
        yield* Effect.sleep("600 millis")
        slow.accept()
        assert.strictEqual(yield* Fiber.join(fiber), "late")
      })
  )

  it.scopedLive.skipIf(process.platform !== "linux")(
    "is connected to by the address that answers, with TLS for its name",
    () =>
      Effect.gen(function* () {
        const { port } = yield* listening(
          createTlsServer({ key, cert: certificate }, (_, response) => response.end("hello"))
        )
        yield* blackHole("127.0.0.2", port)
        yield* resolving("localhost", ["127.0.0.2", "127.0.0.1"])
        const client = yield* http1Client({ ca: certificate })
        for (const _ of [1, 2]) {
          assert.strictEqual(yield* getWith(client, `https://localhost:${port}/`), "hello")
        }
      })
  )

  it.scopedLive.skipIf(process.platform !== "linux")("fails as soon as all addresses have failed", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end("hello"))
      yield* resolving("none.test", ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
      const client = yield* http1Client()
      const error = yield* Effect.flip(getWith(client, `http://none.test:${origin.port}/`))
      assert.deepInclude(error, { _tag: "Connection", reason: "refused" })
    })
  )

  it.scopedLive.skipIf(process.platform !== "linux")(
    "fails after one time limit for all addresses, and leaves no socket",
    () =>
      Effect.gen(function* () {
        const origin = yield* http((_, response) => response.end("hello"))
        yield* blackHole("127.0.0.2", origin.port)
        yield* blackHole("127.0.0.3", origin.port)
        yield* resolving("dead.test", ["127.0.0.2", "127.0.0.3"])
        const client = yield* http1Client({ connectMillis: 600 })
        const before = openSockets()
        const error = yield* Effect.flip(getWith(client, `http://dead.test:${origin.port}/`))
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

  it.scopedLive("are the only ones that are connected to if the option says so", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end("hello"))
      const error = yield* Effect.flip(open({ url: `${origin.url}/`, headers: {} }))
      assert.deepInclude(error, { _tag: "AddressRefused", address: "127.0.0.1" })
      assert.strictEqual(origin.connections(), 0)
    }).pipe(Effect.provide(Layer.fresh(NodeTransport.layer({ publicOnly: true }))))
  )
})

describe("localAddress", () => {
  for (const family of [undefined, "ipv4"] as const) {
    it.scopedLive(`of the other family connects to no address, with the family ${family}`, () =>
      Effect.gen(function* () {
        const origin = yield* http((_, response) => response.end("hello"))
        const error = yield* open({ url: `${origin.url}/`, headers: {} }).pipe(
          Effect.flip,
          Effect.provide(Layer.fresh(NodeTransport.layer({ family, localAddress: "::1" })))
        )
        assert.strictEqual(error._tag, "Connection")
        assert.strictEqual(origin.connections(), 0)
      })
    )
  }
})

describe("allowAddress", () => {
  const origin = Effect.suspend(() => http((_, response) => response.end("hello")))

  const withPolicy = (options: NodeTransport.Options) =>
    Effect.flatMap(origin, ({ connections, port }) =>
      open({ url: `http://localhost:${port}/`, headers: {} }).pipe(
        Effect.either,
        Effect.map((result) => ({ result, connections: connections() })),
        Effect.provide(Layer.fresh(NodeTransport.layer(options)))
      )
    )

  it.scopedLive("decides for each address of a host", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const allowed = yield* withPolicy({
        allowAddress: (address, hostname) => {
          asked.push(`${address} ${hostname}`)
          return true
        }
      })
      assert.isTrue(Either.isRight(allowed.result))
      assert.include(asked, "127.0.0.1 localhost")
      const refused = yield* withPolicy({ allowAddress: (address) => address !== "127.0.0.1" })
      assert.isTrue(Either.isLeft(refused.result) && refused.result.left._tag === "AddressRefused")
      assert.strictEqual(refused.connections, 0)
    })
  )

  it.scopedLive("does not allow what publicOnly refuses", () =>
    Effect.gen(function* () {
      const refused = yield* withPolicy({ publicOnly: true, allowAddress: () => true })
      assert.isTrue(Either.isLeft(refused.result) && refused.result.left._tag === "AddressRefused")
    })
  )

  it.scopedLive("allows nothing if it throws", () =>
    Effect.gen(function* () {
      const refused = yield* withPolicy({
        allowAddress: () => {
          throw new Error("planted")
        }
      })
      assert.isTrue(Either.isLeft(refused.result) && refused.result.left._tag === "Connection")
      assert.strictEqual(refused.connections, 0)
    })
  )
})
