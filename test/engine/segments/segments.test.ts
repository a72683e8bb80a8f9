/**
 * Several connections for one file: when they are begun, what they are asked, and what becomes of those that fail.
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Downloader from "../../../src/Downloader.js"
import * as RetryPolicy from "../../../src/RetryPolicy.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { leavesNothing, nothingIsLeft } from "../../support/transport/interruptedDownload.js"
import {
  content,
  download,
  isThere,
  mebibyte,
  ranges,
  request,
  slow,
  url,
  within
} from "../../support/transport/largeFile.js"

describe("segments", () => {
  it.effect("divide the rest of a slow file, and send the validator", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download())
      assert.deepInclude(saved, { _tag: "Saved", attempts: 1, bytes: content.length, verified: "length" })
      yield* isThere
      yield* nothingIsLeft
      const origin = yield* Origin.Origin
      assert.strictEqual(origin.mostOpen(), 4)
      const [first, ...others] = origin.requests()
      assert.isUndefined(first?.headers["range"])
      assert.isTrue(
        others.every(({ headers }) => headers["if-range"] === '"1"' && /^bytes=\d+-\d+$/.test(headers["range"] ?? ""))
      )
      // 2.9 s on one connection.
      assert.isBelow(yield* Effect.clockWith((clock) => clock.currentTimeMillis), 1500)
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, slow))))
  )

  it.effect("are not used for a fast file, and not by default", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      assert.deepStrictEqual(yield* ranges, [undefined])
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, { ...slow, chunkDelay: "5 millis" }))))
  )

  it.effect("are not used without the option", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      assert.deepStrictEqual(yield* ranges, [undefined])
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, slow), { segments: 1 })))
  )

  for (const [what, reply] of [
    ["the origin says that it has no ranges", { headers: { "accept-ranges": "none" } }],
    ["the content is coded", { headers: { "content-encoding": "gzip" } }],
    ["nothing tells one version from another", { etag: undefined }],
    ["the validator is weak", { etag: 'W/"1"' }]
  ] as const) {
    it.effect(`are not used if ${what}`, () =>
      Effect.gen(function* () {
        yield* autoAdvance(download())
        assert.deepStrictEqual(yield* ranges, [undefined])
      }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, { ...slow, ...reply }))))
    )
  }

  it.effect("are used if the request has a digest, which is checked over the whole file", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(
        download({ digest: `sha256:${createHash("sha256").update(content).digest("hex")}` })
      )
      assert.deepInclude(saved, { verified: "digest", attempts: 1 })
      assert.isAbove((yield* ranges).length, 3)
      yield* isThere
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, { ...slow, etag: undefined }))))
  )

  it.effect("fail if the digest is wrong, and leave nothing", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download({ digest: `sha256:${"00".repeat(32)}` })))
      assert.deepInclude(error, { _tag: "Mismatch", reason: "digest", resumed: true })
      const { files, parts } = yield* MemoryStore.MemoryFiles
      assert.strictEqual((yield* files).size, 0)
      assert.strictEqual(yield* parts, 0)
      yield* nothingIsLeft
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, slow), { retry: RetryPolicy.none })))
  )

  it.effect("are soon given up at an origin that refuses them, and other files do not fail", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download())
      assert.deepInclude(saved, { attempts: 1 })
      yield* isThere
      yield* nothingIsLeft
      assert.isBelow((yield* ranges).length, 6)
    }).pipe(
      Effect.provide(
        within((asked) =>
          asked.headers["range"] === undefined
            ? Origin.file(asked, content, slow)
            : { status: 503, body: "one at a time" }
        )
      )
    )
  )

  it.effect("let the first response continue if the origin ignores ranges", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download())
      assert.deepInclude(saved, { attempts: 1 })
      yield* isThere
      assert.strictEqual(
        (yield* Origin.Origin).requests().filter(({ headers }) => headers["range"] === undefined).length,
        1
      )
    }).pipe(Effect.provide(within((asked) => Origin.file({ ...asked, headers: {} }, content, slow))))
  )

  it.effect("let the first response continue if the origin answers late, with any status and length", () =>
    Effect.forEach(
      ["", "bytes"],
      (announced) =>
        Effect.gen(function* () {
          const saved = yield* autoAdvance(download())
          assert.deepInclude(saved, { attempts: 1 })
          yield* isThere
          yield* nothingIsLeft
          const whole = (yield* ranges).filter((range) => range === undefined)
          assert.strictEqual(whole.length, 1)
        }).pipe(
          Effect.provide(
            within((asked) => ({
              ...Origin.file({ ...asked, headers: {} }, content, { ...slow, headers: { "accept-ranges": announced } }),
              delay: asked.turn === 0 ? 0 : "5 seconds"
            }))
          )
        ),
      { discard: true }
    )
  )

  it.effect("continue at the URL of the request when the URL of its redirect has expired", () =>
    Effect.forEach(
      [undefined, { bytes: 300_000, how: "reset" }] as const,
      (breakAt) => {
        const begunAt = new Map<string, number>()
        const script = (asked: Origin.Request): Origin.Reply => {
          if (asked.url === url) {
            return {
              status: 302,
              headers: { "content-length": "0", location: `http://cdn.test/signed/${asked.turn}` }
            }
          }
          const at = begunAt.get(asked.url) ?? asked.atMillis
          begunAt.set(asked.url, at)
          return asked.atMillis - at > 750
            ? { status: 403, headers: { "content-length": "0" } }
            : Origin.file(asked, content, {
                ...slow,
                chunkDelay: asked.turn === 0 ? "90 millis" : "300 millis",
                breakAt: asked.turn === 0 ? undefined : breakAt
              })
        }
        return Effect.gen(function* () {
          const saved = yield* autoAdvance(download())
          assert.deepInclude(saved, { _tag: "Saved", attempts: 1 })
          yield* isThere
          yield* nothingIsLeft
          const led = (yield* Origin.Origin).requests().filter((asked) => asked.url === url).length
          assert.strictEqual(led > 1, breakAt !== undefined)
        }).pipe(Effect.provide(within(script, { retry: RetryPolicy.none })))
      },
      { discard: true }
    )
  )

  it.effect("are not started until the origin has shown that it supports ranges", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      yield* isThere
      const origin = yield* Origin.Origin
      const [, second, third] = origin.requests()
      assert.isAbove((third?.atMillis ?? 0) - (second?.atMillis ?? 0), 100)
      assert.strictEqual(origin.mostOpen(), 4)
    }).pipe(
      Effect.provide(within((asked) => Origin.file(asked, content, { ...slow, headers: { "accept-ranges": "" } })))
    )
  )

  it.effect("never mix two versions of a file", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download())
      assert.deepInclude(saved, { _tag: "Saved", bytes: content.length })
      yield* isThere
    }).pipe(
      Effect.provide(
        within((asked) => {
          const { "if-range": _, ...headers } = asked.headers
          const other = content.map((byte) => byte ^ 0xff)
          // It knows ranges, and not If-Range.
          return asked.turn === 0
            ? Origin.file(asked, content, slow)
            : Origin.file({ ...asked, headers }, other, { ...slow, etag: '"2"' })
        })
      )
    )
  )

  const other = content.map((byte) => byte ^ 0xff)

  for (const [what, changed] of [
    ["has another total", (honest) => ({ "content-range": `${honest}`.replace(/\d+$/, `${content.length + 1}`) })],
    ["has another length than its range", () => ({ "content-length": "1000" })],
    ["is coded", () => ({ "content-encoding": "gzip" })],
    ["has parts with heads of their own", () => ({ "content-type": "multipart/byteranges; boundary=x" })],
    ["names no version", () => ({ etag: "" })]
  ] satisfies ReadonlyArray<[string, (range: string | undefined) => Record<string, string>]>) {
    it.effect(`are not used if one ${what}`, () =>
      Effect.gen(function* () {
        const saved = yield* autoAdvance(download())
        assert.deepInclude(saved, { _tag: "Saved", attempts: 1, bytes: content.length })
        assert.isAbove((yield* ranges).length, 1)
        yield* isThere
        yield* nothingIsLeft
      }).pipe(
        Effect.provide(
          within((asked) => {
            const honest = Origin.file(asked, asked.turn === 0 ? content : other, slow)
            return asked.turn === 0
              ? honest
              : { ...honest, headers: { ...honest.headers, ...changed(honest.headers?.["content-range"]) } }
          })
        )
      )
    )
  }

  it.effect("are not used after a wrong digest: the next attempt is one plain request", () =>
    Effect.gen(function* () {
      const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`
      const saved = yield* autoAdvance(download({ digest }))
      assert.deepInclude(saved, { _tag: "Saved", attempts: 2, verified: "digest" })
      yield* isThere
      yield* nothingIsLeft
      const asked = yield* ranges
      assert.isAbove(asked.length, 2)
      assert.deepStrictEqual([asked.lastIndexOf(undefined), asked.indexOf(undefined)], [asked.length - 1, 0])
    }).pipe(
      Effect.provide(
        within((asked) => Origin.file(asked, asked.headers["range"] === undefined ? content : other, slow))
      )
    )
  )

  it.effect("are kept for the next attempt, which begins at the first missing byte", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download())
      assert.deepInclude(saved, { attempts: 2 })
      yield* isThere
      yield* nothingIsLeft
      const asked = (yield* Origin.Origin).requests().map(({ headers }) => headers["range"])
      const resumed = asked.findIndex((range, index) => index > 0 && range?.startsWith(`bytes=${mebibyte}-`))
      assert.isAbove(resumed, 3)
    }).pipe(
      Effect.provide(
        within((asked) =>
          Origin.file(asked, content, {
            ...slow,
            breakAt: asked.turn === 0 ? { bytes: mebibyte, how: "reset" } : undefined
          })
        )
      )
    )
  )

  it.effect("hold permits, and release them for files that wait", () =>
    Effect.gen(function* () {
      const { run } = yield* Downloader.Downloader
      const origin = yield* Origin.Origin
      const urls = Stream.concat(
        Stream.make(url),
        Stream.fromEffect(Effect.as(Effect.sleep("500 millis"), "http://origin.test/small.bin"))
      )
      const requests = Stream.map(urls, (one) =>
        request({ url: one, destination: one.endsWith("large.bin") ? "large.bin" : "small.bin" })
      )
      yield* autoAdvance(Stream.runDrain(run(requests, { concurrency: 3 })))
      yield* isThere
      yield* nothingIsLeft
      assert.strictEqual(origin.mostOpen(), 3)
      const small = origin.requests().find((asked) => asked.url.endsWith("small.bin"))
      assert.isBelow(small?.atMillis ?? Number.POSITIVE_INFINITY, 700)
    }).pipe(
      Effect.provide(
        within((asked) =>
          asked.url.endsWith("small.bin") ? Origin.file(asked, "small") : Origin.file(asked, content, slow)
        )
      )
    )
  )

  it.effect("respect the limit of an origin", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      yield* isThere
      assert.strictEqual((yield* Origin.Origin).mostOpen(), 2)
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, slow), {}, { perOrigin: 2 })))
  )

  it.effect("respect the byte rate together", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      yield* isThere
      assert.isAbove(yield* Effect.clockWith((clock) => clock.currentTimeMillis), 3500)
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, slow), {}, { bytesPerSecond: 2 * mebibyte })))
  )

  it.effect("end when the transfer is interrupted at any time", () =>
    leavesNothing(
      12,
      download(),
      within((asked) => Origin.file(asked, content, slow))
    )
  )
})
