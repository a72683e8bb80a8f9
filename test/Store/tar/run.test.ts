import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as TarStore from "../../../src/Store/Tar.js"
import { Store } from "../../../src/Store.js"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { entriesOf, samplesOf } from "../../support/storage/tarFiles.js"
import { memory } from "../../support/storage/tarStore.js"

const names = Array.from({ length: 40 }, (_, index) => `image-${index}.jpg`)

const requests = names.map((name) =>
  Download.request({
    url: `https://files.example/${name}?token=s3cret`,
    destination: name,
    onExists: "skip",
    digestAlgorithm: "sha256"
  })
)

const bodyOf = (url: string): string => `the content of ${new URL(url).pathname} `.repeat(100)

/** Runs the requests with a tar store over a store, and completes the tar. */
const run = (underlying: typeof Store.Service, script: Parameters<typeof Origin.layer>[0], isComplete = true) =>
  autoAdvance(
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const { finish } = yield* TarStore.TarFiles
      const outcomes = yield* Stream.runCollect(downloader.run(Stream.fromIterable(requests), { concurrency: 8 }))
      yield* isComplete ? finish : Effect.void
      return Chunk.toReadonlyArray(outcomes).map(({ _tag }) => _tag)
    }).pipe(
      Effect.provide(
        Downloader.layer.pipe(
          Layer.provideMerge(
            Layer.merge(
              Origin.layer(script),
              TarStore.layer({ destination: "out/00000.tar" }).pipe(Layer.provide(Layer.succeed(Store, underlying)))
            )
          ),
          Layer.fresh
        )
      )
    )
  )

describe("a run into a tar", () => {
  it.scoped("has what each response said, and skips in a later run what is in the tar", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      let isBroken = true
      const script = (asked: Origin.Request): Origin.Reply =>
        isBroken && asked.url.includes("7.jpg")
          ? { status: 404 }
          : Origin.file(asked, bodyOf(asked.url), {
              etag: `"${asked.url.length}"`,
              headers: { "content-type": "image/jpeg" }
            })
      const first = yield* run(store, script, false)
      assert.strictEqual(first.filter((tag) => tag === "Saved").length, 36)
      assert.strictEqual(first.filter((tag) => tag === "Failed").length, 4)
      isBroken = false
      const second = yield* run(store, script)
      assert.strictEqual(second.filter((tag) => tag === "Skipped").length, 36)
      assert.strictEqual(second.filter((tag) => tag === "Saved").length, 4)
      const third = yield* run(store, script)
      assert.strictEqual(third.filter((tag) => tag === "Skipped").length, 40)
      const samples = samplesOf(
        yield* Effect.promise(async () => entriesOf(await Effect.runPromise(file("out/00000.tar"))))
      )
      assert.strictEqual(samples.length, 40)
      for (const { __key__: key, jpg = "", json } of samples) {
        const url = `https://files.example/${key}.jpg?token=…`
        assert.strictEqual(jpg, bodyOf(url))
        const digest = yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(jpg)))
        assert.deepStrictEqual(JSON.parse(json ?? ""), {
          key,
          file: `${key}.jpg`,
          bytes: jpg.length,
          url,
          status: 200,
          sha256: Buffer.from(digest).toString("hex"),
          mediaType: "image/jpeg",
          etag: `"${url.length + "s3cret".length - 1}"`
        })
      }
    })
  )
})
