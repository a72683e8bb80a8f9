/**
 * Requests with another method than GET, or with content: how they are sent, redirected and repeated.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Download from "../../src/Download.js"
import type * as RetryPolicy from "../../src/RetryPolicy.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"
import { content, download, nothingLeft, type Options, url } from "../support/transport/hostileRow.js"

const sent = Effect.map(Origin.Origin, ({ requests }) =>
  requests().map(({ body, headers, method, url: to }) => [
    method,
    to,
    body === undefined ? undefined : new TextDecoder().decode(body),
    headers["content-type"],
    headers["x-key"]
  ])
)

const form: Options = {
  body: "a=1",
  headers: { "Content-Type": "application/x-www-form-urlencoded", "X-Key": "s3cret" }
}

const type = "application/x-www-form-urlencoded"

const elsewhere = "http://other.test/file"

const redirects = (status: number, location: string) => (request: Origin.Request) =>
  request.url === url ? { status, headers: { location } } : Origin.file(request, "result")

describe("a request with content", () => {
  it.effect("is a POST, and a GET without content after 303, and after 301 or 302", () =>
    Effect.forEach([301, 302, 303], (status) =>
      Effect.gen(function* () {
        yield* autoAdvance(download(url, form))
        assert.deepStrictEqual(yield* sent, [
          ["POST", url, "a=1", type, "s3cret"],
          ["GET", `${url}/2`, undefined, undefined, "s3cret"]
        ])
        assert.strictEqual(yield* content, "result")
        yield* nothingLeft
      }).pipe(Effect.provide(layer(redirects(status, "/file/2"))))
    )
  )

  it.effect("keeps its method and its content after 307 and 308, and after 301 and 302 if it is no POST", () =>
    Effect.forEach(
      [
        [307, "POST"],
        [308, "POST"],
        [301, "PUT"],
        [302, "PATCH"]
      ] as const,
      ([status, method]) =>
        Effect.gen(function* () {
          yield* autoAdvance(download(url, { ...form, method }))
          assert.deepStrictEqual(yield* sent, [
            [method, url, "a=1", type, "s3cret"],
            [method, `${url}/2`, "a=1", type, "s3cret"]
          ])
        }).pipe(Effect.provide(layer(redirects(status, "/file/2"))))
    )
  )

  it.effect("is not sent to another origin, and the GET after 303 has none of its headers there", () =>
    Effect.gen(function* () {
      for (const [status, options] of [
        [307, form],
        [308, form],
        [301, { ...form, method: "PUT" }],
        [307, { method: "DELETE" }],
        [307, { ...form, method: "GET" }]
      ] as const) {
        yield* Effect.gen(function* () {
          const error = yield* Effect.flip(autoAdvance(download(url, options)))
          assert.deepInclude(error, { _tag: "Protocol", reason: "redirect-refused" })
          assert.strictEqual((yield* sent).length, 1)
        }).pipe(Effect.provide(layer(redirects(status, elsewhere))))
      }
      yield* Effect.gen(function* () {
        yield* autoAdvance(download(url, form))
        assert.deepStrictEqual((yield* sent)[1], ["GET", elsewhere, undefined, undefined, undefined])
      }).pipe(Effect.provide(layer(redirects(303, elsewhere))))
    })
  )

  it.effect(
    "is repeated only if no connection was made, unless its method is idempotent or the policy repeats any",
    () =>
      Effect.gen(function* () {
        const attempts = (options: Options, reply: Origin.Reply, retry: RetryPolicy.Options = {}) =>
          Effect.gen(function* () {
            yield* Effect.exit(autoAdvance(download(url, options)))
            yield* nothingLeft
            return (yield* Origin.Origin).requests().length
          }).pipe(
            Effect.provide(layer((request) => (request.turn === 0 ? reply : Origin.file(request, "result")), { retry }))
          )
        const put = { ...form, method: "PUT" }
        for (const instead of ["unknown-host", "refused", "dns"] as const) {
          assert.strictEqual(yield* attempts(form, { instead }), 2, instead)
        }
        for (const reply of [
          { instead: "reset" },
          { status: 503 },
          { status: 429 },
          { body: "12345678", breakAt: { bytes: 4, how: "close" } }
        ] as const) {
          assert.strictEqual(yield* attempts(form, reply), 1)
          assert.strictEqual(yield* attempts({ method: "PATCH" }, reply), 1)
          assert.strictEqual(yield* attempts({ method: "PURGE" }, reply), 1)
          assert.strictEqual(yield* attempts(put, reply), 2)
          assert.strictEqual(yield* attempts({ method: "DELETE" }, reply), 2)
          assert.strictEqual(yield* attempts(form, reply, { anyMethod: true }), 2)
        }
      })
  )

  it.effect("is not repeated if a request after its redirect fails", () =>
    Effect.gen(function* () {
      for (const instead of ["refused", "reset"] as const) {
        yield* Effect.gen(function* () {
          const error = yield* Effect.flip(autoAdvance(download(url, form)))
          assert.deepInclude(error, { _tag: "Connection", reason: instead })
          assert.strictEqual((yield* sent).filter(([method]) => method === "POST").length, 1)
        }).pipe(
          Effect.provide(
            layer((request) => (request.method === "POST" ? { status: 303, headers: { location: "/2" } } : { instead }))
          )
        )
      }
    })
  )

  it.effect("is sent for each caller, is not resumed and has one connection", () => {
    const large = new Uint8Array(4 * 1024 * 1024)
    const slow = { etag: '"1"', chunkDelay: "1 second" } as const
    return Effect.gen(function* () {
      const two = { ...form, onExists: "overwrite" } as const
      yield* autoAdvance(Effect.all([download(url, two), download(url, two)], { concurrency: 2 }))
      const requests = (yield* Origin.Origin).requests()
      assert.deepStrictEqual(
        requests.map(({ headers, method }) => [method, headers["range"]]),
        [
          ["POST", undefined],
          ["POST", undefined],
          ["POST", undefined]
        ]
      )
      assert.strictEqual((yield* Origin.Origin).mostOpen(), 1)
    }).pipe(
      Effect.provide(
        layer(
          (request) =>
            Origin.file(
              request,
              large,
              request.turn === 0 ? { ...slow, breakAt: { bytes: 1024 * 1024, how: "close" } } : slow
            ),
          { segments: 4, retry: { anyMethod: true } }
        )
      )
    )
  })

  it.effect("is refused for a method that no download can have", () =>
    Effect.gen(function* () {
      for (const method of ["", "post", "P OST", "HEAD", "CONNECT", "TRACE", "GET\r\nx: y", "A".repeat(65)]) {
        assert.propertyVal(yield* Effect.flip(download(url, { method })), "_tag", "InvalidRequest")
      }
      assert.deepStrictEqual(yield* sent, [])
    }).pipe(Effect.provide(layer(() => ({}))))
  )
})

describe("the JSON form of a request with content", () => {
  const request = Download.request({ url, destination: "file", body: "s3cret ü", method: "PUT" })

  it("has the content only in the form with secrets", () => {
    const shown = JSON.stringify(request)
    assert.notInclude(shown, "s3cret")
    assert.notInclude(`${request}`, "s3cret")
    assert.throws(() => Schema.decodeSync(Schema.parseJson(Download.DownloadRequest))(shown), /body|removed/)
    Schema.decodeSync(Schema.parseJson(Download.DownloadRequestShown))(shown)
    const encoded = Schema.encodeSync(Download.DownloadRequestWithSecrets)(request)
    const decoded = Schema.decodeUnknownSync(Download.DownloadRequestWithSecrets)(JSON.parse(JSON.stringify(encoded)))
    assert.strictEqual(decoded.method, "PUT")
    assert.strictEqual(decoded.body && new TextDecoder().decode(Redacted.value(decoded.body)), "s3cret ü")
  })

  it("is refused if it is not Base64, or if the method is none", () => {
    const decode = Schema.decodeUnknownEither(Download.DownloadRequest)
    for (const wrong of [{ body: "%" }, { body: 1 }, { method: "post" }, { method: 1 }]) {
      assert.strictEqual(decode({ url, destination: "file", ...wrong })._tag, "Left")
    }
  })
})
