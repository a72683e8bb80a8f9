import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { MemoryEntries } from "../../../src/Journal/Memory.js"
import { autoAdvance, layer, Origin } from "../../../src/testing.js"
import {
  conditions,
  content,
  download,
  lastModified,
  lastModifiedMillis,
  now,
  url,
  withFile,
  write
} from "./existingFile.js"

describe("onExists sync", () => {
  it.effect("says which file has not changed if the server has named it before the request was repeated", () =>
    autoAdvance(
      Effect.gen(function* () {
        const named = { nameFrom: "server", destination: "d/a", onExists: "sync" } as const
        assert.deepInclude(yield* download(named), { _tag: "Saved", destination: "d/named" })
        assert.deepInclude(yield* download(named), { _tag: "NotModified", destination: "d/named" })
        const { entries } = yield* MemoryEntries
        assert.deepStrictEqual(
          (yield* entries).map(({ destination }) => destination),
          ["d/named", "d/named"]
        )
      })
    ).pipe(
      Effect.provide(
        layer((asked) => ({
          ...Origin.file(asked, "body", {
            etag: 'W/"1"',
            headers: { "content-disposition": 'attachment; filename="named"' }
          }),
          ...(asked.turn === 1 ? { breakAt: { bytes: 2, how: "close" } } : {})
        }))
      )
    )
  )

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
