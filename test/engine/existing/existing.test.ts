import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { MemoryEntries } from "../../../src/Journal/Memory.js"
import { Store } from "../../../src/Store.js"
import { autoAdvance, layer, Origin } from "../../../src/testing.js"
import {
  conditions,
  content,
  download,
  lastModified,
  lastModifiedMillis,
  now,
  requestCount,
  url,
  withFile,
  write
} from "./existingFile.js"

const digest = `sha256:${createHash("sha256").update("body").digest("hex")}`

describe("onExists update", () => {
  it.effect("sends no request for a file that it saved and that has not changed", () => {
    const file = { text: "body", etag: '"1"', modified: lastModified }
    return withFile(
      file,
      Effect.gen(function* () {
        assert.deepInclude(yield* download(), { _tag: "Saved", modifiedMillis: lastModifiedMillis })
        file.text = "other body"
        assert.deepInclude(yield* download(), {
          _tag: "Skipped",
          reason: "recorded",
          file: { bytes: 4, modifiedMillis: lastModifiedMillis, url, etag: '"1"', lastModified }
        })
        assert.strictEqual(yield* requestCount, 1)
        assert.strictEqual(yield* content(), "body")
      })
    )
  })

  it.effect("fetches a file again whose size or modification time is not the recorded one", () =>
    withFile(
      { text: "body", etag: '"1"' },
      Effect.gen(function* () {
        yield* download()
        for (const [text, millis] of [
          ["bod", now],
          ["body, and more", now],
          ["bold", now + 60_000]
        ] as const) {
          yield* write(text, millis)
          assert.deepInclude(yield* download(), { _tag: "Saved", bytes: 4 })
          assert.strictEqual(yield* content(), "body")
        }
        assert.deepStrictEqual(
          yield* conditions,
          Array.from({ length: 4 }, () => [undefined, undefined])
        )
        assert.deepInclude(yield* download(), { _tag: "Skipped", reason: "recorded" })
      })
    )
  )

  it.effect("fetches a file that came from another URL", () =>
    withFile(
      { text: "body" },
      Effect.gen(function* () {
        yield* download({ url: `${url}?id=1` })
        assert.deepInclude(yield* download({ url: `${url}?id=2` }), { _tag: "Saved" })
        assert.deepInclude(yield* download({ url: `${url}?id=2#part` }), { _tag: "Skipped", reason: "recorded" })
        assert.strictEqual(yield* requestCount, 2)
      })
    )
  )

  it.effect("replaces an unknown file of the same size that aria2 has not finished", () =>
    withFile(
      { text: "the content", etag: '"1"', modified: lastModified },
      Effect.gen(function* () {
        yield* write("preallocat.", now)
        yield* write("control", now, "d/a.aria2")
        assert.strictEqual((yield* download())._tag, "Saved")
        assert.strictEqual(yield* content(), "the content")
      })
    )
  )

  it.effect("keeps an unknown file of the same size that is not older, and records it", () =>
    withFile(
      { text: "body", etag: '"1"', modified: lastModified },
      Effect.gen(function* () {
        yield* write("mine", lastModifiedMillis)
        assert.deepInclude(yield* download(), {
          _tag: "Skipped",
          reason: "same-size",
          file: { bytes: 4, modifiedMillis: lastModifiedMillis, url, etag: '"1"', lastModified }
        })
        assert.strictEqual(yield* content(), "mine")
        assert.deepInclude(yield* download(), { reason: "recorded" })
        assert.deepInclude(yield* download({ onExists: "sync" }), { _tag: "NotModified" })
        const [first] = yield* Effect.flatMap(MemoryEntries, ({ entries }) => entries)
        assert.deepInclude(first, { outcome: "Skipped", bytes: 4, etag: '"1"', lastModified })
      })
    )
  )

  it.effect("replaces an unknown file of another size, and one that is older", () =>
    withFile(
      { text: "body", modified: lastModified },
      Effect.gen(function* () {
        yield* write("mine is longer", now)
        assert.deepInclude(yield* download(), { _tag: "Saved" })
        assert.strictEqual(yield* content(), "body")
        yield* write("mine", lastModifiedMillis - 60_000, "d/b")
        assert.deepInclude(yield* download({ destination: "d/b" }), { _tag: "Saved" })
        assert.strictEqual(yield* content("d/b"), "body")
      })
    )
  )

  it.effect(
    "fetches a file that is not recorded if the URL has a query, because the name does not show the query",
    () =>
      withFile(
        { text: "body", modified: lastModified },
        Effect.gen(function* () {
          yield* write("mine", now)
          assert.deepInclude(yield* download({ url: `${url}?id=2` }), { _tag: "Saved" })
          assert.strictEqual(yield* content(), "body")
        })
      )
  )

  it.effect("does not receive the body of a file that it keeps", () => {
    const text = "0123456789".repeat(100_000)
    return Effect.gen(function* () {
      yield* autoAdvance(
        Effect.gen(function* () {
          yield* write(text, now)
          // The body would never end.
          assert.deepInclude(yield* download(), { _tag: "Skipped", reason: "same-size" })
          assert.strictEqual(yield* Effect.map(Origin.Origin, ({ open }) => open()), 0)
        })
      )
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, text, { breakAt: { bytes: 100_000, how: "silence" } }))))
  })

  it.effect("fetches a file that is not there, although it is recorded", () =>
    withFile(
      { text: "body" },
      Effect.gen(function* () {
        const journal = yield* download()
        assert.strictEqual(journal._tag, "Saved")
        const { entries } = yield* MemoryEntries
        assert.strictEqual((yield* entries).length, 1)
        assert.deepInclude(yield* download({ destination: "d/b" }), { _tag: "Saved", destination: "d/b" })
      })
    )
  )

  it.effect(
    "refuses a file of other bytes that another program makes during the transfer, and keeps one of the same bytes",
    () =>
      Effect.gen(function* () {
        for (const [text, outcome] of [
          ["body", "Skipped"],
          ["mine", "Disk"],
          ["mine is longer", "Disk"]
        ] as const) {
          const result = yield* autoAdvance(
            Effect.gen(function* () {
              const fiber = yield* Effect.fork(Effect.merge(download()))
              yield* Effect.sleep("1 second")
              yield* write(text, now)
              const ended = yield* fiber
              assert.strictEqual(yield* content(), text)
              return ended._tag
            })
          ).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body", { delay: "2 seconds" }))))
          assert.strictEqual(result, outcome)
        }
      })
  )

  it.effect(
    "keeps a file that another program makes during the transfer only if it has the digest of the request",
    () =>
      Effect.gen(function* () {
        for (const [text, outcome] of [
          ["body", "Skipped"],
          ["mine", "Disk"]
        ] as const) {
          const result = yield* autoAdvance(
            Effect.gen(function* () {
              const fiber = yield* Effect.fork(Effect.merge(download({ digest })))
              yield* Effect.sleep("1 second")
              yield* write(text, now)
              const ended = yield* fiber
              assert.strictEqual(yield* content(), text)
              return ended
            })
          ).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body", { delay: "2 seconds" }))))
          assert.strictEqual(result._tag, outcome)
          if (result._tag === "Skipped") {
            assert.strictEqual(result.reason, "verified")
          }
        }
      })
  )

  it.effect("fetches what another method than GET gives", () =>
    withFile(
      { text: "body" },
      Effect.gen(function* () {
        for (const body of ["1", "2"]) {
          assert.deepInclude(yield* download({ method: "POST", body }), { _tag: "Saved" })
        }
      })
    )
  )
})

