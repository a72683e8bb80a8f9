/**
 * A shard that is interrupted while the database begins its attempt.
 */
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { BatchRows, ShardRows } from "halyard/cluster"
import * as Cancellations from "../../src/cluster/cancellation.js"
import * as MemoryRows from "../../src/cluster/memoryRows.js"
import * as Outboxes from "../../src/cluster/outbox.js"
import * as ShardEntity from "../../src/cluster/shardEntity.js"
import { encode } from "../../src/Download/storedRequests.js"
import { requests, saving } from "./world.js"

it.scoped("takes back an attempt that the database has counted for a shard that was interrupted", () =>
  Effect.gen(function* () {
    const context = yield* Layer.build(MemoryRows.layer)
    const [batches, rows] = [Context.get(context, BatchRows), Context.get(context, ShardRows)]
    const [request] = yield* Stream.runCollect(requests(1))
    assert.isDefined(request)
    const content = encode([request])
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
    const download = ShardEntity.download(
      {
        // The answer of the database takes ten seconds.
        rows: { ...rows, begin: (...parameters) => Effect.tap(rows.begin(...parameters), Effect.sleep("10 seconds")) },
        shardRun: { run: (_, requested) => saving(requested) },
        cancellation: yield* Cancellations.make(rows),
        outbox: yield* Outboxes.make,
        shardsAtOnce: 1,
        semaphore: yield* Effect.makeSemaphore(1),
        runner: "here",
        isStopping: () => false
      },
      "a",
      0
    )
    for (const count of [1, 2, 3, 4, 5]) {
      const fiber = yield* Effect.fork(download)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("5 seconds")
      const { attempts, shards } = yield* Effect.flatten(batches.sums("a"))
      assert.deepStrictEqual([attempts, shards.waiting], [count, 1])
    }
    const last = yield* Effect.fork(download)
    yield* TestClock.adjust("20 seconds")
    yield* Fiber.join(last)
    const { attempts, shards } = yield* Effect.flatten(batches.sums("a"))
    assert.deepInclude(shards, { done: 1, abandoned: 0 })
    assert.strictEqual(attempts, 6)
  })
)
