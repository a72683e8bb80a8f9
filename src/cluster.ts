/**
 * Batches of millions of files, carried out by many processes. A batch is cut into shards, and each shard is an ordinary run of a
 * `Downloader`. `@effect/cluster` distributes the shards, and SQL tables of halyard keep the requests and the results.
 *
 * `Batches` submits a batch and shows what became of it, `Runner` carries batches out, and `ShardRun` is the run of one shard. The
 * layers for Node are in `halyard/Node/Cluster`.
 *
 * @since 0.2.0
 */
import type { MessageStorage } from "@effect/cluster/MessageStorage"
import type { Sharding } from "@effect/cluster/Sharding"
import * as Layer from "effect/Layer"
import * as Batches from "./cluster/Batches.js"
import * as Engine from "./cluster/engine.js"
import * as Runner from "./cluster/Runner.js"
import * as MemoryRows from "./cluster/rows/memoryRows.js"
import type { BatchRows, ShardRows } from "./cluster/rows/rows.js"
import type * as ShardRun from "./cluster/ShardRun.js"

export * as Batches from "./cluster/Batches.js"
export {
  BatchConflict,
  BatchNotEnded,
  BatchNotFound,
  BatchStorageError,
  InvalidBatch
} from "./cluster/errors.js"
export * as FleetGovernor from "./cluster/FleetGovernor.js"
export {
  AbandonedShard,
  BatchReport,
  BatchStatus,
  BegunShard,
  FailedRequest,
  FileCounts,
  Settings,
  ShardCounts,
  Submitted
} from "./cluster/models.js"
export * as Runner from "./cluster/Runner.js"
export { BatchRows, FleetRows, ShardRows } from "./cluster/rows/rows.js"
export * as ShardRun from "./cluster/ShardRun.js"

/**
 * Batches and their only runner, in the memory of this process.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerMemory = (
  options?: Runner.Options
): Layer.Layer<Batches.Batches | BatchRows | ShardRows | MessageStorage | Sharding, never, ShardRun.ShardRun> =>
  Layer.merge(Batches.layer, Runner.layer(options)).pipe(
    Layer.provideMerge(Layer.merge(Engine.layerMemory, MemoryRows.layer))
  )
