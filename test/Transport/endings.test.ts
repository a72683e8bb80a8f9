/**
 * How connections end, on real sockets: announced, cut, reset and damaged.
 */
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "../../src/Node/Transport/http1/client.js"
import { sockets } from "../../src/Node/Transport/sockets.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import type { TransportRequest } from "../../src/Transport.js"
import { certificate, key } from "../support/certificate.js"
import { collect as collectText, openWith, type Response } from "../support/exchange.js"

const clientOf = (ca: string | undefined) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Client.make({ connectMillis: 10_000, connect: sockets({ ca }) })),
      ({ close }) => close
    ),
    (made) => ({ open: (request: TransportRequest) => openWith(made, request) })
  )

const client = clientOf(certificate)

const collect = (response: Response) => Effect.map(collectText(response), ({ length }) => length)

const listening = (server: Server) =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
      const open = new Set<Socket>()
      server.on("connection", (socket: Socket) => {
        open.add(socket)
        socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket))
      })
      server.listen(0, "127.0.0.1", () => {
        const at = server.address()
        const close = () => {
          server.close()
          for (const socket of open) {
            socket.destroy()
          }
        }
        resume(Effect.succeed({ port: typeof at === "object" && at !== null ? at.port : 0, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const head = "HTTP/1.1 200 OK\r\n\r\n"

/** Answers the n-th request of all. */
const plain = (answer: (socket: Socket, turn: number) => void) => {
  let turn = 0
  return Effect.map(
    listening(
      createServer({ noDelay: true }, (socket) => {
        socket.on("data", () => answer(socket, turn++))
      })
    ),
    ({ port }) => `http://127.0.0.1:${port}/`
  )
}

const secure = (answer: (socket: TLSSocket) => void, options: Parameters<typeof createTlsServer>[0] = {}) =>
  listening(
    createTlsServer({ key, cert: certificate, ...options }, (socket) => {
      socket.on("error", () => socket.destroy())
      const { remotePort } = socket
      socket.once("data", () => {
        answered.add(remotePort)
        socket.once("close", () => answered.delete(remotePort))
        answer(socket)
      })
    })
  )

describe("a body that ends with its connection", () => {
  const times = 150

  for (const [what, bytes] of [
    ["short", 10],
    ["as long as a read", 64 * 1024 - head.length],
    ["long", 300_000]
  ] as const) {
    it.scopedLive(`is never whole where it is reset, and always where it is ended: ${what}`, () =>
      Effect.gen(function* () {
        const { open } = yield* client
        const body = "x".repeat(bytes)
        const reset = yield* plain((socket, turn) => {
          if (turn % 3 === 0) {
            socket.write(head + body)
            socket.resetAndDestroy()
          } else {
            socket.write(head + body, () =>
              turn % 3 === 1 ? socket.resetAndDestroy() : setImmediate(() => socket.resetAndDestroy())
            )
          }
        })
        const ended = yield* plain((socket) => socket.end(head + body))
        const get = (url: string) => Effect.scoped(Effect.flatMap(open({ url, headers: {} }), collect))
        const tags = yield* Effect.forEach(
          Array.from({ length: times }),
          () =>
            Effect.match(get(reset), {
              onSuccess: () => "saved",
              onFailure: (error) => error._tag
            }),
          { concurrency: 4 }
        )
        assert.deepStrictEqual(
          tags.filter((tag) => tag !== "Truncated" && tag !== "Connection"),
          []
        )
        const whole = yield* Effect.forEach(Array.from({ length: times }), () => get(ended), { concurrency: 4 })
        assert.deepStrictEqual(new Set(whole), new Set([bytes]))
      })
    )
  }

  it.scopedLive("is not complete if TLS is reset", () =>
    Effect.gen(function* () {
      const { open } = yield* client
      const origin = yield* secure((socket) => socket.end(`${head}hello`))
      const reset = yield* proxy(origin.port, (bytes, socket) => {
        socket.write(withoutAlert(bytes))
        socket.resetAndDestroy()
      })
      for (let left = 40; left > 0; left--) {
        const error = yield* Effect.flip(get(open, reset))
        assert.include(["Truncated", "Connection"], error._tag)
      }
    })
  )

  for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
    for (const [what, bytes] of [
      ["empty", 0],
      ["short", 5],
      ["of two bytes more than a record", 16_386],
      ["long", 500_000]
    ] as const) {
      it.scopedLive(`is whole where ${version} says that it ends, and only there: ${what}`, () =>
        Effect.gen(function* () {
          const { open } = yield* client
          const body = "x".repeat(bytes)
          const origin = yield* secure((socket) => socket.end(head + body), { maxVersion: version })
          const direct = `https://localhost:${origin.port}/`
          // The alert in a packet of its own, a moment later, or in one packet with the content.
          const late = yield* proxy(origin.port, (all, socket) => {
            socket.write(withoutAlert(all), () =>
              setTimeout(() => socket.end(all.subarray(withoutAlert(all).length)), 5)
            )
          })
          const whole = yield* proxy(origin.port, (all, socket) => socket.end(all))
          for (const url of [direct, late, whole]) {
            for (let left = 10; left > 0; left--) {
              assert.strictEqual(yield* get(open, url), bytes)
            }
          }
          const unsaid = yield* proxy(origin.port, (all, socket) => socket.end(withoutAlert(all)))
          const unsaidLate = yield* proxy(origin.port, (all, socket) => {
            socket.write(withoutAlert(all), () => setTimeout(() => socket.end(), 5))
          })
          const within = yield* proxy(origin.port, (all, socket) =>
            socket.end(bytes > 1000 ? all.subarray(0, -60) : withoutAlert(all))
          )
          for (const url of [unsaid, unsaidLate, within]) {
            for (let left = 10; left > 0; left--) {
              assert.deepInclude(yield* Effect.flip(get(open, url)), { _tag: "Truncated" })
            }
          }
          // A digest or a size verifies the body, whatever the end.
          assert.strictEqual(yield* get(open, unsaid, true), bytes)
        })
      )
    }
  }
})

describe("a TLS connection", () => {
  it.scopedLive("is reset if a record is damaged in the middle of a body, which is worth a retry", () =>
    Effect.gen(function* () {
      const { open } = yield* client
      for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
        for (const sent of [`HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n`, head]) {
          const origin = yield* secure((socket) => socket.end(sent + "x".repeat(500_000)), { maxVersion: version })
          const damaged = yield* proxy(origin.port, (all, socket) => {
            all[all.length - 300_000] = (all[all.length - 300_000] ?? 0) ^ 1
            socket.end(all)
          })
          const error = yield* Effect.flip(get(open, damaged))
          assert.deepInclude(error, { _tag: "Connection", reason: "reset" })
          assert.match(error._tag === "Connection" ? error.detail : "", /^ERR_SSL_/)
          assert.isTrue(RetryPolicy.isTransient(error))
        }
      }
    })
  )

  it.scopedLive("is reset if a record of the head is damaged", () =>
    Effect.gen(function* () {
      const { open } = yield* client
      const origin = yield* secure((socket) => socket.end(head))
      const damaged = yield* proxy(origin.port, (all, socket) => {
        all[all.length - 30] = (all[all.length - 30] ?? 0) ^ 1
        socket.end(all)
      })
      assert.deepInclude(yield* Effect.flip(get(open, damaged)), { _tag: "Connection", reason: "reset" })
    })
  )

  it.scopedLive("is refused for its certificate, which is not worth a retry", () =>
    Effect.gen(function* () {
      const { open } = yield* clientOf(undefined)
      const origin = yield* secure((socket) => socket.end(head))
      const error = yield* Effect.flip(get(open, `https://localhost:${origin.port}/`))
      assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
      assert.isFalse(RetryPolicy.isTransient(error))
    })
  )
})

type Open = Effect.Effect.Success<typeof client>["open"]

const get = (open: Open, url: string, verifiesBody?: boolean) =>
  Effect.scoped(Effect.flatMap(open({ url, headers: {}, verifiesBody }), collect))

/** The ports of clients that a TLS server answers. */
const answered = new Set<number | undefined>()

/** All records but the last, which is the alert. */
const withoutAlert = (records: Buffer): Buffer => {
  let last = 0
  for (let at = 0; at + 5 <= records.length; at += 5 + records.readUInt16BE(at + 3)) {
    last = at
  }
  return records.subarray(0, last)
}

/** Between a client and a server: what the server has sent when it ends goes on as `give` does it. */
const proxy = (port: number, give: (bytes: Buffer, socket: Socket) => void) =>
  Effect.map(
    listening(
      createServer({ noDelay: true }, (socket) => {
        const server = connectPlain({ port, host: "127.0.0.1" })
        // The bytes of the handshake are passed on unchanged.
        const kept: Array<Buffer> = []
        socket.on("data", (bytes) => server.write(bytes))
        server.on("data", (bytes: Buffer) => {
          if (answered.has(server.localPort)) {
            kept.push(bytes)
          } else {
            socket.write(bytes)
          }
        })
        server.on("end", () => give(Buffer.concat(kept), socket)).on("error", () => socket.destroy())
        socket.on("close", () => server.destroy())
      })
    ),
    (made) => `https://localhost:${made.port}/`
  )
