/**
 * Responses of servers and caches to a request for the rest of a file, one a row. No response is trusted because of its status, and
 * no wrong byte is published.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { autoAdvance, layer, Origin } from "../../src/testing.js"
import {
  body,
  broken,
  content,
  cut,
  download,
  isRange,
  partial,
  range,
  rest,
  row,
  saved,
  sha256,
  startsOver,
  url,
  whole
} from "../support/transport/hostileRow.js"

type Script = (request: Origin.Request) => Origin.Reply

/** A coded response that breaks off after 4 bytes. */
const brokenCoded = (request: Origin.Request): Origin.Reply =>
  Origin.file(request, body, {
    etag: '"1"',
    headers: { "content-encoding": "gzip" },
    breakAt: { bytes: 4, how: "close" }
  })

describe("a partial response", () => {
  for (const [what, reply] of [
    [
      "its length is not that of its range",
      {
        ...partial("bytes 4-9/10", rest),
        headers: { etag: '"1"', "content-range": "bytes 4-9/10", "content-length": "3" }
      }
    ],
    ["it is empty", partial("bytes 4-9/10", "")],
    [
      "it has parts",
      partial("bytes 4-9/10", rest, { etag: '"1"', "content-type": "multipart/byteranges; boundary=x" })
    ],
    [
      "it has parts and no range",
      { status: 206, headers: { "content-type": "multipart/byteranges; boundary=x" }, body: rest }
    ],
    ["it ends beyond the total that is known", partial("bytes 4-10/*", `${rest}x`)],
    ["its total is smaller than what is there", partial("bytes 4-4/5", "4")],
    [
      "it is coded and the beginning is not",
      partial("bytes 4-9/10", "xxxxxx", { etag: '"1"', "content-encoding": "gzip" })
    ],
    ["it has no validator and the beginning has", partial("bytes 4-9/10", "xxxxxx", {})],
    ["its validator is weak", partial("bytes 4-9/10", "xxxxxx", { etag: 'W/"1"' })]
  ] as const) {
    row(`is not the rest if ${what}`, [broken, reply, whole], startsOver, { ranges: [undefined, range, undefined] })
  }
  row(
    "is not the rest if it is not coded and the beginning is",
    [
      brokenCoded,
      partial("bytes 4-9/10", "xxxxxx"),
      (r) => Origin.file(r, body, { etag: '"1"', headers: { "content-encoding": "gzip" } })
    ],
    startsOver
  )
  row(
    "is the rest of a coded file if it is coded alike",
    [brokenCoded, (r) => Origin.file(r, body, { etag: '"1"', headers: { "content-encoding": "GZIP" } })],
    { ...saved, attempts: 2 }
  )
  row(
    "is not requested if a proxy has changed the beginning (203)",
    [(r) => ({ ...cut(r), status: 203 }), whole],
    { ...saved, attempts: 2 },
    { ranges: [undefined, undefined] }
  )
  row(
    "is not requested with an empty entity tag",
    [(r) => Origin.file(r, body, { etag: '""', breakAt: { bytes: 4, how: "close" } }), whole],
    { ...saved, attempts: 2 },
    { ranges: [undefined, undefined] }
  )
  row(
    "is no longer requested after three wrong ranges",
    [
      (r) =>
        isRange(r)
          ? partial("bytes 3-9/10", "3456789")
          : { ...cut(r), breakAt: { bytes: Math.min(9, r.turn + 2), how: "close" } }
    ],
    { _tag: "Truncated" },
    {
      ranges: [
        undefined,
        "bytes=2-",
        undefined,
        "bytes=4-",
        undefined,
        "bytes=6-",
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        undefined
      ]
    }
  )
})

