import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as NodeTransport from "../../src/Node/Transport.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import * as Transport from "../../src/Transport.js"
import { http, raw } from "../support/servers/loopback.js"
import { until } from "../support/transport/exchange.js"

// Each backend is tested through the engine with servers on the loopback interface.
const backends = {
  "Transport/HttpClient over node:http": HttpClientTransport.layerWith({ crossOrigin: "same-client" }).pipe(
    Layer.provide(NodeHttpClient.layer)
  ),
  "Transport/HttpClient over undici": HttpClientTransport.layerWith({ crossOrigin: "same-client" }).pipe(
    Layer.provide(NodeHttpClient.layerUndici)
  ),
  "Node/Transport": NodeTransport.layer()
}

const body = (url: string) =>
  Effect.gen(function* () {
    const downloader = yield* Downloader.Downloader
    const memory = yield* MemoryStore.MemoryFiles
    yield* downloader.download(Download.request({ url, destination: "file", onExists: "overwrite" }))
    return new TextDecoder().decode((yield* memory.files).get("file"))
  })

const failure = (url: string) => Effect.flip(body(url))

for (const [name, transport] of Object.entries(backends)) {
  const layer = Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
    Layer.provideMerge(Layer.merge(transport, MemoryStore.layer)),
    Layer.fresh
  )

  describe(name, () => {
    it.scopedLive("delivers the status, the headers and the body", () =>
      Effect.gen(function* () {
        const { url } = yield* http((request, response) => {
          response.setHeader("X-Asked", `${request.headers["accept-encoding"]}`)
          response.setHeader("X-Twice", ["a", "b"])
          response.end("body")
        })
        const response = yield* Transport.open({ url: `${url}/`, headers: { "accept-encoding": "identity" } })
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.headers["x-asked"], "identity")
        assert.strictEqual(response.headers["x-twice"], "a, b")
        assert.strictEqual(yield* Stream.mkString(Stream.decodeText(response.body)), "body")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("fails a body that broke before it was read", () =>
      Effect.gen(function* () {
        const { url } = yield* raw([
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
          "stay"
        ])
        const response = yield* Transport.open({ url: `${url}/`, headers: {} })
        yield* Effect.sleep("100 millis")
        const error = yield* Effect.flip(Stream.runDrain(response.body))
        assert.include(["Connection", "Protocol", "Truncated"], error._tag)
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("saves the last response after redirects, relative ones too", () =>
      Effect.gen(function* () {
        const { url } = yield* http((request, response) => {
          const next = { "/a": "/b?c=d", "/b?c=d": "e", "/e": undefined }[request.url ?? ""]
          response.writeHead(next === undefined ? 200 : 302, next === undefined ? {} : { location: next })
          response.end(next === undefined ? `at ${request.url}` : "moved")
        })
        assert.strictEqual(yield* body(`${url}/a`), "at /e")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("stops after ten redirects, and at redirects to addresses that are not allowed", () =>
      Effect.gen(function* () {
        let asked = 0
        const { url } = yield* http((request, response) => {
          asked++
          const location = { "/loop": "/loop", "/file": "file:///etc/passwd", "/bad": "http://[", "/none": undefined }
          const to =
            location[
              request.url === "/loop" || request.url === "/file" || request.url === "/bad" ? request.url : "/none"
            ]
          response.writeHead(302, { "content-length": 0, ...(to === undefined ? {} : { location: to }) })
          response.end()
        })
        assert.deepInclude(yield* failure(`${url}/loop`), { _tag: "Protocol", reason: "redirect-loop" })
        assert.strictEqual(asked, 11)
        assert.deepInclude(yield* failure(`${url}/file`), { _tag: "Protocol", reason: "redirect-refused" })
        assert.deepInclude(yield* failure(`${url}/bad`), { _tag: "Protocol", reason: "redirect-location" })
        assert.deepInclude(yield* failure(`${url}/none`), { _tag: "Protocol", reason: "redirect-location" })
      }).pipe(Effect.provide(layer))
    )

    it.effect("refuses every URL that is not an absolute http: or https: URL", () =>
      Effect.gen(function* () {
        for (const url of ["", "no url", "/relative", "file:///etc/passwd", "ftp://host/a", "data:,a"]) {
          assert.strictEqual((yield* failure(url))._tag, "InvalidRequest", url)
        }
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("distinguishes a refused connection from a name that does not resolve", () =>
      Effect.gen(function* () {
        const { url } = yield* Effect.scoped(http((_, response) => response.end()))
        assert.deepInclude(yield* failure(url), { _tag: "Connection", reason: "refused" })
        const nowhere = yield* failure("http://nowhere.invalid/")
        // Without a network no name can be resolved.
        assert.include(["unknown-host", "dns"], nowhere._tag === "Connection" ? nowhere.reason : nowhere._tag)
      }).pipe(Effect.provide(layer))
    )

    for (const [what, bytes, then, expected] of [
      [
        "a body that is cut short",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "end",
        { _tag: "Truncated", expectedBytes: 10 }
      ],
      [
        "a chunked body that is cut short",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "end",
        { _tag: "Truncated" }
      ],
      [
        "a reset in the middle of a body",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "reset",
        { _tag: "Truncated", receivedBytes: 4 }
      ],
      ["a reset before a response", "", "reset", { _tag: "Connection", reason: "reset" }],
      ["a connection that closes without a response", "", "end", { _tag: "Connection", reason: "reset" }],
      ["a garbage status line", "NOT HTTP AT ALL\r\n\r\n", "stay", { _tag: "Protocol", reason: "message" }],
      [
        "two lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "stay",
        { _tag: "Protocol" }
      ],
      ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "stay", { _tag: "Protocol" }],
      ["a header of 300 KB", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(300_000)}\r\n\r\n`, "stay", { _tag: "Protocol" }]
    ] as const) {
      it.scopedLive(`translates ${what}`, () =>
        Effect.gen(function* () {
          const { url } = yield* raw([bytes, then])
          assert.deepInclude(yield* failure(url), expected)
        }).pipe(Effect.provide(layer))
      )
    }

    it.scopedLive("shows no credentials and no query values in errors", () =>
      Effect.gen(function* () {
        const { url } = yield* Effect.scoped(http((_, response) => response.end()))
        const error = yield* failure(`${url.replace("//", "//user:secret@")}/?token=secret`)
        assert.notInclude(JSON.stringify(error), "secret")
        assert.notInclude(error.message, "secret")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("closes the connection if its caller is interrupted, before and within the body", () =>
      Effect.gen(function* () {
        for (const bytes of ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]) {
          const { sockets, url } = yield* raw([bytes, "stay"])
          const fiber = yield* Effect.fork(body(url))
          yield* until(() => sockets() === 1)
          yield* Fiber.interrupt(fiber)
          yield* until(() => sockets() === 0)
          assert.strictEqual(sockets(), 0)
        }
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("requests the URL as it was written, without its fragment", () =>
      Effect.gen(function* () {
        const asked: Array<string | undefined> = []
        const { url } = yield* http((request, response) => {
          asked.push(request.url)
          response.end()
        })
        yield* body(`${url}/a%20b?download&sig=a%20b~c(e)+f&x=#secret`)
        assert.deepStrictEqual(asked, ["/a%20b?download&sig=a%20b~c(e)+f&x="])
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("closes the connection of a redirect before the next request", () =>
      Effect.gen(function* () {
        const { sockets, url } = yield* http((request, response) => {
          const hop = Number(request.url?.slice(1))
          response.writeHead(hop < 5 ? 302 : 200, hop < 5 ? { location: `/${hop + 1}` } : {})
          response.write("a body that goes on")
        })
        yield* Effect.fork(body(`${url}/0`))
        yield* Effect.repeat(
          Effect.flatMap(MemoryStore.MemoryFiles, ({ parts }) => parts),
          {
            until: (parts) => parts === 1,
            schedule: Schedule.spaced("5 millis")
          }
        )
        yield* until(() => sockets() === 1)
        assert.strictEqual(sockets(), 1)
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("sends the credentials of a URL as a header, to that origin alone", () =>
      Effect.gen(function* () {
        const seen: Array<string | undefined> = []
        const other = yield* http((request, response) => {
          seen.push(request.headers.authorization)
          response.end()
        })
        const first = yield* http((request, response) => {
          seen.push(request.headers.authorization)
          response.writeHead(302, { location: `${other.url}/`, "content-length": 0 })
          response.end()
        })
        yield* body(first.url.replace("//", "//user:p%40ss@"))
        assert.deepStrictEqual(seen, [`Basic ${btoa("user:p@ss")}`, undefined])
      }).pipe(Effect.provide(layer))
    )
  })
}
