import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { BatchRows, ShardRows } from "halyard/cluster"
import { emptyCounts } from "../../../src/cluster/sums.js"
import { type Case, counts, insert, sums } from "./cases.js"

export const attemptCases: ReadonlyArray<Case> = [
  [
    "counts an attempt before it runs, and gives its requests",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      assert.deepStrictEqual(yield* rows.begin("a", 1, "here", false, 2000), {
        _tag: "Begun",
        attempt: 1,
        slice: { shard: 1, files: 2, firstIndex: 3, content: "d\ne" },
        settings: { output: "s3" }
      })
      const { attempts, shards, startedMillis, totalFiles } = yield* sums("a")
      assert.deepStrictEqual([attempts, shards.running, shards.waiting, startedMillis, totalFiles], [1, 1, 1, 2000, 5])
    })
  ],
  [
    "shows the shards that have begun, with the runners of their last ten attempts",
    Effect.gen(function* () {
      yield* insert("a")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      const begun = Effect.map(Stream.runCollect(batches.begunShards("a")), (shards) => Array.from(shards))
      assert.deepStrictEqual(yield* begun, [])
      for (let attempt = 1; attempt <= 11; attempt++) {
        yield* rows.begin("a", 1, `10.0.0.${attempt}:7410 ${attempt}`, false, 1000 * attempt)
        yield* rows.release({ batch: "a", shard: 1, attempt }, emptyCounts)
      }
      yield* rows.begin("a", 1, "10.0.0.12:7410 name", false, 12_000)
      yield* rows.begin("a", 1, "10.0.0.12:7410 name", false, 12_500)
      yield* rows.progress({ batch: "a", shard: 1, attempt: 12 }, { ...counts, failed: 1 })
      const expected = {
        shard: 1,
        state: "running" as const,
        total: 2,
        files: { saved: 1, skipped: 0, notModified: 0, failed: 1, cancelled: 0 },
        bytes: 2 ** 40,
        attempts: 12,
        lastAttempts: Array.from({ length: 10 }, (_, index) => ({
          runner: `10.0.0.${index + 3}:7410`,
          beganMillis: 1000 * (index + 3),
          isReleased: index < 9
        })),
        detail: ""
      }
      assert.deepStrictEqual(yield* begun, [expected])
      const end = { state: "done", counts, failures: {}, failed: "[]" } as const
      yield* rows.end({ batch: "a", shard: 1, attempt: 12 }, end, 13_000)
      const [ended] = yield* begun
      assert.deepInclude(ended, { state: "done", endedMillis: 13_000 })
    })
  ],
  [
    "abandons a shard after three attempts without an end, and counts its files as failed",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      for (const attempt of [1, 2]) {
        assert.deepInclude(yield* rows.begin("a", 0, `attempt ${attempt}`, false, 2000), { _tag: "Begun", attempt })
      }
      assert.deepStrictEqual(yield* rows.begin("a", 0, "here", false, 2000), { _tag: "Alone" })
      assert.deepInclude(yield* rows.begin("a", 0, "here", true, 2000), { _tag: "Begun", attempt: 3 })
      yield* rows.died({ batch: "a", shard: 0, attempt: 3 }, "a reason")
      assert.deepStrictEqual(yield* rows.begin("a", 0, "there", false, 2000), { _tag: "Ended" })
      const { attempts, counts, shards } = yield* sums("a")
      assert.deepStrictEqual([attempts, counts.failed, shards.abandoned], [3, 3, 1])
      assert.deepStrictEqual((yield* (yield* BatchRows).reportParts("a")).abandoned, [
        { shard: 0, files: 3, attempts: 3, reason: "defect", detail: "a reason" }
      ])
    })
  ],
  [
    "counts an attempt once whose beginning is repeated because the answer was lost",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      for (const attempt of [1, 2, 3]) {
        const begin = rows.begin("a", 0, `attempt ${attempt}`, true, 2000)
        assert.deepInclude(yield* begin, { _tag: "Begun", attempt })
        assert.deepInclude(yield* begin, { _tag: "Begun", attempt })
      }
      assert.deepInclude(yield* sums("a"), { attempts: 3 })
      yield* rows.release({ batch: "a", shard: 0, attempt: 3 }, counts)
      assert.deepInclude(yield* rows.begin("a", 0, "attempt 3", true, 2000), { _tag: "Begun", attempt: 4 })
    })
  ],
  [
    "does not count an attempt that was released as one without an end",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      for (const attempt of [1, 2, 3, 4]) {
        assert.deepInclude(yield* rows.begin("a", 0, `attempt ${attempt}`, false, 2000), { _tag: "Begun", attempt })
        yield* rows.release({ batch: "a", shard: 0, attempt }, counts)
        assert.deepStrictEqual(yield* rows.pending("a", -1, 10), [0, 1])
      }
      const { attempts, counts: summed, shards } = yield* sums("a")
      assert.deepStrictEqual([attempts, summed.saved, shards.waiting], [4, 1, 2])
    })
  ],
  [
    "takes back the attempt of a claim, unless another attempt has begun since",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      const unended = () => Effect.map(rows.begin("a", 0, "last", false, 3000), ({ _tag }) => _tag)
      yield* rows.revoke("a", 0, "first")
      assert.deepInclude((yield* sums("a")).shards, { waiting: 2, running: 0 })
      for (const _ of [1, 2, 3]) {
        yield* rows.begin("a", 0, "first", false, 2000)
        yield* rows.revoke("a", 0, "first")
        yield* rows.revoke("a", 0, "first")
      }
      assert.deepInclude(yield* sums("a"), { attempts: 3 })
      assert.deepInclude((yield* sums("a")).shards, { waiting: 2, running: 0 })
      yield* rows.begin("a", 0, "first", false, 2000)
      assert.strictEqual(yield* unended(), "Begun")
      yield* rows.revoke("a", 0, "first")
      assert.deepInclude((yield* sums("a")).shards, { waiting: 1, running: 1 })
    })
  ],
  [
    "tells a running attempt that its shard has ended by another one",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      const end = { state: "done", counts, failures: {}, failed: "[]" } as const
      yield* rows.begin("a", 0, "first", false, 2000)
      assert.isFalse(yield* rows.progress({ batch: "a", shard: 0, attempt: 1 }, counts))
      yield* rows.begin("a", 0, "second", false, 2000)
      assert.isFalse(yield* rows.progress({ batch: "a", shard: 0, attempt: 1 }, counts))
      yield* rows.end({ batch: "a", shard: 0, attempt: 1 }, end, 2500)
      assert.isTrue(yield* rows.progress({ batch: "a", shard: 0, attempt: 2 }, counts))
    })
  ],
  [
    "abandons a shard at once that no attempt could carry out, and none that has ended",
    Effect.gen(function* () {
      yield* insert("a")
      const [batches, rows] = [yield* BatchRows, yield* ShardRows]
      for (const shard of [0, 1]) {
        yield* rows.begin("a", shard, "here", false, 2000)
      }
      yield* rows.progress({ batch: "a", shard: 0, attempt: 1 }, counts)
      yield* rows.end({ batch: "a", shard: 1, attempt: 1 }, { state: "done", counts, failures: {}, failed: "[]" }, 2500)
      for (const shard of [0, 1]) {
        yield* rows.abandon({ batch: "a", shard, attempt: 1 }, "unreadable", 3000)
      }
      assert.deepStrictEqual((yield* batches.reportParts("a")).abandoned, [
        { shard: 0, files: 3, attempts: 1, reason: "defect", detail: "unreadable" }
      ])
      const { counts: summed, shards } = yield* sums("a")
      assert.deepStrictEqual([summed.saved, summed.failed, shards.abandoned, shards.done], [1, 3, 1, 1])
      assert.deepStrictEqual(yield* rows.begin("a", 0, "there", false, 4000), { _tag: "Ended" })
    })
  ],
  [
    "takes an attempt back once whose release is repeated because the answer was lost",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      const begin = (attempt: number) =>
        Effect.map(rows.begin("a", 0, `attempt ${attempt}`, false, 2000), ({ _tag }) => _tag)
      const release = rows.release({ batch: "a", shard: 0, attempt: 2 }, counts)
      yield* begin(1)
      yield* begin(2)
      yield* release
      yield* release
      assert.strictEqual(yield* begin(3), "Begun")
      // The first answer arrives late, and the runner repeats the call while another one has the shard.
      yield* release
      assert.deepInclude((yield* sums("a")).shards, { running: 1 })
      // Two attempts have begun and not ended, so the next one is the last.
      assert.strictEqual(yield* begin(4), "Alone")
    })
  ],
  [
    "leaves a later attempt alone when an earlier one is released or makes progress",
    Effect.gen(function* () {
      yield* insert("a")
      const rows = yield* ShardRows
      yield* rows.begin("a", 0, "here", false, 2000)
      yield* rows.begin("a", 0, "there", false, 2000)
      yield* rows.progress({ batch: "a", shard: 0, attempt: 1 }, counts)
      yield* rows.release({ batch: "a", shard: 0, attempt: 1 }, counts)
      const { counts: summed, shards } = yield* sums("a")
      assert.deepStrictEqual([summed.saved, shards.running], [0, 1])
    })
  ]
]