describe("the end of a range", () => {
  const unsized: Script = () => ({ headers: { etag: '"1"' }, body, breakAt: { bytes: 2, how: "close" } })
  /** Two bytes at a time, and no total. */
  const short: Script = (request) => {
    const start = Number(/\d+/.exec(request.headers["range"] ?? "")?.[0])
    return partial(`bytes ${start}-${start + 1}/*`, body.slice(start, start + 2))
  }
  const beyond: Script = () => ({ status: 416, headers: { "content-range": "bytes */10", etag: '"1"' } })
  row(
    "is not the end of the file if no total is known, up to the end that a 416 tells",
    [unsized, short, short, short, short, beyond],
    { ...saved, attempts: 2 },
    {
      strict: true,
      ranges: [undefined, "bytes=2-", "bytes=4-", "bytes=6-", "bytes=8-", "bytes=10-"]
    }
  )
  row(
    "is not the end of the file if no total is known, up to a range that tells it",
    [unsized, short, partial("bytes 4-9/10", rest)],
    { ...saved, attempts: 2 }
  )
  row(
    "is the end of the file if the request knows the size",
    [unsized, partial("bytes 2-9/*", body.slice(2))],
    { ...saved, attempts: 2 },
    { sizeBytes: 10, requests: 2 }
  )
  for (const [what, headers] of [
    ["no total", {}],
    ["another total", { "content-range": "bytes */9" }],
    ["a total of another version", { "content-range": "bytes */10", etag: '"2"' }]
  ] as const) {
    row(
      `is not the end of the file if a 416 has ${what}`,
      [unsized, partial("bytes 2-9/*", body.slice(2)), { status: 416, headers }, whole],
      startsOver,
      {
        ranges: [undefined, "bytes=2-", "bytes=10-", undefined]
      }
    )
  }
  for (const bytes of ["2-9", "2-11"]) {
    const isWhole = bytes === "2-9"
    row(
      `is ${isWhole ? "" : "not "}the end of the file if a 416 has no total, and the digest ${isWhole ? "proves" : "disproves"} it`,
      [unsized, partial(`bytes ${bytes}/*`, isWhole ? body.slice(2) : `${body.slice(2)}xx`), { status: 416 }, whole],
      isWhole ? { ...saved, attempts: 2, verified: "digest" } : { ...startsOver, verified: "digest" },
      {
        digest: sha256(body),
        ranges: [undefined, "bytes=2-", `bytes=${isWhole ? 10 : 12}-`, ...(isWhole ? [] : [undefined])]
      }
    )
  }
  row(
    "is not the end of the file if less comes than the range has",
    [
      unsized,
      { ...partial("bytes 2-9/*", "2345"), headers: { etag: '"1"', "content-range": "bytes 2-9/*" } },
      (r) => Origin.file(r, body, { etag: '"1"' })
    ],
    startsOver,
    {
      ranges: [undefined, "bytes=2-", "bytes=6-"]
    }
  )
  row(
    "is not the end of the file if the total is larger, and the rest is requested at once",
    [broken, partial("bytes 4-4/10", "4"), whole],
    { ...saved, attempts: 2 }
  )
  row(
    "a body that breaks off after its last byte is complete if a 416 confirms it",
    [{ headers: { etag: '"1"' }, body, breakAt: { bytes: 10, how: "close" } }, beyond],
    { ...saved, attempts: 2 }
  )
})

describe("a range that is refused", () => {
  for (const status of [400, 403, 404, 405, 410, 412, 416, 501, 304, 204]) {
    row(
      `${status}: the whole file is requested`,
      [(r) => (isRange(r) ? { status } : r.turn === 0 ? cut(r) : whole(r))],
      startsOver,
      {
        ranges: [undefined, range, undefined]
      }
    )
    row(
      `${status}: the whole file is requested, and its status counts`,
      [(r) => (r.turn === 0 ? cut(r) : { status })],
      { _tag: "HttpStatus", status },
      { requests: 3 }
    )
  }
  for (const status of [408, 429, 500, 503]) {
    row(
      `${status}: the whole file is requested in the end`,
      [(r) => (isRange(r) ? { status } : r.turn === 0 ? cut(r) : whole(r))],
      { ...saved, attempts: 7 },
      {
        ranges: [undefined, range, range, range, range, range, undefined]
      }
    )
    row(
      `${status}: the whole file is requested once`,
      [(r) => (r.turn === 0 ? cut(r) : { status })],
      { _tag: "HttpStatus", status },
      { requests: 7 }
    )
  }
  it.effect("503 with Retry-After is waited for, with a range and without", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* autoAdvance(download(url)), saved)
      const at = (yield* Origin.Origin).requests().map(({ atMillis }) => atMillis)
      assert.strictEqual(at.length, 7)
      at.slice(2).forEach((millis, index) => {
        assert.isAtLeast(millis - (at[index + 1] ?? 0), 20_000)
      })
    }).pipe(
      Effect.provide(
        layer((r) =>
          isRange(r) ? { status: 503, headers: { "retry-after": "20" } } : r.turn === 0 ? cut(r) : whole(r)
        )
      )
    )
  )
  row(
    "a wrong digest of a resumed file: the whole file is requested",
    [broken, partial("bytes 4-9/10", "xxxxxx"), whole],
    { ...startsOver, verified: "digest" },
    {
      digest: sha256(body),
      ranges: [undefined, range, undefined]
    }
  )
})

