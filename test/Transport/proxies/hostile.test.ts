/**
 * Proxies that answer slowly, wrongly or not at all, on the loopback interface.
 */
import { connect, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RetryPolicy from "../../../src/RetryPolicy.js"
import { certificate } from "../../support/servers/certificate.js"
import { answering, http, listening, resolving, secure } from "../../support/servers/loopback.js"
import { collect, getWith, openWith, until } from "../../support/transport/exchange.js"
import { http1Client } from "../../support/transport/http1Client.js"

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

const behind = (url: string, options: Parameters<typeof http1Client>[0] = {}) =>
  http1Client({ ca: certificate, proxy: { proxy: url }, ...options })

/** A proxy that answers CONNECT with `answer`, one write for each text, and then passes bytes on. */
const connecting = (answers: ReadonlyArray<string>, requests: Array<string> = []) =>
  listening(
    createServer({ noDelay: true }, (socket) => {
      socket.once("data", (bytes) => {
        const request = bytes.toString("latin1")
        requests.push(request)
        const [, host = "", port = ""] = /^CONNECT \[?([^\]\s]+?)\]?:(\d+) /.exec(request) ?? []
        const origin = connect({ host, port: Number(port) }, () => {
          const next = (index: number): void => {
            const text = answers[index]
            if (text === undefined) {
              origin.pipe(socket).pipe(origin)
            } else {
              socket.write(text, "latin1", () => setImmediate(() => next(index + 1)))
            }
          }
          next(0)
        })
        origin.on("error", () => socket.destroy())
        socket.on("close", () => origin.destroy())
      })
    })
  )

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

