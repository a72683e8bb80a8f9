/**
 * How connections end, on real sockets: announced, cut, reset and damaged.
 */
import { connect as connectPlain, createServer, type Socket } from "node:net"
import type { TLSSocket, TlsOptions } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Client } from "../../src/Node/Transport/http1/client.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import { certificate } from "../support/servers/certificate.js"
import { answering, listening, secure as secureOrigin } from "../support/servers/loopback.js"
import { collect, openWith } from "../support/transport/exchange.js"
import { http1Client } from "../support/transport/http1Client.js"

const head = "HTTP/1.1 200 OK\r\n\r\n"

const trusting = http1Client({ ca: certificate })

/** The length of the body. */
const get = (client: Client, url: string, verifiesBody?: boolean) =>
  Effect.scoped(
    Effect.map(Effect.flatMap(openWith(client, { url, headers: {}, verifiesBody }), collect), ({ length }) => length)
  )

/** The ports of clients that a TLS server answers. */
const answered = new Set<number | undefined>()

const secure = (answer: (socket: TLSSocket) => void, options: TlsOptions = {}) =>
  secureOrigin((socket) => {
    const { remotePort } = socket
    answered.add(remotePort)
    socket.once("close", () => answered.delete(remotePort))
    answer(socket)
  }, options)

describe("a body that ends with its connection", () => {
  const times = 150

  for (const [what, bytes] of [
    ["short", 10],
    ["as long as a read", 64 * 1024 - head.length],
    ["long", 300_000]
  ] as const) {
    it.scopedLive(`is whole if it is ended, and never if it is reset: ${what}`, () =>
      Effect.gen(function* () {
        const client = yield* trusting
        const body = "x".repeat(bytes)
        const reset = yield* answering((socket, turn) => {
          if (turn % 3 === 0) {
            socket.write(head + body)
            socket.resetAndDestroy()
          } else {
            socket.write(head + body, () =>
              turn % 3 === 1 ? socket.resetAndDestroy() : setImmediate(() => socket.resetAndDestroy())
            )
          }
        })
        const ended = yield* answering((socket) => socket.end(head + body))
        const tags = yield* Effect.forEach(
          Array.from({ length: times }),
          () =>
            Effect.match(get(client, reset.url), {
              onSuccess: () => "saved",
              onFailure: (error) => error._tag
            }),
          { concurrency: 4 }
        )
        assert.deepStrictEqual(
          tags.filter((tag) => tag !== "Truncated" && tag !== "Connection"),
          []
        )
        const whole = yield* Effect.forEach(Array.from({ length: times }), () => get(client, ended.url), {
          concurrency: 4
        })
        assert.deepStrictEqual(new Set(whole), new Set([bytes]))
      })
    )
  }

  it.scopedLive("is not complete if TLS is reset", () =>
    Effect.gen(function* () {
      const client = yield* trusting
      const origin = yield* secure((socket) => socket.end(`${head}hello`))
      const reset = yield* proxy(origin.port, (bytes, socket) => {
        socket.write(withoutAlert(bytes))
        socket.resetAndDestroy()
      })
      for (let left = 40; left > 0; left--) {
        const error = yield* Effect.flip(get(client, reset))
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
      it.scopedLive(`is whole if ${version} announces its end, and not otherwise: ${what}`, () =>
        Effect.gen(function* () {
          const client = yield* trusting
          const body = "x".repeat(bytes)
          const origin = yield* secure((socket) => socket.end(head + body), { maxVersion: version })
          const direct = origin.url
          // The alert in a packet of its own, a moment later, or in one packet with the content.
          const late = yield* proxy(origin.port, (all, socket) => {
            socket.write(withoutAlert(all), () =>
              setTimeout(() => socket.end(all.subarray(withoutAlert(all).length)), 5)
            )
          })
          const whole = yield* proxy(origin.port, (all, socket) => socket.end(all))
          for (const url of [direct, late, whole]) {
            for (let left = 10; left > 0; left--) {
              assert.strictEqual(yield* get(client, url), bytes)
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
              assert.deepInclude(yield* Effect.flip(get(client, url)), { _tag: "Truncated" })
            }
          }
          // A digest or a size verifies the body, whatever the end.
          assert.strictEqual(yield* get(client, unsaid, true), bytes)
        })
      )
    }
  }
})

describe("a TLS connection", () => {
  it.scopedLive("is reset if a record is damaged in the middle of a body, which is worth a retry", () =>
    Effect.gen(function* () {
      const client = yield* trusting
      for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
        for (const sent of [`HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n`, head]) {
          const origin = yield* secure((socket) => socket.end(sent + "x".repeat(500_000)), { maxVersion: version })
          const damaged = yield* proxy(origin.port, (all, socket) => {
            all[all.length - 300_000] = (all[all.length - 300_000] ?? 0) ^ 1
            socket.end(all)
          })
          const error = yield* Effect.flip(get(client, damaged))
          assert.deepInclude(error, { _tag: "Connection", reason: "reset" })
          assert.match(error._tag === "Connection" ? error.detail : "", /^ERR_SSL_/)
          assert.isTrue(RetryPolicy.isTransient(error))
        }
      }
    })
  )

  it.scopedLive("is reset if a record of the head is damaged", () =>
    Effect.gen(function* () {
      const client = yield* trusting
      const origin = yield* secure((socket) => socket.end(head))
      const damaged = yield* proxy(origin.port, (all, socket) => {
        all[all.length - 30] = (all[all.length - 30] ?? 0) ^ 1
        socket.end(all)
      })
      assert.deepInclude(yield* Effect.flip(get(client, damaged)), { _tag: "Connection", reason: "reset" })
    })
  )

  it.scopedLive("is refused for its certificate, which is not worth a retry", () =>
    Effect.gen(function* () {
      const client = yield* http1Client()
      const origin = yield* secure((socket) => socket.end(head))
      const error = yield* Effect.flip(get(client, origin.url))
      assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
      assert.isFalse(RetryPolicy.isTransient(error))
    })
  )
})

/** All records but the last, which is the alert. */
const withoutAlert = (records: Buffer): Buffer => {
  let last = 0
  for (let at = 0; at + 5 <= records.length; at += 5 + records.readUInt16BE(at + 3)) {
    last = at
  }
  return records.subarray(0, last)
}

/** A proxy between a client and a server. When the server has ended the connection, `give` gets the bytes of its answer. */
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
