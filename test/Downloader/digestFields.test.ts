/**
 * Digests in responses: `Repr-Digest`, `Content-Digest` (RFC 9530) and `Digest` (RFC 3230).
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const url = "http://origin.test/a"
const body = "0123456789"

const field = (content: string, algorithm: "sha256" | "sha512" = "sha256") =>
  `${algorithm === "sha256" ? "sha-256" : "sha-512"}=:${createHash(algorithm).update(content).digest("base64")}:`

const hex = (content: string, algorithm = "sha256") =>
  `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`

const download = (options?: Partial<Download.RequestOptions>) =>
  autoAdvance(
    Effect.flatMap(Downloader.Downloader, (downloader) =>
      downloader.download(Download.request({ url, destination: "a", ...options }))
    )
  )

const content = Effect.map(
  Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) => files),
  (files) => new TextDecoder().decode(files.get("a"))
)

const ranges = Effect.map(Origin.Origin, (origin) => origin.requests().map(({ headers }) => headers["range"]))

/** The first bytes of `body`, with the digest of all of it. */
const brokenOff = (asked: Origin.Request): Origin.Reply =>
  Origin.file(asked, body, { headers: { "repr-digest": field(body) }, breakAt: { bytes: 4, how: "reset" } })

/** `brokenOff`, and then a file of other content with these headers. */
const otherAfterBreak = (headersOf: (asked: Origin.Request) => Readonly<Record<string, string>>) =>
  layer((asked) =>
    asked.turn === 0 ? brokenOff(asked) : Origin.file(asked, "abcdefghij", { headers: headersOf(asked) })
  )

const ofOther = { "repr-digest": field("abcdefghij") }

describe("the digest in a response", () => {
  for (const [what, headers] of [
    ["Repr-Digest", { "repr-digest": field(body) }],
    ["Content-Digest", { "content-digest": field(body) }],
    ["Digest", { digest: field(body).replaceAll(":", "") }]
  ] as const) {
    it.effect(`${what} is checked`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* download(), { verified: "digest", digest: hex(body) })
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body, { headers }))))
    )

    it.effect(`${what} of another content fails the download with Mismatch`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(download())
        assert.deepInclude(error, { _tag: "Mismatch", reason: "digest", actual: hex("9876543210"), resumed: false })
        assert.strictEqual((yield* ranges).length, 1)
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "9876543210", { headers }))))
    )
  }

  it.effect("has no effect if the request has a digest", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download({ digest: hex(body, "sha512") }), { digest: hex(body, "sha512") })
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body, { headers: { "repr-digest": field("other") } }))))
  )

  it.effect("is computed without a digest to compare with if the request asks for it", () =>
    Effect.gen(function* () {
      const saved = yield* download({ digestAlgorithm: "sha384" })
      assert.deepInclude(saved, { digest: hex(body, "sha384"), verified: "length" })
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, body))))
  )

  it.effect("proves the rest of a file without a validator, across responses", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { verified: "digest", digest: hex(body), attempts: 2 })
      assert.deepStrictEqual(yield* ranges, [undefined, "bytes=4-"])
      assert.strictEqual(yield* content, body)
    }).pipe(Effect.provide(layer((asked) => (asked.turn === 0 ? brokenOff(asked) : Origin.file(asked, body)))))
  )

  it.effect("starts over if the rest was of another version", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { verified: "digest", digest: hex("abcdefghij"), attempts: 3 })
      assert.deepStrictEqual(yield* ranges, [undefined, "bytes=4-", undefined])
      assert.strictEqual(yield* content, "abcdefghij")
    }).pipe(Effect.provide(otherAfterBreak(({ turn }) => (turn === 1 ? {} : ofOther))))
  )

  it.effect("of the whole file refuses the range of another version at its head", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { digest: hex("abcdefghij"), attempts: 3 })
      assert.strictEqual(yield* content, "abcdefghij")
    }).pipe(Effect.provide(otherAfterBreak(() => ofOther)))
  )

  it.effect("of a range is checked, and the range is requested again if it is wrong", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { verified: "length", attempts: 3 })
      assert.deepStrictEqual(yield* ranges, [undefined, "bytes=4-", "bytes=4-"])
      assert.strictEqual(yield* content, body)
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.turn === 0
            ? Origin.file(asked, body, { etag: '"1"', breakAt: { bytes: 4, how: "reset" } })
            : Origin.file(asked, asked.turn === 1 ? "0123xxxxxx" : body, {
                etag: '"1"',
                headers: { "content-digest": field(body.slice(4)) }
              })
        )
      )
    )
  )

  it.effect("is checked at the end of a stream", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const error = yield* Effect.flip(autoAdvance(Stream.runDrain(downloader.stream({ url }))))
      assert.deepInclude(error, { _tag: "Mismatch", reason: "digest" })
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "other", { headers: { "repr-digest": field(body) } }))))
  )
})
