import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { BatchRows, type BatchStorageError, FleetRows, ShardRows } from "halyard/cluster"
import * as MemoryRows from "../../../src/cluster/rows/memoryRows.js"
import * as SqlRows from "../../../src/cluster/sql/sqlRows.js"
import { emptyCounts } from "../../../src/cluster/sums.js"
import { temporaryDirectory } from "../../support/program/program.js"
import * as Postgres from "../../support/servers/postgres.js"

const libsql = Layer.unwrapScoped(
  Effect.map(temporaryDirectory, (directory) =>
    SqlRows.layer.pipe(Layer.provide(LibsqlClient.layer({ url: `file:${directory}/batches.db`, intMode: "bigint" })))
  )
)

const batch = (id: string, manifest = `manifest of ${id}`) => ({
  id,
  manifest,
  digest: `digest of ${manifest}`,
  shards: 2,
  files: 5,
  settings: { output: "s3" },
  submittedMillis: 1000
})

/** Stores a batch with shards of 3 and 2 files. */
const insert = (id: string, manifest?: string) =>
  Effect.gen(function* () {
    const rows = yield* BatchRows
    const row = batch(id, manifest)
    yield* rows.addSlice(row.manifest, { shard: 0, files: 3, firstIndex: 0, content: "a\nb\nc" }, 1000)
    yield* rows.addSlice(row.manifest, { shard: 1, files: 2, firstIndex: 3, content: "d\ne" }, 1000)
    return yield* rows.insert(row)
  })

const sums = (id: string) => Effect.flatMap(BatchRows, (rows) => Effect.flatMap(rows.sums(id), (found) => found))

const counts = { ...emptyCounts, saved: 1, bytes: 2 ** 40 }

const cases: ReadonlyArray<
  readonly [
    string,
    Effect.Effect<void, BatchStorageError | Cause.NoSuchElementException, BatchRows | ShardRows | FleetRows>
  ]
> = [
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

for (const [name, backend] of [
  ["memory", MemoryRows.layer],
  ["SQLite", libsql]
] as const) {
  describe(`rows in ${name}`, () => {
    for (const [title, test] of cases) {
      it.scopedLive(title, () => Effect.provide(test, backend))
    }
  })
}

describe("rows in PostgreSQL", () => {
  const scope = Effect.runSync(Scope.make())
  let server: Postgres.Postgres | undefined
  const backend = Layer.unwrapEffect(
    Effect.map(
      Effect.suspend(() => server?.database ?? Effect.dieMessage("there is no server")),
      (url) => SqlRows.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 2 })))
    )
  )
  beforeAll(async () => {
    if (Postgres.isInstalled) {
      server = await Effect.runPromise(Scope.extend(Postgres.start, scope))
    }
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  for (const [title, test] of cases) {
    Postgres.withPostgres(title, () => Effect.provide(test, backend))
  }
})