describe("a digest", () => {
  it.effect("keeps a file that is right without a request, and replaces one that is wrong", () =>
    withFile(
      { text: "body" },
      Effect.gen(function* () {
        for (const onExists of ["update", "sync"] as const) {
          const destination = `d/${onExists}`
          const fields = { destination, digest, onExists }
          yield* write("body", 1, destination)
          assert.deepInclude(yield* download(fields), {
            _tag: "Skipped",
            reason: "verified",
            file: { bytes: 4, modifiedMillis: 1, digest }
          })
          // The second time, the recorded digest is enough.
          assert.deepInclude(yield* download(fields), { reason: "recorded" })
          assert.strictEqual(yield* requestCount, onExists === "update" ? 0 : 1)
          yield* write("bold", 1, destination)
          yield* write("bold", 60_000, destination)
          assert.deepInclude(yield* download(fields), { _tag: "Saved", verified: "digest" })
          assert.strictEqual(yield* content(destination), "body")
        }
      })
    )
  )
})

describe("the modification time", () => {
  it.effect("is the date of the response, but not later than now", () => {
    const file: { text: string; modified?: string } = { text: "body", modified: lastModified }
    return withFile(
      file,
      Effect.gen(function* () {
        const store = yield* Store
        const modified = Effect.suspend(() => Effect.map(store.stat("d/a"), (info) => info?.modifiedMillis))
        yield* download({ onExists: "overwrite" })
        assert.strictEqual(yield* modified, lastModifiedMillis)
        for (const text of ["Thu, 01 Jan 2099 00:00:00 GMT", "yesterday"]) {
          file.modified = text
          assert.deepInclude(yield* download({ onExists: "overwrite" }), { modifiedMillis: now })
          assert.strictEqual(yield* modified, now)
        }
      })
    )
  })
})