describe("an answer to CONNECT", () => {
  for (const [what, answers] of [
    ["in single bytes", Array.from("HTTP/1.1 200 OK\r\nVia: a\r\n\r\n")],
    ["of HTTP/1.0", ["HTTP/1.0 200 Connection established\r\nProxy-agent: a\r\n\r\n"]],
    ["after informational responses", ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n", established]],
    ["with a length, which means nothing", ["HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"]],
    ["with a transfer coding, which means nothing", ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]]
  ] as const) {
    it.scopedLive(`opens a tunnel ${what}`, () =>
      Effect.gen(function* () {
        const requests: Array<string> = []
        const origin = yield* secure((socket) => socket.end(hello))
        const proxy = yield* connecting(answers, requests)
        const client = yield* behind(proxy.url)
        assert.strictEqual(yield* getWith(client, `${origin.url}/a?b`), "hello")
        const host = `localhost:${origin.port}`
        assert.deepStrictEqual(requests, [`CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: halyard\r\n\r\n`])
      })
    )
  }

  for (const [what, answer, reason] of [
    ["503", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsorry", "proxy"],
    ["a body without an end", `HTTP/1.1 502 Bad Gateway\r\n\r\n${"x".repeat(100_000)}`, "proxy"],
    ["a chunked body", "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "proxy"],
    ["403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "proxy-refused"],
    ["407", "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=a\r\n\r\n", "proxy-authentication"],
    ["407 without Basic", "HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\n\r\n", "proxy-authentication"],
    ["a redirect", "HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", "proxy-refused"],
    ["bytes after the head", `${established}extra`, "proxy"],
    ["a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "proxy"],
    ["a chunked body after 200", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "proxy"],
    ["a head without an end", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(60_000)}`, "proxy"],
    ["endless informational responses", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000), "proxy"],
    ["something else", "SSH-2.0-OpenSSH_9.2\r\n", "proxy"]
  ] as const) {
    it.scopedLive(`opens no tunnel with ${what}`, () =>
      Effect.gen(function* () {
        const proxy = yield* answering((socket) => socket.write(answer, "latin1"))
        const client = yield* behind(proxy.url)
        const error = yield* Effect.flip(getWith(client, "https://origin.test/"))
        assert.deepInclude(error, { _tag: "Connection", reason })
        assert.include(error.message, proxy.url)
        assert.strictEqual(RetryPolicy.isTransient(error), reason === "proxy")
        yield* until(() => proxy.sockets() === 0)
        assert.strictEqual(proxy.sockets(), 0)
      })
    )
  }

  for (const [what, end] of [
    ["ends", (socket: Socket) => socket.end()],
    ["is reset", (socket: Socket) => socket.resetAndDestroy()],
    ["ends within the head", (socket: Socket) => socket.end("HTTP/1.1 200 O")]
  ] as const) {
    it.scopedLive(`is missing if the connection ${what}`, () =>
      Effect.gen(function* () {
        const proxy = yield* answering((socket) => void end(socket))
        const client = yield* behind(proxy.url)
        const error = yield* Effect.flip(getWith(client, "https://origin.test/"))
        assert.strictEqual(error._tag, "Connection")
        assert.include(error.message, proxy.url)
        assert.isTrue(RetryPolicy.isTransient(error))
      })
    )
  }

  it.scopedLive("is waited for as long as for a connection, and its socket is closed then", () =>
    Effect.gen(function* () {
      const proxy = yield* answering(() => undefined)
      const client = yield* behind(proxy.url, { connectMillis: 100 })
      const error = yield* Effect.flip(getWith(client, "https://origin.test/"))
      assert.deepInclude(error, { _tag: "Timeout", phase: "connect", limitMillis: 100 })
      yield* until(() => proxy.sockets() === 0)
      assert.strictEqual(proxy.sockets(), 0)
    })
  )

  it.scopedLive("is not waited for after an interruption", () =>
    Effect.gen(function* () {
      const proxy = yield* answering(() => undefined)
      const client = yield* behind(proxy.url)
      const fiber = yield* Effect.fork(getWith(client, "https://origin.test/"))
      yield* until(() => proxy.requests.length === 1)
      yield* fiber.interruptAsFork(fiber.id())
      yield* until(() => proxy.sockets() === 0)
      assert.strictEqual(proxy.sockets(), 0)
    })
  )
})

describe("TLS in a tunnel", () => {
  it.scopedLive("checks the name of the origin, and not the name of the proxy", () =>
    Effect.gen(function* () {
      // Its certificate is for localhost.
      const origin = yield* secure((socket) => socket.end(hello))
      const proxy = yield* connecting([established])
      yield* resolving("other.test", ["127.0.0.1"])
      const client = yield* behind(`http://localhost:${proxy.port}`)
      for (const host of ["127.0.0.1", "other.test"]) {
        const error = yield* Effect.flip(getWith(client, `https://${host}:${origin.port}/`))
        assert.deepInclude(error, { _tag: "Connection", reason: "tls" }, host)
      }
      assert.strictEqual(yield* getWith(client, `https://localhost:${origin.port}/`), "hello")
    })
  )

  for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
    for (const bytes of [0, 5, 16_386, 500_000]) {
      it.scopedLive(`ends a body of ${bytes} bytes without a length only if ${version} announces the end`, () =>
        Effect.gen(function* () {
          const text = "x".repeat(bytes)
          const announced = yield* secure((socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${text}`), {
            maxVersion: version
          })
          const cut = yield* secure(
            (socket) => {
              socket.write(`HTTP/1.1 200 OK\r\n\r\n${text}`, () => Reflect.get(socket, "_parent")?.end())
            },
            { maxVersion: version }
          )
          const proxy = yield* connecting([established])
          const client = yield* behind(proxy.url)
          for (let left = 10; left > 0; left--) {
            assert.strictEqual((yield* getWith(client, announced.url)).length, bytes)
            assert.deepInclude(yield* Effect.flip(getWith(client, cut.url)), { _tag: "Truncated" })
          }
        })
      )
    }
  }
})

describe("a proxy for http: URLs", () => {
  it.scopedLive("gets the whole URL and its own authorization, on one connection for all origins", () =>
    Effect.gen(function* () {
      const requests: Array<string> = []
      const proxy = yield* answering((socket, _, request) => {
        requests.push(request)
        socket.write(hello)
      })
      const client = yield* behind(`http://ann:b%3Ac@127.0.0.1:${proxy.port}`)
      for (const url of ["http://a.test/x?y=1", "http://b.test:81/", "http://[::1]/z"]) {
        assert.strictEqual(yield* getWith(client, url), "hello")
      }
      assert.strictEqual(proxy.connections(), 1)
      const authorization = `proxy-authorization: Basic ${Buffer.from("ann:b:c").toString("base64")}`
      const rest = `connection: keep-alive\r\n${authorization}\r\n\r\n`
      assert.deepStrictEqual(requests, [
        `GET http://a.test/x?y=1 HTTP/1.1\r\nhost: a.test\r\n${rest}`,
        `GET http://b.test:81/ HTTP/1.1\r\nhost: b.test:81\r\n${rest}`,
        `GET http://[::1]/z HTTP/1.1\r\nhost: [::1]\r\n${rest}`
      ])
    })
  )

  it.scopedLive("that answers 407 is an error, although 407 of an origin is a status", () =>
    Effect.gen(function* () {
      const answer = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=a\r\nContent-Length: 0\r\n\r\n"
      const server = yield* answering((socket) => socket.write(answer))
      const client = yield* behind(server.url)
      const error = yield* Effect.flip(getWith(client, "http://a.test/"))
      assert.deepInclude(error, { _tag: "Connection", reason: "proxy-authentication" })
      const direct = yield* http1Client()
      const { status } = yield* openWith(direct, { url: `${server.url}/`, headers: {} })
      assert.strictEqual(status, 407)
    })
  )

  it.scopedLive("that cannot be connected to is named in the error", () =>
    Effect.gen(function* () {
      const client = yield* behind("http://127.0.0.1:1")
      for (const url of ["http://a.test/", "https://a.test/"]) {
        const error = yield* Effect.flip(getWith(client, url))
        assert.deepInclude(error, {
          _tag: "Connection",
          reason: "refused",
          detail: "http://127.0.0.1:1: ECONNREFUSED"
        })
      }
    })
  )

  it.scopedLive("is not used for the origins of noProxy", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end("direct"))
      const client = yield* http1Client({ proxy: { proxy: "http://127.0.0.1:1", noProxy: "127.0.0.0/8" } })
      assert.strictEqual(yield* getWith(client, origin.url), "direct")
    })
  )
})

describe("publicOnly with a proxy", () => {
  it.scopedLive("refuses addresses that are not public before the proxy is asked", () =>
    Effect.gen(function* () {
      const proxy = yield* connecting([established])
      yield* resolving("private.test", ["10.0.0.1"])
      for (const scheme of ["http", "socks5h"]) {
        const client = yield* behind(`${scheme}://127.0.0.1:${proxy.port}`, { publicOnly: true })
        for (const url of ["http://private.test/", "https://private.test/", "https://127.0.0.1/"]) {
          const error = yield* Effect.flip(getWith(client, url))
          assert.strictEqual(error._tag, "AddressRefused")
        }
      }
    })
  )

  it.scopedLive("asks the proxy for the checked address, also for http: URLs, and keeps the name in the request", () =>
    Effect.gen(function* () {
      yield* resolving("public.test", ["93.184.215.14"])
      const requests: Array<string> = []
      const proxy = yield* answering((socket, turn, request) => {
        requests.push(request.split("\r\n").slice(0, 2).join(" "))
        socket.write(turn === 0 ? established : hello)
      })
      const client = yield* behind(proxy.url, { publicOnly: true })
      const response = yield* openWith(client, { url: "http://public.test/a", headers: {} })
      assert.strictEqual(yield* collect(response), "hello")
      assert.deepStrictEqual(requests, [
        "CONNECT 93.184.215.14:80 HTTP/1.1 host: 93.184.215.14:80",
        "GET /a HTTP/1.1 host: public.test"
      ])
    })
  )
})

describe("a name that cannot be resolved", () => {
  it.scopedLive("says which proxy variable is not used", () =>
    Effect.gen(function* () {
      const client = yield* http1Client({ unusedProxy: "https_proxy is set, but this transport uses no proxy" })
      const error = yield* Effect.flip(getWith(client, "https://does-not-exist.invalid/"))
      assert.match(error.message, /\(E\w+; https_proxy is set, but this transport uses no proxy\)/)
    })
  )
})
