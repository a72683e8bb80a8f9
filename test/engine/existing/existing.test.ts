import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import { MemoryEntries } from "../../../src/Journal/Memory.js"
import { MemoryFiles } from "../../../src/Store/Memory.js"
import { openScoped, Store } from "../../../src/Store.js"
import { autoAdvance, layer, Origin } from "../../../src/testing.js"

const url = "http://origin.test/a"

const lastModified = "Thu, 01 Jan 2026 00:00:00 GMT"

const lastModifiedMillis = Date.parse(lastModified)

const now = Date.parse("Tue, 01 Sep 2026 00:00:00 GMT")

type Fields = Partial<Parameters<typeof Download.request>[0]>

const download = (fields?: Fields) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    downloader.download(Download.request({ url, destination: "d/a", onExists: "update", ...fields }))
  )

/** Puts a file at the destination, as another program would. */
const write = (text: string, modifiedMillis: number, destination = "d/a") =>
  Effect.scoped(
    Effect.gen(function* () {
      const part = yield* openScoped(yield* Store, destination)
      yield* part.write(new TextEncoder().encode(text), 0)
      yield* part.publish({ onExists: "overwrite", durability: "rename", modifiedMillis })
    })
  )

const content = (destination = "d/a") =>
  Effect.gen(function* () {
    const { files } = yield* MemoryFiles
    return new TextDecoder().decode((yield* files).get(destination))
  })

/** The conditions of the requests so far. */
const conditions = Effect.map(Origin.Origin, ({ requests }) =>
  requests().map(({ headers }) => [headers["if-none-match"], headers["if-modified-since"]])
)

const requestCount = Effect.map(Origin.Origin, ({ requests }) => requests().length)

