/**
 * A store whose failures may pass.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import { Disk } from "../../src/DownloadError.js"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { type Part, Store } from "../../src/Store.js"
import { autoAdvance, Origin } from "../../src/testing.js"

const body = "0123456789"

const unavailable = new Disk({ path: "a", reason: "unavailable", detail: "503 Slow Down" })

/** A store in memory whose calls of one kind fail at first. */
const failing = (what: "open" | "write" | "publish", times: number) => {
  let left = times
  const mayFail = <A>(kind: string, call: () => Effect.Effect<A, Disk>): Effect.Effect<A, Disk> =>
    kind === what && left-- > 0 ? Exit.fail(unavailable) : call()
  return MemoryStore.layer.pipe(
    Layer.flatMap((context) =>
      Layer.merge(
        Layer.succeedContext(context),
        Layer.effect(
          Store,
          Effect.map(Effect.provide(Store, context), (store) => ({
            ...store,
            open: (destination, options) =>
              mayFail("open", () =>
                Effect.map(store.open(destination, options), ({ part, record }) => ({
                  record,
                  part: {
                    ...part,
                    write: (chunk, positionBytes) => mayFail("write", () => part.write(chunk, positionBytes)),
                    publish: (publishing) => mayFail("publish", () => part.publish(publishing))
                  } satisfies Part
                }))
              )
          }))
        )
      )
    )
  )
}

const stack = (what: "open" | "write" | "publish", times: number) =>
  Downloader.layerWith({ retry: { retries: 3 } }).pipe(
    Layer.provideMerge(
      Layer.merge(
        Origin.layer((asked) => Origin.file(asked, body, { etag: '"1"', chunkBytes: 4 })),
        failing(what, times)
      )
    ),
    Layer.fresh
  )

const download = autoAdvance(
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    downloader.download(Download.request({ url: "http://origin.test/a", destination: "a" }))
  )
)

const requests = Effect.map(Origin.Origin, (origin) => origin.requests().map(({ headers }) => headers["range"]))

describe("a store that is not available for a while", () => {
  for (const [what, expected] of [
    ["open", [undefined, undefined, undefined]],
    ["write", [undefined, undefined, undefined]],
    // The content is complete: it is not requested again.
    ["publish", [undefined]]
  ] as const) {
    it.effect(`is asked again to ${what}`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* download, { _tag: "Saved", bytes: 10 })
        const files = yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) => files)
        assert.strictEqual(new TextDecoder().decode(files.get("a")), body)
        assert.deepStrictEqual<ReadonlyArray<string | undefined>>(yield* requests, expected)
      }).pipe(Effect.provide(stack(what, 2)))
    )

    it.effect(`fails the download if it can never ${what}`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(download), { _tag: "Disk", reason: "unavailable" })
        assert.strictEqual(yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ parts }) => parts), 0)
      }).pipe(Effect.provide(stack(what, Number.POSITIVE_INFINITY)))
    )
  }
})
