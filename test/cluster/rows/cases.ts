import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { BatchRows, type BatchStorageError, type FleetRows, type ShardRows } from "halyard/cluster"
import { emptyCounts } from "../../../src/cluster/sums.js"

/** A test of a backend of the rows. */
export type Case = readonly [
  title: string,
  test: Effect.Effect<void, BatchStorageError | Cause.NoSuchElementException, BatchRows | ShardRows | FleetRows>
]

export const batch = (id: string, manifest = `manifest of ${id}`) => ({
  id,
  manifest,
  digest: `digest of ${manifest}`,
  shards: 2,
  files: 5,
  settings: { output: "s3" },
  submittedMillis: 1000
})

/** Stores a batch with shards of 3 and 2 files. */
export const insert = (id: string, manifest?: string) =>
  Effect.gen(function* () {
    const rows = yield* BatchRows
    const row = batch(id, manifest)
    yield* rows.addSlice(row.manifest, { shard: 0, files: 3, firstIndex: 0, content: "a\nb\nc" }, 1000)
    yield* rows.addSlice(row.manifest, { shard: 1, files: 2, firstIndex: 3, content: "d\ne" }, 1000)
    return yield* rows.insert(row)
  })

export const sums = (id: string) => Effect.flatMap(BatchRows, (rows) => Effect.flatMap(rows.sums(id), (found) => found))

export const counts = { ...emptyCounts, saved: 1, bytes: 2 ** 40 }
