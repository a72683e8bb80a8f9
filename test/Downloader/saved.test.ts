import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { Store } from "../../src/Store.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const url = "http://origin.test/a?token=s3cret"

const download = (options?: Partial<Parameters<typeof Download.request>[0]>) =>
  autoAdvance(
    Effect.flatMap(Downloader.Downloader, (downloader) =>
      downloader.download(Download.request({ url, destination: "a", ...options }))
    )
  )

const lastModified = "Thu, 01 Jan 2026 00:00:00 GMT"

const headers = { "content-type": "Image/GIF; q=1", "last-modified": lastModified }

describe("Saved", () => {
  it.effect("has the response", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), {
        url,
        status: 200,
        mediaType: "image/gif",
        etag: '"1"',
        lastModified
      })
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body", { etag: '"1"', headers }))))
  )

  it.effect("goes to the store before it is decided", () => {
    const given: Array<Download.Saved | undefined> = []
    const recording = Layer.map(MemoryStore.layer, (context) => {
      const store = Context.get(context, Store)
      return Context.make(Store, {
        ...store,
        open: (path, options) =>
          Effect.map(store.open(path, options), ({ part, record }) => ({
            record,
            part: {
              ...part,
              publish: (options) => {
                given.push(options.saved)
                return part.publish(options)
              }
            }
          }))
      })
    })
    return Effect.gen(function* () {
      const saved = yield* download({ onExists: "unique" })
      const second = yield* download({ onExists: "unique", id: "second" })
      assert.deepStrictEqual(given[0], saved)
      assert.deepInclude(given[1], { destination: "a", status: 200, mediaType: "image/gif", etag: '"1"', lastModified })
      assert.deepInclude(second, { destination: "a-2", status: 200, mediaType: "image/gif" })
    }).pipe(
      Effect.provide(
        Downloader.layer.pipe(
          Layer.provide(
            Layer.merge(
              Origin.layer((asked) => Origin.file(asked, "body", { etag: '"1"', headers })),
              recording
            )
          )
        )
      )
    )
  })

  it.effect("leaves out what the response did not have", () =>
    Effect.gen(function* () {
      const saved = yield* download()
      assert.hasAllKeys(saved, [
        "_tag",
        "request",
        "destination",
        "bytes",
        "verified",
        "attempts",
        "modifiedMillis",
        "url",
        "status"
      ])
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body"))))
  )

  it.effect("has the URL to which the request was redirected, and no secret of it in its JSON", () =>
    Effect.gen(function* () {
      const saved = yield* download()
      assert.deepInclude(saved, { url: "http://cdn.test/b?signature=s3cret", status: 203 })
      assert.deepInclude(JSON.parse(JSON.stringify(saved)), { url: "http://cdn.test/b?signature=…" })
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.url === url
            ? { status: 302, headers: { location: "http://cdn.test/b?signature=s3cret" } }
            : { status: 203, body: "body" }
        )
      )
    )
  )

  it.effect("has the first response of a transfer that resumed", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { status: 200, etag: '"1"', mediaType: "text/plain", attempts: 2 })
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.turn === 0
            ? Origin.file(asked, "body", {
                etag: '"1"',
                headers: { "content-type": "text/plain" },
                breakAt: { bytes: 2, how: "reset" }
              })
            : Origin.file(asked, "body", { etag: '"1"' })
        )
      )
    )
  )

  it.effect("has the digest that was computed", () =>
    Effect.gen(function* () {
      const digest = `sha512:${createHash("sha512").update("body").digest("hex")}`
      const weaker = `sha256:${createHash("sha256").update("body").digest("hex")}`
      assert.deepInclude(yield* download({ digest: `${weaker} ${digest}` }), { digest, verified: "digest" })
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "body"))))
  )
})
