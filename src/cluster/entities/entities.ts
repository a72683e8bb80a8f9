/**
 * The messages of the engine. They contain only the names of batches and shards, and the rows have the rest.
 *
 * The engine stores both kinds, so a runner that takes the place of another one finds them. The interruption of a sender does not interrupt
 * the shard or the batch: only the row of a batch cancels it.
 */
import * as ClusterSchema from "@effect/cluster/ClusterSchema"
import * as Entity from "@effect/cluster/Entity"
import * as Rpc from "@effect/rpc/Rpc"
import * as Schema from "effect/Schema"

/** Drives one batch: sends its shards, and notes its end. */
export const Batch = Entity.make("halyard/Batch", [
  Rpc.make("Run", {
    payload: { batch: Schema.String, manifest: Schema.String },
    primaryKey: ({ manifest }) => manifest
  })
])
  .annotateRpcs(ClusterSchema.Persisted, true)
  .annotateRpcs(ClusterSchema.Uninterruptible, "client")

/** Downloads one shard. Succeeds when the row of the shard has its result. */
export const Shard = Entity.make("halyard/Shard", [
  Rpc.make("Download", {
    /** `turn` is the number of earlier messages for the shard that the engine could not deliver. */
    payload: { batch: Schema.String, shard: Schema.Number, turn: Schema.Number },
    primaryKey: ({ turn }) => `${turn}`
  })
])
  .annotateRpcs(ClusterSchema.Persisted, true)
  .annotateRpcs(ClusterSchema.Uninterruptible, "client")
