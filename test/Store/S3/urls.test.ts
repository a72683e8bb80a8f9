/**
 * Destinations that are URLs.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { openScoped } from "../../../src/Store.js"
import { bucketAt, publish, storeOf, textAt, write } from "../../support/storage/s3Bucket.js"
import { scriptedS3 } from "../../support/storage/scriptedS3.js"

it.scopedLive("saves a file under the URL of its object, which errors and results have", () =>
  Effect.gen(function* () {
    const storage = yield* scriptedS3
    for (const [prefix, url, key] of [
      ["prefix", "s3://bucket/prefix/a/b.txt", "prefix/a/b.txt"],
      ["", "s3://bucket/b.txt", "b.txt"]
    ] as const) {
      const store = yield* storeOf(bucketAt(storage.endpoint, prefix).options)
      const part = yield* openScoped(store, url)
      yield* write(part, "content")
      assert.strictEqual(yield* publish(part), url)
      assert.strictEqual(textAt(storage, key), "content")
      assert.deepInclude(yield* store.stat(url), { sizeBytes: 7 })
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(store.read(url))), "content")
      const again = yield* openScoped(store, url)
      yield* write(again, "other")
      const error = yield* Effect.flip(publish(again, "fail"))
      assert.deepInclude(error, { reason: "exists", path: url })
      assert.strictEqual(yield* publish(again, "unique"), url.replace(".txt", "-2.txt"))
    }
  })
)

it.scopedLive("continues a part that was kept under the same key", () =>
  Effect.gen(function* () {
    const storage = yield* scriptedS3
    const content = "0123456789".repeat(150_000)
    const first = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
    const { part } = yield* first.open("a", { resume: "key" })
    yield* write(part, content)
    yield* part.checkpoint("record", "full")
    yield* part.close("keep")
    const second = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
    const opened = yield* second.open("s3://bucket/prefix/a", { resume: "key" })
    assert.strictEqual(opened.record, "record")
    yield* opened.part.close("discard")
  })
)
