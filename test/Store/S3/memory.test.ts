/**
 * The memory of a store in an object storage, and files that are larger than it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { BlockMemory } from "../../../src/Store/s3/block.js"
import { Blocks } from "../../../src/Store/s3/blocks.js"
import type { Bucket } from "../../../src/Store/s3/bucket.js"
import { openScoped } from "../../../src/Store.js"
import { bucketAt, publish, storeOf, textAt, write } from "../../support/storage/s3Bucket.js"
import { scriptedS3 } from "../../support/storage/scriptedS3.js"

const blockBytes = 1000

const contentOf = (sizeBytes: number) => Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7919) >> 5)

/** Blocks of 1000 bytes, over objects in memory. */
const blocksWith = (memoryBytes: number) =>
  Effect.gen(function* () {
    const objects = new Map<string, Uint8Array>()
    const memory: BlockMemory = { usedBytes: 0 }
    const mostBytes = { value: 0 }
    let puts = 0
    const unused = () => Effect.dieMessage("not used")
    const bucket: Bucket = {
      put: (key, body) =>
        Effect.flatMap(Effect.yieldNow(), () =>
          Effect.sync(() => {
            mostBytes.value = Math.max(mostBytes.value, memory.usedBytes)
            puts++
            objects.set(key, body.slice())
            return `"${puts}"`
          })
        ),
      get: (key) => Effect.sync(() => objects.get(key)?.slice() ?? new Uint8Array(0)),
      read: () => Stream.dieMessage("not used"),
      head: unused,
      remove: unused,
      list: unused,
      createUpload: unused,
      uploadPart: unused,
      copyPart: unused,
      partSizes: unused,
      completeUpload: unused,
      abortUpload: unused
    }
    const blocks = new Blocks(
      { bucket, memory, memoryBytes, concurrency: 2, scope: yield* Effect.scope },
      () => Effect.succeed("blocks/"),
      blockBytes
    )
    const assembled = Effect.map(blocks.complete, (stored) =>
      Buffer.concat(stored.map(({ name }) => objects.get(`blocks/${name}`) ?? new Uint8Array(0)))
    )
    return { blocks, memory, mostBytes, assembled, puts: () => puts }
  })

describe("the blocks of a part", () => {
  it.scoped("take one block of memory if they are written in order", () =>
    Effect.gen(function* () {
      const { assembled, blocks, memory, mostBytes, puts } = yield* blocksWith(3 * blockBytes)
      const content = contentOf(50_500)
      for (let at = 0; at < content.length; at += 130) {
        yield* blocks.write(content.subarray(at, at + 130), at)
      }
      yield* blocks.settled
      assert.isAtMost(mostBytes.value, 4 * blockBytes)
      assert.isAtMost(memory.usedBytes, blockBytes)
      assert.deepEqual(yield* assembled, Buffer.from(content))
      assert.strictEqual(puts(), 51)
      assert.strictEqual(memory.usedBytes, 0)
    })
  )

  it.scoped("stay within the limit and one block if they are written in any order", () =>
    Effect.gen(function* () {
      const limit = 4 * blockBytes
      const { assembled, blocks, memory, mostBytes } = yield* blocksWith(limit)
      const content = contentOf(30_300)
      // A piece of each block in turn, from the last one to the first one.
      for (let piece = 0; piece < 4; piece++) {
        for (let block = 30; block >= 0; block--) {
          const at = block * blockBytes + piece * 250
          yield* blocks.write(content.subarray(at, at + 250), at)
          assert.isAtMost(memory.usedBytes, limit + blockBytes)
        }
      }
      assert.isAtMost(mostBytes.value, limit + 2 * blockBytes)
      const chunk = new Uint8Array(3000)
      assert.strictEqual(yield* blocks.read(chunk, 28_000), 2300)
      assert.deepEqual(chunk.subarray(0, 2300), content.subarray(28_000))
      assert.deepEqual(yield* assembled, Buffer.from(content))
    })
  )

  it.scoped("have zeros where nothing was written", () =>
    Effect.gen(function* () {
      const { assembled, blocks } = yield* blocksWith(100 * blockBytes)
      yield* blocks.write(Uint8Array.of(1, 2), 2500)
      yield* blocks.write(Uint8Array.of(3), 5100)
      const chunk = new Uint8Array(3000).fill(9)
      assert.strictEqual(yield* blocks.read(chunk, 2499), 2602)
      assert.deepEqual([...chunk.subarray(0, 4)], [0, 1, 2, 0])
      const whole = yield* assembled
      assert.strictEqual(whole.length, 5101)
      assert.deepEqual([...whole.subarray(2499, 2503)], [0, 1, 2, 0])
      assert.strictEqual(whole[5100], 3)
    })
  )

  it.scoped("keep the bytes of an upload that is under way when they are written again", () =>
    Effect.gen(function* () {
      const { assembled, blocks } = yield* blocksWith(100 * blockBytes)
      const old = contentOf(blockBytes)
      yield* blocks.write(old, 0)
      // The upload of the complete block has begun, and has not sent it.
      yield* blocks.write(Uint8Array.of(255), 10)
      yield* blocks.settled
      const whole = yield* assembled
      assert.strictEqual(whole[10], 255)
      assert.deepEqual(whole.subarray(11), Buffer.from(old.subarray(11)))
    })
  )

  it("end with their scope", async () => {
    const scope = Effect.runSync(Scope.make())
    const { blocks } = Effect.runSync(Scope.extend(blocksWith(100 * blockBytes), scope))
    await Effect.runPromise(Effect.ignore(blocks.write(contentOf(blockBytes), 0)))
    await Effect.runPromise(blocks.end)
    assert.deepStrictEqual(blocks.kept, [])
  })
})

describe("a file larger than its blocks", () => {
  it.scopedLive("has larger blocks if its size is known before its first byte", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const store = yield* storeOf({ ...bucketAt(storage.endpoint, "prefix").options, blockBytes: 100 })
      const part = yield* openScoped(store, "file")
      yield* part.reserve(15 * 1024 * 1024 * 1024)
      // Two blocks of 2 MiB.
      const text = "0123456789".repeat(300_000)
      yield* write(part, text)
      yield* publish(part)
      assert.isTrue(textAt(storage, "prefix/file") === text)
      assert.strictEqual(storage.requests.filter(({ operation }) => operation === "copyPart").length, 2)
    })
  )

  it.scopedLive("fails with the reason full beyond 10,000 blocks", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const store = yield* storeOf({ ...bucketAt(storage.endpoint, "prefix").options, blockBytes: 100 })
      const part = yield* openScoped(store, "file")
      yield* write(part, "x", 999_999)
      assert.strictEqual((yield* Effect.flip(write(part, "x", 1_000_000))).reason, "full")
      assert.strictEqual((yield* Effect.flip(part.reserve(1_000_001))).reason, "full")
      const other = yield* openScoped(store, "other")
      assert.strictEqual((yield* Effect.flip(other.reserve(60 * 1024 ** 4))).reason, "full")
    })
  )
})
