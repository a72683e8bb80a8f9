/**
 * Parts in an object storage that another process continues.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
import * as S3Store from "../../../src/Store/S3.js"
import type { Store } from "../../../src/Store.js"
import { until } from "../../support/poll.js"
import { bucketAt, leftIn, publish, storeOf, textAt, write } from "../../support/storage/s3Bucket.js"
import { type ScriptedS3, scriptedS3 } from "../../support/storage/scriptedS3.js"

/** Three blocks, of which the last one is not complete. */
const first = "0123456789".repeat(150_000)

const second = "abcdefghij".repeat(150_000)

const open = (store: typeof Store.Service) =>
  Effect.acquireRelease(store.open("directory/file", { resume: "key" }), ({ part }) => part.close("discard"))

/** A part with a checkpoint, in a process of its own. */
const begun = (storage: ScriptedS3) =>
  Effect.gen(function* () {
    const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
    const { part } = yield* store.open("directory/file", { resume: "key" })
    yield* write(part, first)
    yield* part.checkpoint("first", "full")
    return part
  })

const continued = (storage: ScriptedS3) => Effect.flatMap(storeOf(bucketAt(storage.endpoint, "prefix").options), open)

const finished = (storage: ScriptedS3) =>
  Effect.gen(function* () {
    const { part, record } = yield* continued(storage)
    assert.strictEqual(record, "first")
    const content = new Uint8Array(first.length + 10)
    assert.strictEqual(yield* part.read(content, 0), first.length)
    assert.isTrue(new TextDecoder().decode(content.subarray(0, first.length)) === first)
    yield* write(part, second, first.length)
    yield* publish(part)
    assert.isTrue(textAt(storage, "prefix/directory/file") === first + second)
    assert.deepStrictEqual(leftIn(storage), [])
  })

const blocksIn = ({ objects }: ScriptedS3) => [...objects.keys()].filter((key) => key.includes("/blocks/"))

const passes = (storage: ScriptedS3, millis: number) => {
  const { nowMillis } = storage
  storage.nowMillis = () => nowMillis() + millis
}

