/**
 * What servers do with messages and bodies, row by row: on the simulated origin, and on a real one where sockets can show
 * it, through each real transport.
 */

import { gzipSync } from "node:zlib"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as NodeTransport from "../../src/Node/Transport.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"
import { http, raw } from "../support/servers/loopback.js"
import {
  body,
  content,
  cut,
  download,
  nothingLeft,
  type Options,
  partial,
  row,
  saved,
  sha256,
  url,
  whole
} from "../support/transport/hostileRow.js"

describe("message and body, on the simulated origin", () => {
  for (const how of ["close", "reset", "unnoticed"] as const) {
    row(`a body that is shorter than announced (${how}) is gone on with`, [(r) => cut(r, how), whole], {
      ...saved,
      attempts: 2
    })
  }
  row("a body that is always cut ends as Truncated", [{ body, breakAt: { bytes: 0, how: "close" } }], {
    _tag: "Truncated"
  })
  row(
    "a body that is longer than announced is saved up to its announced end",
    [{ body: `${body}more`, headers: { "content-length": "10" } }],
    saved
  )
  row(
    "200 in answer to a range starts again from 0",
    [(r) => cut(r), { body, headers: { "content-length": "10", etag: '"1"' } }],
    { ...saved, attempts: 2 }
  )
  row("206 with another start is not taken", [(r) => cut(r), partial("bytes 3-9/10", "3456789"), whole], {
    ...saved,
    attempts: 3
  })
  row("206 that is shorter than asked is gone on with", [(r) => cut(r), partial("bytes 4-5/10", "45"), whole], {
    ...saved,
    attempts: 2
  })
  row("206 of another total is not taken", [(r) => cut(r), partial("bytes 4-10/11", "456789x"), whole], {
    ...saved,
    attempts: 3
  })
  row("206 without a range that can be read is not taken", [(r) => cut(r), partial("bytes", "456789"), whole], {
    ...saved,
    attempts: 3
  })
  row("206 without a range request is not saved", [partial("bytes 0-9/10", body)], { _tag: "HttpStatus", status: 206 })
  row("416 starts again from 0", [(r) => cut(r), { status: 416 }, whole], { ...saved, attempts: 3 })
  row(
    "a changed entity tag starts again, and mixes nothing",
    [(r) => cut(r), (r) => Origin.file(r, "9876543210", { etag: '"2"' })],
    { ...saved, attempts: 2 },
    { content: "9876543210" }
  )
  row(
    "a server that ignores If-Range and has changed is found out by its entity tag",
    [(r) => cut(r), partial("bytes 4-9/10", "xxxxxx", { etag: '"2"' }), whole],
    { ...saved, attempts: 3 }
  )
  row(
    "a weak validator is no reason to go on",
    [
      (r) => Origin.file(r, body, { etag: 'W/"1"', breakAt: { bytes: 4, how: "close" } }),
      (r) => {
        assert.isUndefined(r.headers["range"])
        return whole(r)
      }
    ],
    { ...saved, attempts: 2 }
  )
  row(
    "without a validator it is resumed if the request has a digest",
    [
      (r) => Origin.file(r, body, { breakAt: { bytes: 4, how: "close" } }),
      (r) => {
        assert.strictEqual(r.headers["range"], "bytes=4-")
        return Origin.file(r, body)
      }
    ],
    { ...saved, attempts: 2, verified: "digest" },
    { digest: sha256(body) }
  )
  row(
    "two versions that the digest tells apart are not saved as one",
    [(r) => Origin.file(r, "xxxxxxxxxx", { breakAt: { bytes: 4, how: "close" } }), (r) => Origin.file(r, body)],
    { ...saved, attempts: 3, verified: "digest" },
    { digest: sha256(body) }
  )
  row(
    "Accept-Ranges that is a lie changes nothing",
    [(r) => ({ ...cut(r), headers: { ...cut(r).headers, "accept-ranges": "none" } }), whole],
    saved
  )
  row(
    "a content coding that was not requested is saved as it is sent",
    [{ body: "\u001f\u008b", headers: { "content-length": "3", "content-encoding": "gzip" } }],
    { _tag: "Saved", bytes: 3 },
    { content: "\u001f\u008b" }
  )
  row(
    "an announced size over the limit is refused before the body",
    [whole],
    { _tag: "TooLarge", bytes: 10 },
    {
      limitBytes: 9,
      requests: 1
    }
  )
  row(
    "an endless body is refused at the limit",
    [{ body: "x".repeat(100_000), headers: {}, chunkBytes: 1000 }],
    { _tag: "TooLarge", limitBytes: 5000, bytes: 6000 },
    { limitBytes: 5000 }
  )
  row("a Content-Length that is no number is refused", [{ body, headers: { "content-length": "-1" } }], {
    _tag: "Protocol",
    reason: "message"
  })
  row("two Content-Lengths are refused", [{ body, headers: { "content-length": "10, 11" } }], { _tag: "Protocol" })
  row(
    "a login page is not of the expected type",
    [{ body: "<html>", headers: { "content-type": "text/html; x" } }],
    {
      _tag: "Mismatch",
      reason: "type",
      actual: "text/html"
    },
    { mediaType: "application/*" }
  )
  row(
    "a login page is not of the expected size",
    [{ body: "<html>" }],
    { _tag: "Mismatch", reason: "size" },
    { sizeBytes: 10 }
  )
  row(
    "a login page has not the expected digest",
    [{ body: "<html>" }],
    { _tag: "Mismatch", reason: "digest" },
    {
      digest: sha256(body),
      requests: 1
    }
  )
  row("a body that nothing can verify is saved and said to be so", [{ body, headers: {} }], {
    _tag: "Saved",
    verified: "none"
  })
  row(
    "a body without a length and a digest is refused with strict",
    [{ body, headers: {} }],
    {
      _tag: "Mismatch",
      reason: "unverifiable"
    },
    { strict: true }
  )
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    row(`${status} is tried again, and ends`, [{ status }], { _tag: "HttpStatus", status }, { requests: 6 })
  }
  for (const status of [401, 403, 404, 410, 451, 501]) {
    row(`${status} is the end`, [{ status }], { _tag: "HttpStatus", status }, { requests: 1 })
  }
  for (const [value, leastMillis, mostMillis] of [
    ["7", 7000, 8000],
    ["Thu, 01 Jan 1970 00:00:09 GMT", 9000, 10_000],
    ["Wed, 31 Dec 1969 00:00:00 GMT", 0, 1000],
    ["999999999999", 120_000, 121_000],
    ["soon", 0, 1000]
  ] as const) {
    it.effect(`Retry-After: ${value} delays all transfers from that origin`, () =>
      Effect.gen(function* () {
        const downloader = yield* Downloader.Downloader
        const get = (at: string) => downloader.download(Download.request({ url: at, destination: at }))
        yield* autoAdvance(
          Effect.all(
            [
              get(url),
              Effect.delay(get("http://origin.test/other"), "100 millis"),
              Effect.delay(get("http://else.test/"), "100 millis")
            ],
            { concurrency: "unbounded" }
          )
        )
        const asked = (yield* Origin.Origin).requests()
        const at = (wanted: string) => asked.filter((request) => request.url === wanted).map(({ atMillis }) => atMillis)
        const [, again = 0] = at(url)
        const [other = 0] = at("http://origin.test/other")
        assert.isAtLeast(again, leastMillis)
        assert.isAtMost(again, mostMillis)
        assert.isAtLeast(other, leastMillis)
        assert.deepStrictEqual(at("http://else.test/"), [100])
        yield* nothingLeft
      }).pipe(
        Effect.provide(
          layer((request) =>
            request.url === url && request.turn === 0
              ? { status: 429, headers: { "retry-after": value } }
              : Origin.file(request, body)
          )
        )
      )
    )
  }
})