/** Runs a test with a server that has this file. */
const withFile = <A, E>(
  file: { readonly text: string; readonly etag?: string; readonly modified?: string; readonly status?: number },
  test: Effect.Effect<
    A,
    E,
    Effect.Effect.Context<ReturnType<typeof download>> | Origin.Origin | MemoryFiles | Store | MemoryEntries
  >
) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now)
    return yield* autoAdvance(test).pipe(
      Effect.provide(
        layer((asked) =>
          Origin.file(asked, file.text, {
            etag: file.etag,
            ...(file.status === undefined ? {} : { status: file.status }),
            headers: file.modified === undefined ? {} : { "last-modified": file.modified }
          })
        )
      )
    )
  })

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
    "refuses a file of another size that another program makes during the transfer, and keeps one of the same size",
    () =>
      Effect.gen(function* () {
        for (const [text, outcome] of [
          ["mine", "Skipped"],
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

describe("onExists sync", () => {
  it.effect("asks by the recorded validators, and keeps the file after 304", () =>
    withFile(
      { text: "body", etag: 'W/"1"', modified: lastModified },
      Effect.gen(function* () {
        yield* download()
        assert.deepInclude(yield* download({ onExists: "sync" }), {
          _tag: "NotModified",
          file: { bytes: 4, modifiedMillis: lastModifiedMillis, url, etag: 'W/"1"', lastModified }
        })
        assert.deepStrictEqual(yield* conditions, [
          [undefined, undefined],
          ['W/"1"', lastModified]
        ])
      })
    )
  )

  it.effect("replaces a file that has changed on the server", () => {
    const file = { text: "body", etag: '"1"', modified: lastModified }
    return withFile(
      file,
      Effect.gen(function* () {
        yield* download()
        file.text = "bold"
        file.etag = '"2"'
        assert.deepInclude(yield* download({ onExists: "sync" }), { _tag: "Saved", etag: '"2"' })
        assert.strictEqual(yield* content(), "bold")
        assert.deepInclude(yield* download({ onExists: "sync" }), { _tag: "NotModified" })
      })
    )
  })

  it.effect("sends no condition for a file that has changed on the disk", () =>
    withFile(
      { text: "body", etag: '"1"' },
      Effect.gen(function* () {
        yield* download()
        yield* write("bold", now + 60_000)
        assert.deepInclude(yield* download({ onExists: "sync" }), { _tag: "Saved" })
        assert.deepStrictEqual(yield* conditions, [
          [undefined, undefined],
          [undefined, undefined]
        ])
      })
    )
  )

  it.effect("compares the size if the server gave no validator", () => {
    const file = { text: "body" }
    return withFile(
      file,
      Effect.gen(function* () {
        yield* download()
        assert.deepInclude(yield* download({ onExists: "sync" }), { _tag: "Skipped", reason: "same-size" })
        file.text = "longer body"
        assert.deepInclude(yield* download({ onExists: "sync" }), { _tag: "Saved", bytes: 11 })
      })
    )
  })

  it.effect("takes a whole response with the recorded strong validator as unchanged", () => {
    const file: { text: string; etag: string; status?: number } = { text: "body", etag: '"1"' }
    return Effect.gen(function* () {
      yield* autoAdvance(download())
      assert.deepInclude(yield* autoAdvance(download({ onExists: "sync" })), { _tag: "NotModified" })
      // Another version, of the same size.
      file.etag = '"2"'
      assert.deepInclude(yield* autoAdvance(download({ onExists: "sync" })), { _tag: "Saved" })
    }).pipe(Effect.provide(layer(() => ({ body: file.text, headers: { etag: file.etag, "content-length": "4" } }))))
  })

  it.effect("does not believe a 304 of another version, and requests the file", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      assert.deepInclude(yield* autoAdvance(download({ onExists: "sync" })), { _tag: "Saved", attempts: 1 })
      assert.deepStrictEqual(yield* conditions, [
        [undefined, undefined],
        ['"1"', undefined],
        [undefined, undefined]
      ])
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.headers["if-none-match"] === undefined
            ? Origin.file(asked, "body", { etag: '"1"' })
            : { status: 304, headers: { etag: '"2"' } }
        )
      )
    )
  )

  it.effect("fails if the answer to a request without a condition is 304", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Effect.flip(autoAdvance(download({ onExists: "sync" }))), {
        _tag: "HttpStatus",
        status: 304
      })
    }).pipe(Effect.provide(layer(() => ({ status: 304 }))))
  )

  it.effect("sends the validators only to the URL that they are of", () => {
    let target = "http://cdn.test/1"
    return Effect.gen(function* () {
      yield* autoAdvance(download())
      assert.deepInclude(yield* autoAdvance(download({ onExists: "sync" })), { _tag: "NotModified" })
      target = "http://cdn.test/2"
      assert.deepInclude(yield* autoAdvance(download({ onExists: "sync" })), { _tag: "Saved" })
      assert.deepStrictEqual(
        (yield* Origin.Origin).requests().map(({ headers, url: asked }) => `${asked} ${headers["if-none-match"]}`),
        [
          `${url} undefined`,
          "http://cdn.test/1?signature=1 undefined",
          `${url} undefined`,
          'http://cdn.test/1?signature=2 "1"',
          `${url} undefined`,
          "http://cdn.test/2?signature=3 undefined"
        ]
      )
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.url === url
            ? { status: 302, headers: { location: `${target}?signature=${asked.turn + 1}` } }
            : Origin.file(asked, "body", { etag: '"1"' })
        )
      )
    )
  })

  it.effect("asks again by the same condition after a failure, and continues a body without one", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download())
      assert.deepInclude(yield* autoAdvance(download({ onExists: "sync" })), { _tag: "Saved", attempts: 3, bytes: 8 })
      assert.strictEqual(yield* content(), "new body")
      assert.deepStrictEqual(
        (yield* Origin.Origin).requests().map(({ headers }) => [headers["if-none-match"], headers["range"]]),
        [
          [undefined, undefined],
          ['"1"', undefined],
          ['"1"', undefined],
          [undefined, "bytes=3-"]
        ]
      )
    }).pipe(
      Effect.provide(
        layer((asked) => {
          if (asked.turn === 0) {
            return Origin.file(asked, "body", { etag: '"1"' })
          }
          return asked.turn === 1
            ? { status: 503 }
            : Origin.file(asked, "new body", {
                etag: '"2"',
                ...(asked.turn === 2 ? { breakAt: { bytes: 3, how: "reset" } } : {})
              })
        })
      )
    )
  )
})

describe("a digest", () => {
  const digest = `sha256:${createHash("sha256").update("body").digest("hex")}`

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
