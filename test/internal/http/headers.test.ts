import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Hasher } from "../../../src/Hasher.js"
import * as Digest from "../../../src/internal/digest.js"
import { parseContentRange } from "../../../src/internal/http/contentRange.js"
import { parseRetryAfter } from "../../../src/internal/http/retryAfter.js"
import * as Validator from "../../../src/internal/http/validator.js"
import { layer as nodeHasher } from "../../../src/Node/hasher.js"

describe("retryAfter", () => {
  const now = Date.UTC(2026, 10, 22, 12, 0, 0)
  for (const [value, millis] of [
    [undefined, undefined],
    ["", undefined],
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["99999999999999999999", Number.MAX_SAFE_INTEGER],
    ["-1", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["Sun, 22 Nov 2026 12:00:30 GMT", 30_000],
    ["Sunday, 22-Nov-26 12:00:30 GMT", 30_000],
    ["Sun Nov 22 12:00:30 2026", 30_000],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
    ["Sun, 22 Foo 2026 12:00:30 GMT", undefined],
    ["2026-11-22T12:00:30Z", undefined]
  ] as const) {
    it(`reads '${value}'`, () => {
      assert.strictEqual(parseRetryAfter(value, now), millis)
    })
  }
})

describe("contentRange", () => {
  it("parses valid ranges only", () => {
    assert.deepStrictEqual(parseContentRange("bytes 0-4/10"), { startBytes: 0, endBytes: 4, totalBytes: 10 })
    assert.deepStrictEqual(parseContentRange("bytes 5-9/*"), { startBytes: 5, endBytes: 9, totalBytes: undefined })
    for (const value of [undefined, "", "bytes */10", "bytes 4-0/10", "bytes 0-10/10", "items 0-4/10", "bytes 0-4"]) {
      assert.isUndefined(parseContentRange(value), value)
    }
  })
})

describe("validator", () => {
  it("is a strong entity tag, or a date at least a minute before the date of the response", () => {
    const modified = { "last-modified": "Sun, 22 Nov 2026 12:00:00 GMT" }
    assert.strictEqual(Validator.strong({ etag: '"a"' }), '"a"')
    assert.isUndefined(Validator.strong({ etag: 'W/"a"' }))
    assert.isUndefined(Validator.strong({ etag: "a" }))
    assert.isUndefined(Validator.strong(modified))
    assert.isUndefined(Validator.strong({ ...modified, date: "Sun, 22 Nov 2026 12:00:30 GMT" }))
    assert.strictEqual(
      Validator.strong({ ...modified, date: "Sun, 22 Nov 2026 12:01:00 GMT" }),
      modified["last-modified"]
    )
    assert.isUndefined(Validator.strong({ etag: 'W/"a"', ...modified, date: "Sun, 22 Nov 2026 12:01:00 GMT" }))
  })
})

describe("digest", () => {
  const bytes = new TextEncoder().encode("content")
  const hex = (algorithm: string) => createHash(algorithm).update(bytes).digest("hex")
  const base64 = (algorithm: string) => createHash(algorithm).update(bytes).digest("base64")

  it("parses hexadecimal digits, and the strongest of several integrity strings", () => {
    assert.deepStrictEqual(Digest.parse(`sha256:${hex("sha256").toUpperCase()}`), {
      algorithm: "sha256",
      digests: [hex("sha256")]
    })
    assert.deepStrictEqual(Digest.parse(`sha256-${base64("sha256")} sha512-${base64("sha512")}?foo`), {
      algorithm: "sha512",
      digests: [hex("sha512")]
    })
  })

  for (const [algorithm, aria2] of [
    ["md5", "md5"],
    ["sha1", "sha-1"],
    ["sha256", "sha-256"],
    ["sha384", "sha-384"],
    ["sha512", "SHA-512"]
  ] as const) {
    it(`parses every notation of ${algorithm}`, () => {
      for (const text of [
        `${algorithm}:${hex(algorithm)}`,
        `${algorithm.toUpperCase()}=${hex(algorithm)}`,
        `${aria2}=${hex(algorithm)}`,
        ` ${hex(algorithm).toUpperCase()}\n`,
        `${algorithm}-${base64(algorithm)}?option`
      ]) {
        assert.deepStrictEqual(Digest.parse(text), { algorithm, digests: [hex(algorithm)] }, text)
      }
    })
  }

  it("refuses text that is not a digest", () => {
    for (const text of [
      "",
      "md5:00",
      "sha256:00",
      "sha256:zz",
      `sha256:${hex("sha512")}`,
      `sha256-${hex("sha256")}`,
      `crc32:${hex("md5")}`,
      `:${hex("md5")}`,
      hex("sha256").slice(1),
      "z".repeat(64)
    ]) {
      assert.isUndefined(Digest.parse(text), text)
    }
  })

  for (const algorithm of ["md5", "sha1", "sha256", "sha384", "sha512"] as const) {
    it.effect(`computes ${algorithm} with the portable functions and with those of Node`, () =>
      Effect.gen(function* () {
        for (const hasher of [yield* Hasher, yield* Effect.provide(Hasher, nodeHasher)]) {
          const hash = hasher.make(algorithm)
          hash.update(bytes.subarray(0, 3))
          hash.update(bytes.subarray(3))
          assert.strictEqual(Buffer.from(hash.digest()).toString("hex"), hex(algorithm))
          assert.strictEqual(
            hasher.ofText(algorithm, "https://a.example/ä€😀"),
            createHash(algorithm).update("https://a.example/ä€😀", "utf8").digest("hex")
          )
        }
      })
    )
  }
})
