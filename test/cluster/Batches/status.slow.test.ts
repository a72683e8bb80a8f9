import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { MemoryStore } from "halyard"
import { Batches, ShardRows } from "halyard/cluster"
import { autoAdvance, Origin } from "halyard/testing"
import { ended, file, saving, submit, world, worldOf } from "../world.js"

it.effect("lists the newest batches, with the status of each", () =>
  autoAdvance(
    Effect.gen(function* () {
      const batches = yield* Batches.Batches
      assert.deepStrictEqual(yield* batches.list(), [])
      for (const id of ["a", "b", "c"]) {
        yield* submit(id, 5)
        yield* ended(id)
      }
      assert.deepStrictEqual(yield* batches.list({ limit: 2 }), [
        yield* batches.status("c"),
        yield* batches.status("b")
      ])
    })
  ).pipe(Effect.provide(world(file)))
)

it.effect("knows no batch that was not submitted", () =>
  Effect.gen(function* () {
    const batches = yield* Batches.Batches
    for (const call of [
      batches.status("a"),
      batches.cancel("a"),
      batches.report("a"),
      batches.remove("a"),
      Stream.runDrain(batches.failed("a"))
    ]) {
      assert.deepInclude(yield* Effect.flip(Effect.asVoid(call)), { _tag: "BatchNotFound", id: "a" })
    }
  }).pipe(Effect.provide(world(file)))
)

it.effect("shows how far running shards are", () =>
  autoAdvance(
    Effect.gen(function* () {
      const batches = yield* Batches.Batches
      yield* submit("a", 40, { shardSize: 20 })
      yield* Effect.sleep("12 seconds")
      const status = yield* batches.status("a")
      assert.deepInclude(status, { state: "running", attempts: 2 })
      assert.deepInclude(status.shards, { running: 2, done: 0 })
      assert.isTrue(status.files.saved >= 10 && status.files.saved < 40, `${status.files.saved} files`)
      const report = yield* batches.report("a")
      assert.isUndefined(report.exitCode)
      assert.deepInclude(yield* ended("a"), { attempts: 2 })
    })
  ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
)

describe("cancel", () => {
  const slow = (request: Origin.Request) =>
    Origin.file(request, "0123456789", { chunkBytes: 1, chunkDelay: "4 seconds" })

  it.effect("stops every transfer within ten seconds, and leaves nothing in use", () =>
    autoAdvance(
      Effect.gen(function* () {
        const [batches, memory, origin] = [yield* Batches.Batches, yield* MemoryStore.MemoryFiles, yield* Origin.Origin]
        yield* submit("a", 100)
        yield* Effect.sleep("6 seconds")
        assert.isAbove(origin.open(), 4)
        assert.isAbove(yield* memory.parts, 4)
        yield* batches.cancel("a")
        assert.deepInclude(yield* batches.status("a"), { state: "cancelling" })
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(origin.open(), 0)
        assert.strictEqual(yield* memory.parts, 0)
        const status = yield* batches.status("a")
        assert.deepInclude(status, { state: "cancelled", attempts: 4 })
        assert.deepInclude(status.shards, { waiting: 0, running: 0, cancelled: 10 })
        assert.deepInclude(status.files, { cancelled: 100, total: 100 })
        assert.strictEqual((yield* batches.report("a")).exitCode, 1)
      })
    ).pipe(Effect.provide(world(slow)))
  )

  it.effect("keeps what was saved", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        yield* submit("a", 40, { shardSize: 20 })
        yield* Effect.sleep("13 seconds")
        yield* batches.cancel("a")
        const { files } = yield* ended("a")
        assert.isTrue(files.saved >= 20 && files.saved < 40, `${files.saved} files`)
        assert.strictEqual(files.saved + files.cancelled, 40)
        assert.strictEqual((yield* batches.report("a")).bytes, files.saved * 10)
      })
    ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
  )

  it.effect("leaves other batches alone, and a batch that has ended", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        yield* submit("a", 20)
        yield* submit("b", 20)
        yield* batches.cancel("a")
        assert.deepInclude(yield* ended("a"), { state: "cancelled" })
        assert.deepInclude((yield* ended("b")).files, { saved: 20 })
        yield* batches.cancel("b")
        assert.deepInclude(yield* batches.status("b"), { state: "ended" })
      })
    ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
  )
})

describe("remove", () => {
  it.effect("removes a batch that has ended, and its id is free", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        yield* submit("a", 25)
        assert.deepInclude(yield* Effect.flip(batches.remove("a")), { _tag: "BatchNotEnded", id: "a" })
        yield* ended("a")
        yield* Effect.sleep("3 seconds")
        yield* batches.remove("a")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(batches.status("a"))))
        assert.deepInclude(yield* submit("a", 5), { isNew: true, files: 5 })
        assert.deepInclude((yield* ended("a")).files, { total: 5, saved: 5 })
      })
    ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
  )
})

it.effect("closes a batch when its messages are removed", () =>
  autoAdvance(
    Effect.gen(function* () {
      const rows = yield* ShardRows
      yield* submit("a", 25)
      assert.strictEqual((yield* rows.open).length, 1)
      yield* ended("a")
      yield* Effect.sleep("3 seconds")
      assert.deepStrictEqual(yield* rows.open, [])
    })
  ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
)
