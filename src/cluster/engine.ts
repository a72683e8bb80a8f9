/**
 * The engine in one process, and its settings.
 */
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Runners from "@effect/cluster/Runners"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as Layer from "effect/Layer"

/**
 * With these times, the shards of a killed runner begin elsewhere within 25 seconds. With the defaults of the engine, they take 40. A
 * shard that moves to another runner has one second to end, because messages that wait for a permit do not end. If the database takes
 * longer than a third of `shardLockExpiration` to confirm the locks of a runner, the engine interrupts the shards of that runner.
 */
export const settings = {
  runnerHealthCheckInterval: "5 seconds",
  entityMessagePollInterval: "2 seconds",
  shardLockExpiration: "12 seconds",
  refreshAssignmentsInterval: "1 second",
  entityTerminationTimeout: "1 second"
} as const

/** The engine of the only process of a fleet. It opens no socket. */
export const layerOneProcess: Layer.Layer<
  Sharding.Sharding,
  never,
  MessageStorage.MessageStorage | ShardingConfig.ShardingConfig
> = Sharding.layer.pipe(
  Layer.provide(Runners.layerNoop),
  Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop])
)

/** The engine and its messages in memory. */
export const layerMemory: Layer.Layer<Sharding.Sharding | MessageStorage.MessageStorage> = layerOneProcess.pipe(
  Layer.provideMerge(MessageStorage.layerMemory),
  Layer.provide(ShardingConfig.layer(settings))
)
