import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { BatchRows, FleetRows, ShardRows } from "halyard/cluster"
import { emptyCounts } from "../../../src/cluster/sums.js"
import { batch, type Case, counts, insert, sums } from "./cases.js"

export const batchCases: ReadonlyArray<Case> = [
  [
    "keeps the first of two batches with an id",
    Effect.gen(function* () {
      const rows = yield* BatchRows
      assert.deepStrictEqual(yield* insert("a", "first"), batch("a", "first"))
      assert.deepStrictEqual(yield* insert("a", "second"), batch("a", "first"))
      assert.deepStrictEqual(yield* rows.find("a"), Option.some(batch("a", "first")))
      assert.deepStrictEqual(yield* rows.find("b"), Option.none())
      assert.deepStrictEqual(yield* rows.sums("b"), Option.none())
      assert.deepStrictEqual(yield* (yield* ShardRows).pending("a", -1, 10), [0, 1])
    })
  ],
  [
    "lists the newest batches with their sums, the last one submitted first",
    Effect.gen(function* () {
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      assert.deepStrictEqual(yield* batches.newest(10), [])
      yield* insert("a")
      yield* insert("c")
      yield* insert("b")
      yield* batches.insert({ ...batch("later", "none"), shards: 0, files: 0, submittedMillis: 2000 })
      yield* rows.begin("b", 0, "here", false, 3000)
      yield* rows.progress({ batch: "b", shard: 0, attempt: 1 }, counts)
      const ids = (limit: number) => Effect.map(batches.newest(limit), (newest) => newest.map(({ id }) => id))
      assert.deepStrictEqual(yield* ids(10), ["later", "a", "b", "c"])
      assert.deepStrictEqual(yield* ids(3), ["later", "a", "b"])
      const [later, , b] = yield* batches.newest(10)
      assert.deepInclude(later, { submittedMillis: 2000, totalFiles: 0, attempts: 0, startedMillis: undefined })
      assert.deepStrictEqual(b, { id: "b", ...(yield* sums("b")) })
    })
  ],
  [
    "finds the shards that have ended, and those of a batch that was removed",
    Effect.gen(function* () {
      yield* insert("a")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      assert.deepStrictEqual(yield* rows.ended("a", [0, 1]), [])
      for (const shard of [0, 1]) {
        yield* rows.begin("a", shard, "here", false, 2000)
      }
      yield* rows.end({ batch: "a", shard: 1, attempt: 1 }, { state: "done", counts, failures: {}, failed: "[]" }, 2500)
      assert.deepStrictEqual(yield* rows.ended("a", [0]), [])
      assert.deepStrictEqual(yield* rows.ended("a", [1, 0]), [1])
      assert.deepStrictEqual(yield* rows.ended("a", []), [])
      yield* batches.remove("a")
      assert.deepStrictEqual(yield* rows.ended("a", [0, 1]), [0, 1])
    })
  ],
  [
    "keeps the first end of a shard",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      const end = { state: "done", counts, failures: { Timeout: 2 }, failed: '["x"]' } as const
      yield* rows.begin("a", 0, "here", false, 2000)
      yield* rows.begin("a", 0, "there", false, 2000)
      yield* rows.end({ batch: "a", shard: 0, attempt: 1 }, end, 3000)
      yield* rows.end({ batch: "a", shard: 0, attempt: 2 }, { ...end, counts: emptyCounts, failures: {} }, 3000)
      assert.deepStrictEqual(yield* rows.begin("a", 0, "here", false, 2000), { _tag: "Ended" })
      yield* rows.begin("a", 1, "here", false, 2000)
      yield* rows.end({ batch: "a", shard: 1, attempt: 1 }, { ...end, failed: '["y"]' }, 3000)
      const batches = yield* BatchRows
      const { counts: summed, shards } = yield* sums("a")
      assert.deepStrictEqual([summed.saved, summed.bytes, shards.done], [2, 2 ** 41, 2])
      assert.deepStrictEqual((yield* batches.reportParts("a")).failures, { Timeout: 4 })
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(batches.failed("a"))), ['["x"]', '["y"]'])
    })
  ],
  [
    "ends the waiting shards of a cancelled batch, and those that begin",
    Effect.gen(function* () {
      yield* insert("a")
      yield* insert("b")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      yield* rows.begin("a", 0, "here", false, 2000)
      assert.deepStrictEqual(yield* rows.cancelled(["a", "b", "gone"]), ["gone"])
      yield* batches.cancel("a")
      assert.deepStrictEqual(yield* rows.cancelled(["a", "b"]), ["a"])
      yield* rows.cancelWaiting("a", 3000)
      yield* rows.cancelWaiting("b", 3000)
      assert.isFalse(yield* rows.endBatch("a", 3000))
      assert.deepStrictEqual(yield* rows.begin("a", 0, "here", false, 3000), { _tag: "Ended" })
      assert.isTrue(yield* rows.endBatch("a", 4000))
      assert.isTrue(yield* rows.endBatch("a", 5000))
      const { counts: summed, endedMillis, isCancelled, shards } = yield* sums("a")
      assert.deepStrictEqual([isCancelled, endedMillis, summed.cancelled, shards.cancelled], [true, 4000, 5, 2])
      assert.deepStrictEqual((yield* sums("b")).shards.waiting, 2)
    })
  ],
  [
    "does not cancel a batch that has ended",
    Effect.gen(function* () {
      yield* insert("a")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      for (const shard of [0, 1]) {
        yield* rows.begin("a", shard, "here", false, 2000)
        yield* rows.end({ batch: "a", shard, attempt: 1 }, { state: "done", counts, failures: {}, failed: "[]" }, 3000)
      }
      assert.isTrue(yield* rows.endBatch("a", 4000))
      yield* batches.cancel("a")
      assert.isFalse((yield* sums("a")).isCancelled)
    })
  ],
  [
    "lists batches until they are closed, and removes them",
    Effect.gen(function* () {
      yield* insert("a")
      yield* insert("b")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      assert.sameDeepMembers(Array.from(yield* rows.open), [
        { id: "a", manifest: "manifest of a", hasEnded: false },
        { id: "b", manifest: "manifest of b", hasEnded: false }
      ])
      for (const shard of [0, 1]) {
        yield* rows.begin("b", shard, "here", false, 2000)
        yield* rows.end({ batch: "b", shard, attempt: 1 }, { state: "done", counts, failures: {}, failed: "[]" }, 3000)
      }
      yield* rows.endBatch("b", 4000)
      yield* rows.close({ id: "a", manifest: "manifest of a" })
      assert.deepStrictEqual(yield* rows.open, [{ id: "b", manifest: "manifest of b", hasEnded: true }])
      yield* batches.remove("b")
      assert.deepStrictEqual(yield* rows.open, [])
      assert.deepStrictEqual(yield* batches.find("b"), Option.none())
      assert.deepStrictEqual(yield* rows.pending("b", -1, 10), [])
      assert.deepStrictEqual(yield* rows.begin("b", 0, "here", false, 1), { _tag: "Ended" })
    })
  ],
  [
    "closes the batch with the manifest, and not a later one with the same id",
    Effect.gen(function* () {
      yield* insert("a", "first")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      yield* batches.remove("a")
      yield* insert("a", "second")
      yield* rows.close({ id: "a", manifest: "first" })
      assert.deepStrictEqual(yield* rows.open, [{ id: "a", manifest: "second", hasEnded: false }])
    })
  ],
  [
    "makes no batch if some of its slices are missing",
    Effect.gen(function* () {
      const rows = yield* BatchRows
      const row = batch("a")
      yield* rows.addSlice(row.manifest, { shard: 0, files: 3, firstIndex: 0, content: "a" }, 1000)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(rows.insert(row))))
      assert.deepStrictEqual(yield* rows.find("a"), Option.none())
      assert.deepStrictEqual(yield* (yield* ShardRows).pending("a", -1, 10), [])
    })
  ],
  [
    "knows the runners that were seen lately, and the longest pause of an origin",
    Effect.gen(function* () {
      const rows = yield* FleetRows
      yield* rows.beat("b")
      const { runners, turn } = yield* rows.beat("a")
      assert.deepStrictEqual(runners, ["a", "b"])
      assert.isAtLeast((yield* rows.beat("a")).turn, turn)
      yield* rows.leave("b")
      assert.deepStrictEqual((yield* rows.beat("a")).runners, ["a"])
      assert.deepStrictEqual(yield* rows.pauses, [])
      yield* rows.pause("http://origin.test", 1e6)
      yield* rows.pause("http://origin.test", 1e5)
      const [pause, ...others] = yield* rows.pauses
      assert.deepStrictEqual([pause?.origin, others], ["http://origin.test", []])
      assert.isTrue(pause !== undefined && pause.millis > 5e5 && pause.millis <= 1e6, `${pause?.millis} ms`)
    })
  ],
  [
    "finds a shard that has ended until its messages are removed, and none that was cancelled before an attempt",
    Effect.gen(function* () {
      yield* insert("a")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      yield* rows.begin("a", 0, "here", false, 2000)
      yield* rows.end({ batch: "a", shard: 0, attempt: 1 }, { state: "done", counts, failures: {}, failed: "[]" }, 3000)
      yield* batches.cancel("a")
      yield* rows.cancelWaiting("a", 4000)
      assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [0])
      yield* rows.closeShard({ id: "a", manifest: "another" }, 0)
      assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [0])
      yield* rows.closeShard({ id: "a", manifest: "manifest of a" }, 0)
      assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [])
      assert.isTrue(yield* rows.endBatch("a", 5000))
    })
  ],
  [
    "finds the cancelled shards whose messages may exist, and none of those that could not have one",
    Effect.gen(function* () {
      yield* insert("a")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      // A runner reads the first shard to send it, and ends.
      assert.deepStrictEqual(yield* rows.pending("a", -1, 1), [0])
      yield* batches.cancel("a")
      yield* rows.cancelWaiting("a", 4000)
      assert.isTrue(yield* rows.endBatch("a", 5000))
      assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [0])
      yield* rows.closeShard({ id: "a", manifest: "manifest of a" }, 0)
      assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [])
    })
  ],
  [
    "makes no shards of slices that were dropped",
    Effect.gen(function* () {
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      yield* batches.addSlice("m", { shard: 0, files: 1, firstIndex: 0, content: "a" }, 1000)
      yield* batches.dropSlices("m")
      yield* batches.insert({ ...batch("a", "m"), shards: 0 })
      assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [])
    })
  ]
]
