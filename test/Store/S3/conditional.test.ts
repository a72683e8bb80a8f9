/**
 * Conditional writes, over a storage that has them.
 */

import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as S3Store from "../../../src/Store/S3.js"
import { openScoped } from "../../../src/Store.js"
import * as Contracts from "../../../src/testing/Contracts.js"
import { runCases } from "../../support/runCases.js"
import { bucketAt, leftIn, partsIn, publish, storeOf, textAt, write } from "../../support/storage/s3Bucket.js"
import { scriptedS3 } from "../../support/storage/scriptedS3.js"

const small = "small"

/** Three blocks. */
const large = "0123456789".repeat(150_000)

describe("Store/S3 with conditional writes", () => {
  runCases(
    Contracts.store(
      Effect.map(scriptedS3, (storage) => {
        const bucket = bucketAt(storage.endpoint, "prefix")
        return {
          layer: Layer.fresh(S3Store.layer(bucket.options)).pipe(
            Layer.provide(NodeHttpClient.layerUndici),
            Layer.orDie
          ),
          destination: "directory/file",
          keeps: true,
          read: Effect.sync(() => textAt(storage, "prefix/directory/file")),
          parts: Effect.map(partsIn(bucket), ({ length }) => length)
        }
      })
    )
  )

  for (const [name, text] of [
    ["small", small],
    ["large", large]
  ] as const) {
    it.scopedLive(`lets one of two processes publish a ${name} file`, () =>
      Effect.gen(function* () {
        const storage = yield* scriptedS3
        const { options } = bucketAt(storage.endpoint, "prefix")
        const save = Effect.gen(function* () {
          const part = yield* openScoped(yield* storeOf(options), "file")
          yield* write(part, text)
          return yield* Effect.exit(publish(part, "fail"))
        })
        const exits = yield* Effect.scoped(Effect.all([save, save], { concurrency: 2 }))
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        assert.strictEqual(textAt(storage, "prefix/file"), text)
        assert.deepStrictEqual(leftIn(storage), [])
      })
    )

    for (const onExists of ["fail", "skip", "unique"] as const) {
      it.scopedLive(`does not replace a file that appears while a ${name} file is published with ${onExists}`, () =>
        Effect.gen(function* () {
          const storage = yield* scriptedS3
          const part = yield* openScoped(yield* storeOf(bucketAt(storage.endpoint, "prefix").options), "file.bin")
          yield* write(part, text)
          storage.behave = ({ key, operation }) => {
            const isLast = operation === "completeUpload" || operation === "put"
            if (key === "prefix/file.bin" && isLast) {
              storage.objects.set(key, { body: Buffer.from("other"), etag: '"o"', modifiedMillis: 0, metadata: {} })
            }
            return "answer"
          }
          const exit = yield* Effect.exit(publish(part, onExists))
          assert.strictEqual(textAt(storage, "prefix/file.bin"), "other")
          if (onExists === "fail") {
            assert.propertyVal(Exit.isFailure(exit) ? yield* Effect.flip(exit) : {}, "reason", "exists")
          } else {
            assert.strictEqual(yield* exit, onExists === "skip" ? undefined : "file-2.bin")
          }
          assert.strictEqual(textAt(storage, "prefix/file-2.bin"), onExists === "unique" ? text : undefined)
          yield* part.close("discard")
          assert.deepStrictEqual(leftIn(storage), [])
        })
      )
    }

    for (const onExists of ["fail", "overwrite"] as const) {
      it.scopedLive(
        `knows its own object if the response to the publish of a ${name} file is lost, with ${onExists}`,
        () =>
          Effect.gen(function* () {
            const storage = yield* scriptedS3
            const part = yield* openScoped(yield* storeOf(bucketAt(storage.endpoint, "prefix").options), "file")
            yield* write(part, text)
            let lost = 0
            storage.behave = ({ key, operation }) => {
              const isLast = key === "prefix/file" && (operation === "completeUpload" || operation === "put")
              return isLast && lost++ === 0 ? "lose" : "answer"
            }
            assert.strictEqual(yield* publish(part, onExists), "file")
            assert.isAbove(lost, 1)
            assert.strictEqual(textAt(storage, "prefix/file"), text)
            assert.deepStrictEqual(leftIn(storage), [])
          })
      )
    }
  }

  it.scopedLive("asks first if the storage has no conditional writes", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      storage.behave = ({ headers }) =>
        headers["if-none-match"] === undefined ? "answer" : { status: 501, code: "NotImplemented" }
      const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
      for (const text of [small, large]) {
        for (const path of [text.slice(0, 5), `${text.slice(0, 5)}-2`]) {
          const part = yield* openScoped(store, text.slice(0, 5))
          yield* write(part, text)
          assert.strictEqual(yield* publish(part, "unique"), path)
          assert.strictEqual(textAt(storage, `prefix/${path}`), text)
        }
      }
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )
})
