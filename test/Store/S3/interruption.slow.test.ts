/**
 * What a store in an object storage leaves if it is interrupted while it waits for any of its requests.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { until } from "../../support/poll.js"
import { bucketAt, leftIn, publish, storeOf, textAt, write } from "../../support/storage/s3Bucket.js"
import { type ScriptedS3, scriptedS3 } from "../../support/storage/scriptedS3.js"

/** Three blocks. */
const first = "0123456789".repeat(150_000)

const second = "abcdefghij".repeat(150_000)

/** Saves a file of several blocks with a checkpoint in between, after an earlier run has left its first half. */
const saved = (storage: ScriptedS3, end: "keep" | "discard") =>
  Effect.scoped(
    Effect.gen(function* () {
      const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
      const { part } = yield* Effect.acquireRelease(store.open("file", { resume: "key" }), ({ part }) =>
        part.close(end)
      )
      yield* write(part, first)
      yield* part.checkpoint("first", "full")
      yield* write(part, second, first.length)
      yield* part.checkpoint("both", "full")
      yield* publish(part, "fail")
    })
  )

/** A storage in which an earlier run has kept the first half. */
const prepared = Effect.gen(function* () {
  const storage = yield* scriptedS3
  yield* Effect.scoped(
    Effect.gen(function* () {
      const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
      const { part } = yield* store.open("file", { resume: "key" })
      yield* write(part, first)
      yield* part.checkpoint("first", "full")
      yield* part.close("keep")
    })
  )
  storage.requests.length = 0
  return storage
})

describe("a store in an object storage that is interrupted", () => {
  for (const end of ["discard", "keep"] as const) {
    it.scopedLive(`leaves the whole file, nothing, or a part that can be continued, with ${end}`, () =>
      Effect.gen(function* () {
        const count = yield* Effect.gen(function* () {
          const storage = yield* prepared
          yield* saved(storage, end)
          return storage.requests.length
        })
        assert.isAbove(count, 20)
        const kept = new Set<string | undefined>()
        for (let step = 1; step <= count; step++) {
          const storage = yield* prepared
          storage.behave = () => (storage.requests.length === step ? "hold" : "answer")
          const fiber = yield* Effect.fork(saved(storage, end))
          yield* until(
            `request ${step}`,
            () => storage.requests.length >= step || undefined,
            () => ""
          )
          const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
          // A publish is not interrupted: it waits for the response.
          yield* Effect.yieldNow()
          storage.release()
          yield* Fiber.join(interruption)
          const text = textAt(storage, "prefix/file")
          const left = leftIn(storage)
          assert.isTrue(text === undefined || text === first + second, `step ${step}`)
          if (text !== undefined || left.length === 0) {
            assert.deepStrictEqual(left, [], `step ${step}`)
            continue
          }
          const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
          const { part, record } = yield* store.open("file", { resume: "key" })
          kept.add(record)
          const expected = record === "first" ? first : first + second
          const content = new Uint8Array(expected.length + 1)
          assert.strictEqual(yield* part.read(content, 0), expected.length, `step ${step}: ${record}`)
          assert.isTrue(new TextDecoder().decode(content.subarray(0, expected.length)) === expected)
          yield* part.close("discard")
          assert.deepStrictEqual(leftIn(storage), [], `step ${step}`)
        }
        assert.deepStrictEqual([...kept].sort(), end === "keep" ? ["both", "first"] : [])
      })
    )
  }
})