const backends = {
  "Node/Transport": NodeTransport.layer(),
  "Transport/HttpClient over undici": HttpClientTransport.layerWith({ crossOrigin: "same-client" }).pipe(
    Layer.provide(NodeHttpClient.layerUndici)
  )
}

const ok = "HTTP/1.1 200 OK\r\n"

for (const [name, transport] of Object.entries(backends)) {
  const live = Downloader.layerWith({
    retry: RetryPolicy.make({ retries: 2, firstDelay: Duration.millis(1) }),
    headersTimeout: "2 seconds",
    stall: { bytes: 1, within: "300 millis" }
  }).pipe(Layer.provideMerge(Layer.merge(transport, MemoryStore.layer)), Layer.fresh)

  const real = (
    title: string,
    answers: ReadonlyArray<readonly [bytes: string, then: "end" | "reset" | "stay"]>,
    expected: Readonly<Record<string, unknown>>,
    options?: Options & { readonly content?: string }
  ) =>
    it.scopedLive(title, () =>
      Effect.gen(function* () {
        const origin = yield* raw(...answers)
        const { content: text, ...request } = options ?? {}
        const outcome = yield* Effect.merge(download(origin.url, request))
        assert.deepInclude(outcome, expected)
        if (outcome._tag === "Saved") {
          assert.strictEqual(yield* content, text ?? body)
        }
      }).pipe(Effect.provide(live))
    )

  describe(`message and body, on real sockets, by ${name}`, () => {
    const wholeRaw = `${ok}ETag: "1"\r\nContent-Length: 10\r\n\r\n${body}`
    const cutRaw = `${ok}ETag: "1"\r\nContent-Length: 10\r\n\r\n0123`
    const chunkedRaw = [`${ok}Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n`, "end"] as const
    const restRaw = `HTTP/1.1 206 Partial Content\r\nETag: "1"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789`
    for (const how of ["end", "reset"] as const) {
      real(
        `resumes a truncated body (${how})`,
        [
          [cutRaw, how],
          [restRaw, "stay"]
        ],
        { ...saved, attempts: 2 }
      )
    }
    real("starts over with a chunked body that was cut before its last chunk", [chunkedRaw, [wholeRaw, "stay"]], {
      ...saved,
      attempts: 2
    })
    real(
      "starts over on 200 in answer to a range",
      [
        [cutRaw, "end"],
        [wholeRaw, "stay"]
      ],
      { ...saved, attempts: 2 }
    )
    real(
      "ends an attempt whose body stalls, and resumes the body",
      [
        [cutRaw, "stay"],
        [restRaw, "stay"]
      ],
      { ...saved, attempts: 2 }
    )
    real("takes a body up to its announced end, and does not read on", [[`${wholeRaw}HTTP/1.1 200 OK\r\n`, "end"]], {
      ...saved,
      attempts: 1
    })
    real(
      "saves a content coding as it is sent",
      [[`${ok}Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n${body}`, "stay"]],
      saved
    )
    for (const [what, bytes] of [
      ["two Content-Lengths", `${ok}Content-Length: 10\r\nContent-Length: 11\r\n\r\n${body}`],
      [
        "Content-Length beside Transfer-Encoding",
        `${ok}Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
      ],
      ["a negative Content-Length", `${ok}Content-Length: -1\r\n\r\n`],
      ["a coding before chunks", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\na\r\n${body}\r\n0\r\n\r\n`],
      ["a coding alone", `${ok}Transfer-Encoding: gzip\r\n\r\n${body}`],
      [
        "codings in two fields",
        `${ok}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\na\r\n${body}\r\n0\r\n\r\n`
      ],
      ["a coding in quotes", `${ok}Transfer-Encoding: "chunked"\r\n\r\na\r\n${body}\r\n0\r\n\r\n`],
      ["a coding that is misspelt", `${ok}Transfer-Encoding: chunke\r\n\r\na\r\n${body}\r\n0\r\n\r\n`],
      ["a coding with a parameter", `${ok}Transfer-Encoding: chunked;q=1\r\n\r\na\r\n${body}\r\n0\r\n\r\n`],
      ["a garbage status line", "NOT HTTP AT ALL\r\n\r\n"],
      ["NUL in a header", `${ok}X: a\u0000b\r\nContent-Length: 10\r\n\r\n${body}`],
      ["a header of 300 KB", `${ok}X: ${"x".repeat(300_000)}\r\n\r\n`]
    ] as const) {
      real(`refuses ${what}`, [[bytes, "stay"]], { _tag: "Protocol", reason: "message" })
    }
    if (name === "Node/Transport") {
      real(
        "refuses a protocol that was not requested",
        [["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "stay"]],
        { _tag: "Protocol", reason: "message" }
      )
      real("takes 204 for the status that it is", [["HTTP/1.1 204 No Content\r\n\r\n", "stay"]], {
        _tag: "HttpStatus",
        status: 204
      })
    }
    real("does not read for ever what follows a body", [[wholeRaw.repeat(3), "stay"]], { ...saved, attempts: 1 })
    real(
      "refuses thousands of 1xx, or waits for them no longer than for a head",
      [["HTTP/1.1 103 Early Hints\r\n\r\n".repeat(5000), "stay"]],
      { _tag: name.startsWith("Node/Transport") ? "Protocol" : "Timeout" }
    )

    it.scopedLive("uses a connection again after an error's body", () =>
      Effect.gen(function* () {
        const origin = yield* http((request, response) => {
          response.statusCode = request.url === "/missing" ? 404 : 200
          response.end(body)
        })
        yield* Effect.flip(download(`${origin.url}/missing`))
        yield* download(`${origin.url}/file`)
        assert.isAtMost(origin.connections(), name.startsWith("Node/Transport") ? 1 : 2)
      }).pipe(Effect.provide(live))
    )

    it.scopedLive("does not undo a coding of 50 MB out of some bytes", () =>
      Effect.gen(function* () {
        const bomb = gzipSync(gzipSync(Buffer.alloc(5_000_000)))
        const origin = yield* http((_, response) => {
          response.writeHead(200, { "content-encoding": "gzip, gzip", "content-length": bomb.length }).end(bomb)
        })
        assert.deepInclude(yield* download(origin.url), { _tag: "Saved", bytes: bomb.length })
      }).pipe(Effect.provide(live))
    )
  })
}