describe("a part in an object storage", () => {
  it.scopedLive("is continued by another process, which does not send its complete blocks again", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      yield* (yield* begun(storage)).close("keep")
      const blocks = blocksIn(storage)
      assert.strictEqual(blocks.length, 3)
      storage.requests.length = 0
      yield* finished(storage)
      const put = storage.requests.filter(({ key, operation }) => operation === "put" && key.includes("/blocks/"))
      // The third block, which is complete now, two more, and the note of the multipart upload.
      assert.strictEqual(put.length, 4)
    })
  )

  it.scopedLive("is continued when the process that has made it was killed", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const killed = yield* begun(storage)
      // Bytes after the checkpoint.
      yield* write(killed, second, first.length)
      passes(storage, 60_000)
      yield* finished(storage)
      // If it was alive all the same, it fails, and the file stays as it is.
      assert.strictEqual((yield* Effect.flip(publish(killed))).reason, "other")
      yield* killed.close("keep")
      assert.isTrue(textAt(storage, "prefix/directory/file") === first + second)
    })
  )

  it.scopedLive("is continued when its process was killed while it published the file", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const killed = yield* begun(storage)
      storage.behave = ({ operation }) => (operation === "completeUpload" ? "hold" : "answer")
      yield* Effect.forkScoped(publish(killed))
      yield* until(
        "completion",
        () => storage.requests.some(({ operation }) => operation === "completeUpload") || undefined,
        () => ""
      )
      storage.behave = () => "answer"
      assert.strictEqual(storage.uploads.size, 1)
      passes(storage, 60_000)
      yield* finished(storage)
      assert.strictEqual(storage.uploads.size, 0)
      storage.release()
    })
  )

  for (const isAlive of [true, false]) {
    it.scoped(
      `is ${isAlive ? "not taken from a process that is alive" : "taken if its process gives no sign of life"}`,
      () =>
        Effect.gen(function* () {
          const storage = yield* scriptedS3
          let elapsed = 0
          storage.nowMillis = () => 1_000_000_000_000 + elapsed
          yield* begun(storage)
          const owners = (operation: string) =>
            storage.requests.filter((request) => request.key.includes("/owners/") && request.operation === operation)
              .length
          const seen = (operation: string, count: number) =>
            TestServices.provideLive(
              until(
                `${operation} of an owner`,
                () => owners(operation) >= count || undefined,
                () => ""
              )
            )
          if (!isAlive) {
            const owner = [...storage.objects.keys()].find((key) => key.includes("/owners/"))
            storage.behave = ({ key, operation }) =>
              key === owner && operation === "put" ? { status: 403, code: "AccessDenied" } : "answer"
          }
          const opening = yield* Effect.fork(continued(storage))
          yield* seen("head", 1)
          for (let renewals = 2; renewals <= 5; renewals++) {
            elapsed += 5000
            yield* TestClock.adjust("5 seconds")
            yield* seen("put", renewals)
          }
          elapsed += 1000
          yield* TestClock.adjust("1 seconds")
          const { record } = yield* Fiber.join(opening)
          assert.strictEqual(record, isAlive ? undefined : "first")
        })
    )
  }

  it.scopedLive("is taken by one of two processes", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      yield* (yield* begun(storage)).close("keep")
      const opened = yield* Effect.all([continued(storage), continued(storage), continued(storage)], { concurrency: 3 })
      assert.strictEqual(opened.filter(({ record }) => record === "first").length, 1)
    })
  )

  it.scopedLive("is taken if the response to the request that takes it is lost", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      yield* (yield* begun(storage)).close("keep")
      let lost = 0
      storage.behave = ({ headers }) => (headers["if-none-match"] === "*" && lost++ === 0 ? "lose" : "answer")
      yield* finished(storage)
      assert.strictEqual(lost, 2)
    })
  )

  it.scopedLive("is the newest one if a killed process has left its record twice", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      yield* (yield* begun(storage)).close("keep")
      const record = [...storage.objects.keys()].find((key) => key.includes("/records/")) ?? ""
      const found = storage.objects.get(record)
      assert.isDefined(found)
      if (found !== undefined) {
        storage.objects.set(record.replace(/-0$/, "-1"), found)
      }
      yield* finished(storage)
    })
  )

  it.scoped("is found by a process that has listed the records a minute ago", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
      yield* store.prepare("directory")
      yield* (yield* begun(storage)).close("keep")
      assert.strictEqual((yield* open(store)).record, undefined)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* open(store)).record, "first")
    })
  )

  it.scopedLive("starts over if its record cannot be read", () =>
    Effect.gen(function* () {
      for (const text of ["", "{", JSON.stringify({ form: 2 }), "null"]) {
        const storage = yield* scriptedS3
        yield* (yield* begun(storage)).close("keep")
        const record = [...storage.objects.keys()].find((key) => key.includes("/records/")) ?? ""
        storage.objects.set(record, { body: Buffer.from(text), etag: '"1"', modifiedMillis: 0, metadata: {} })
        assert.strictEqual((yield* continued(storage)).record, undefined)
      }
    })
  )

  it.scopedLive("is not looked for if the credentials may not list the bucket", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      yield* (yield* begun(storage)).close("keep")
      storage.behave = ({ operation }) => (operation === "list" ? { status: 403, code: "AccessDenied" } : "answer")
      const { part, record } = yield* continued(storage)
      assert.strictEqual(record, undefined)
      yield* write(part, "content")
      yield* publish(part)
      assert.strictEqual(textAt(storage, "prefix/directory/file"), "content")
    })
  )

  it.scopedLive("is listed as a leftover, and can be removed", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { options } = bucketAt(storage.endpoint, "prefix")
      storage.objects.set("prefix/other", { body: Buffer.from("other"), etag: '"1"', modifiedMillis: 0, metadata: {} })
      yield* (yield* begun(storage)).close("keep")
      const store = yield* storeOf(options)
      // Killed in a publish, without a checkpoint.
      const { part } = yield* store.open("second", { resume: undefined })
      yield* write(part, first)
      storage.behave = ({ operation }) => (operation === "completeUpload" ? "hold" : "answer")
      yield* Effect.forkScoped(publish(part))
      yield* until(
        "completion",
        () => storage.requests.some(({ operation }) => operation === "completeUpload") || undefined,
        () => ""
      )
      const found = yield* S3Store.leftovers(options)
      assert.sameDeepMembers(
        found.map(({ destination }) => destination),
        ["directory/file", undefined]
      )
      for (const { modifiedMillis, sizeBytes } of found) {
        assert.isAtLeast(sizeBytes, first.length)
        assert.isAtMost(Math.abs(Date.now() - modifiedMillis), 600_000)
      }
      assert.deepStrictEqual(yield* S3Store.removeLeftovers(options), [])
      assert.isAbove(leftIn(storage).length, 5)
      const removed = yield* S3Store.removeLeftovers(options, { olderThan: "-1 hours" })
      assert.sameMembers(
        [...removed],
        found.map(({ id }) => id)
      )
      assert.deepStrictEqual([...storage.objects.keys()], ["prefix/other"])
      assert.strictEqual(storage.uploads.size, 0)
      storage.release()
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.scopedLive("is not removed as a leftover while its process says that it lives", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { options } = bucketAt(storage.endpoint, "prefix")
      const part = yield* begun(storage)
      const age = (isOld: (key: string) => boolean) => {
        for (const [key, object] of storage.objects) {
          storage.objects.set(key, isOld(key) ? { ...object, modifiedMillis: 0 } : object)
        }
      }
      age((key) => !key.includes("/owners/"))
      assert.strictEqual((yield* S3Store.leftovers(options)).length, 1)
      assert.deepStrictEqual(yield* S3Store.removeLeftovers(options), [])
      yield* part.close("keep")
      age(() => true)
      assert.strictEqual((yield* S3Store.removeLeftovers(options)).length, 1)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
