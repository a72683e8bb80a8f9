/**
 * Carries out the batches of a database, as one of any number of runners. The engine, `@effect/cluster`, gives each runner its part of
 * the shards. If a runner ends, the engine gives its shards to the others.
 */
import * as EntityAddress from "@effect/cluster/EntityAddress"
import * as EntityId from "@effect/cluster/EntityId"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as Sharding from "@effect/cluster/Sharding"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as BatchEntity from "./entities/batchEntity.js"
import * as Cancellations from "./entities/cancellation.js"
import * as Deliveries from "./entities/deliveries.js"
import { Batch, Shard } from "./entities/entities.js"
import * as Outboxes from "./entities/outbox.js"
import * as ShardEntity from "./entities/shardEntity.js"
import { type OpenBatch, ShardRows } from "./rows/rows.js"
import { ShardRun } from "./ShardRun.js"

/**
 * Options of a runner.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** Maximum number of shards that this process carries out at a time. Default: 4. */
  readonly shardsAtOnce?: number | undefined
  /**
   * Maximum number of shards of one batch that are sent to the runners and have not ended. The runners read the messages of these shards
   * again at least every two seconds, so a large number takes time: twice the shards that all runners carry out at a time is enough.
   * Default: 256.
   */
  readonly window?: number | undefined
  /** How long running shards may continue when the layer closes. No other shard begins. Default: 5 seconds. */
  readonly drain?: Duration.DurationInput | undefined
  /** The name of this runner in the rows. Default: `runner`. */
  readonly name?: string | undefined
}

/**
 * The default options.
 *
 * @category constructors
 * @since 0.2.0
 */
export const defaults: {
  readonly shardsAtOnce: number
  readonly window: number
  readonly drain: Duration.Duration
  readonly name: string
} = { shardsAtOnce: 4, window: 256, drain: Duration.seconds(5), name: "runner" }

/**
 * Carries out batches until the layer closes. Shards that have not ended after `drain` are interrupted, and other runners continue them.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<never, never, Sharding.Sharding | MessageStorage.MessageStorage | ShardRows | ShardRun> =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const rows = yield* ShardRows
      const storage = yield* MessageStorage.MessageStorage
      const cancellation = yield* Cancellations.make(rows)
      const shardsAtOnce = options.shardsAtOnce ?? defaults.shardsAtOnce
      const semaphore = yield* Effect.makeSemaphore(shardsAtOnce)
      let isStopping = false
      const shardDependencies: ShardEntity.Dependencies = {
        isStopping: () => isStopping,
        rows,
        cancellation,
        shardRun: yield* ShardRun,
        outbox: yield* Outboxes.make,
        shardsAtOnce,
        semaphore,
        runner: options.name ?? defaults.name
      }
      const shardOf = yield* Shard.client
      const batchOf = yield* Batch.client
      const sharding = yield* Sharding.Sharding

      const deliver = yield* Deliveries.make(rows, storage)

      const addressOf = (entity: typeof Batch | typeof Shard, name: string) => {
        const entityId = EntityId.make(name)
        const shardId = sharding.getShardId(entityId, entity.getShardGroup(entityId))
        return new EntityAddress.EntityAddress({ shardId, entityType: entity.type, entityId })
      }
      const clear = (address: EntityAddress.EntityAddress) => Effect.retry(storage.clearAddress(address), everySecond)

      // A defect came from the engine: a message that it could not read, or an entity that it did not find. The same message would get the
      // same reply, so the next one has another number. A message that could not be stored may be there, and is sent again as it is.
      const send = ({ id, manifest }: OpenBatch, shard: number) => {
        const name = `${manifest}/${shard}`
        const address = addressOf(Shard, name)
        let turn = 0
        const reply = Effect.suspend(() => shardOf(name).Download({ batch: id, shard, turn })).pipe(
          Effect.tapErrorCause((cause) => {
            turn += Cause.isDie(cause) ? 1 : 0
            return Effect.logWarning(`shard ${shard} of the batch ${id} has no answer`, cause)
          }),
          Effect.sandbox,
          Effect.retry(everySecond)
        )
        return deliver({ batch: { id, manifest }, shard, address }, reply).pipe(
          Effect.zipRight(clear(address)),
          Effect.zipRight(Outboxes.persistently(rows.closeShard({ id, manifest }, shard))),
          Effect.orDie
        )
      }

      const batchDependencies = { rows, cancellation, send, window: options.window ?? defaults.window }

      // Runs on one of the runners. It starts each batch, and removes the message of each batch that has ended.
      const starter = Effect.gen(function* () {
        const started = yield* FiberMap.make<string>()
        const drive = ({ id, manifest }: OpenBatch) => {
          const address = addressOf(Batch, manifest)
          return deliver({ batch: { id, manifest }, address }, batchOf(manifest).Run({ batch: id, manifest })).pipe(
            Effect.zipRight(clear(address)),
            Effect.zipRight(Outboxes.persistently(rows.close({ id, manifest })))
          )
        }
        const start = (open: OpenBatch) => FiberMap.run(started, open.manifest, drive(open), { onlyIfMissing: true })
        yield* rows.open.pipe(
          Effect.flatMap(Effect.forEach(start, { discard: true })),
          Effect.catchAllCause((cause) => Effect.logWarning("the batches cannot be read", cause)),
          Effect.repeat(everySecond)
        )
      }).pipe(Effect.scoped)

      const entities = Layer.mergeAll(
        Shard.toLayer(
          {
            Download: ({ payload: { batch, shard } }) => ShardEntity.download(shardDependencies, batch, shard)
          },
          entityOptions
        ),
        Batch.toLayer(
          {
            Run: ({ payload: { batch, manifest } }) => BatchEntity.run(batchDependencies, { id: batch, manifest })
          },
          entityOptions
        ),
        Layer.scopedDiscard(sharding.registerSingleton("halyard/batches", starter))
      )
      const stopping = Effect.addFinalizer(() => {
        isStopping = true
        const drained = Effect.interruptible(semaphore.take(shardsAtOnce))
        return Effect.ignore(Effect.timeout(drained, options.drain ?? defaults.drain))
      })
      // What is built last closes first.
      return Layer.scopedDiscard(stopping).pipe(Layer.provide(entities))
    })
  )

const everySecond = Schedule.spaced("1 second")

// A defect of one request does not end the others of its entity. There are many entities, so one that has nothing to do is removed soon.
const entityOptions = { disableFatalDefects: true, concurrency: "unbounded", maxIdleTime: "5 seconds" } as const