describe("where a redirect leads", () => {
  const moved = (to: string): Origin.Reply => ({ status: 302, headers: { "content-length": "0", location: to } })
  const dates = { date: "Thu, 01 Jan 1970 01:00:00 GMT", "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT" }
  const dated = (request: Origin.Request, text: string, breakAt?: Origin.Reply["breakAt"]): Origin.Reply => {
    const { "if-range": _, ...headers } = request.headers
    return Origin.file({ ...request, headers }, text, { headers: dates, breakAt })
  }
  const asked = Effect.map(Origin.Origin, (origin) =>
    origin.requests().map((one) => `${one.url} ${one.headers["range"] ?? ""}`)
  )

  it.effect("a date is the validator of the address that gave it, and of no other", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* autoAdvance(download(url)), { ...saved, attempts: 2 })
      assert.strictEqual(yield* content, "9876543210")
      assert.deepStrictEqual(yield* asked, [`${url} `, "http://one.test/file ", `${url} `, "http://two.test/file "])
    }).pipe(
      Effect.provide(
        layer((r) =>
          r.url === url
            ? moved(`http://${r.turn === 0 ? "one" : "two"}.test/file`)
            : r.url.includes("one")
              ? dated(r, body, { bytes: 4, how: "close" })
              : dated(r, "9876543210")
        )
      )
    )
  )

  it.effect("a date is a validator at the same address, whatever its query", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* autoAdvance(download(url)), { ...saved, attempts: 2 })
      assert.strictEqual(yield* content, body)
      assert.strictEqual((yield* asked).at(-1), `http://one.test/file?signed=1 ${range}`)
    }).pipe(
      Effect.provide(
        layer((r) =>
          r.url === url
            ? moved(`http://one.test/file?signed=${r.turn}`)
            : dated(r, body, r.url.endsWith("0") ? { bytes: 4, how: "close" } : undefined)
        )
      )
    )
  )
})

describe("progress", () => {
  const large = "x".repeat(1000)
  it.effect("of a byte with each attempt comes to an end", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* autoAdvance(Effect.flip(download(url))), { _tag: "Truncated" })
      assert.strictEqual((yield* Origin.Origin).requests().length, 6)
    }).pipe(Effect.provide(layer((r) => Origin.file(r, large, { etag: '"1"', breakAt: { bytes: 1, how: "close" } }))))
  )
  it.effect("of a tenth with each attempt ends with the file", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* autoAdvance(download(url)), { _tag: "Saved", attempts: 10 })
    }).pipe(
      Effect.provide(
        layer((r) => {
          const isLast = r.headers["range"] === "bytes=900-"
          return Origin.file(r, large, { etag: '"1"', breakAt: isLast ? undefined : { bytes: 100, how: "close" } })
        })
      )
    )
  )
  it.effect("that starts over with each attempt ends when four times the file was received", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download(url)))
      assert.strictEqual(error._tag, "Truncated")
      const received = (yield* Origin.Origin)
        .requests()
        .reduce((sum, { turn }) => sum + Math.min(990, 20 * (turn + 1)), 0)
      assert.isBelow(received, 12 * large.length)
    }).pipe(
      Effect.provide(
        layer((r) => ({ body: large, breakAt: { bytes: Math.min(990, 20 * (r.turn + 1)), how: "close" } }))
      )
    )
  )
})
