/**
 * Shards that are interrupted, or end elsewhere, while an attempt begins or runs.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { BatchRows, BatchStorageError, ShardRows } from "halyard/cluster"
import * as Cancellations from "../../../src/cluster/entities/cancellation.js"
import * as Outboxes from "../../../src/cluster/entities/outbox.js"
import * as ShardEntity from "../../../src/cluster/entities/shardEntity.js"
import * as MemoryRows from "../../../src/cluster/rows/memoryRows.js"
import { emptyCounts } from "../../../src/cluster/sums.js"
import { encode } from "../../../src/Download/storedRequests.js"
import { requests, saving } from "../world.js"

type Rows = typeof ShardRows.Service

/** A batch of one shard with one request, which takes a second. */
const world = Effect.gen(function* () {
  const context = yield* Layer.build(MemoryRows.layer)
  const [batches, rows] = [Context.get(context, BatchRows), Context.get(context, ShardRows)]
  const content = encode(Array.from(yield* Stream.runCollect(requests(1))))
  yield* batches.addSlice("manifest", { shard: 0, files: 1, firstIndex: 0, content }, 0)
  yield* batches.insert({
    id: "a",
    manifest: "manifest",
    digest: "",
    shards: 1,
    files: 1,
    settings: {},
    submittedMillis: 0
  })
  const shared = {
    cancellation: yield* Cancellations.make(rows),
    outbox: yield* Outboxes.make,
    shardsAtOnce: 1,
    semaphore: yield* Effect.makeSemaphore(1),
    runner: "here",
    isStopping: () => false
  }
  return {
    rows,
    sums: Effect.flatten(batches.sums("a")),
    download: (own: Rows, run: ShardEntity.Dependencies["shardRun"]["run"] = (_, requested) => saving(requested)) =>
      ShardEntity.download({ ...shared, rows: own, shardRun: { run } }, "a", 0)
  }
})

describe("a shard", () => {
  it.scoped("that is interrupted before the answer of the database comes loses no attempt", () =>
    Effect.gen(function* () {
      const { download, rows, sums } = yield* world
      const slow: Rows = {
        ...rows,
        begin: (...parameters) => Effect.tap(rows.begin(...parameters), Effect.sleep("10 seconds"))
      }
      for (const count of [1, 2, 3, 4, 5]) {
        const fiber = yield* Effect.fork(download(slow))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.interrupt(fiber)
        const { attempts, shards } = yield* sums
        assert.deepStrictEqual([attempts, shards.waiting], [count, 1])
      }
      const last = yield* Effect.fork(download(slow))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(last)
      const { attempts, shards } = yield* sums
      assert.deepInclude(shards, { done: 1, abandoned: 0 })
      assert.strictEqual(attempts, 6)
    })
  )

  it.scoped("that is interrupted while the database fails begins no attempt later", () =>
    Effect.gen(function* () {
      const { download, rows, sums } = yield* world
      let fails = true
      const broken: Rows = {
        ...rows,
        begin: (...parameters) =>
          fails ? Effect.fail(new BatchStorageError({ operation: "begin", detail: "down" })) : rows.begin(...parameters)
      }
      const fiber = yield* Effect.fork(download(broken))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.interrupt(fiber)
      fails = false
      yield* rows.begin("a", 0, "elsewhere", false, 0)
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* sums, { attempts: 1 })
      assert.deepInclude((yield* sums).shards, { running: 1 })
    })
  )

  it.scoped("that has ended by an earlier attempt stops the one that runs", () =>
    Effect.gen(function* () {
      const { download, rows, sums } = yield* world
      yield* rows.begin("a", 0, "elsewhere", false, 0)
      const fiber = yield* Effect.fork(download(rows, () => Stream.never))
      yield* TestClock.adjust("10 seconds")
      const counts = { ...emptyCounts, saved: 1 }
      yield* rows.end({ batch: "a", shard: 0, attempt: 1 }, { state: "done", counts, failures: {}, failed: "[]" }, 0)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      assert.deepInclude(yield* sums, { attempts: 2, counts })
    })
  )
})
