/**
 * A storage that loses messages and replies, as the engine does if the answer of the database is lost.
 */
import * as Message from "@effect/cluster/Message"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Batches, Runner, ShardRows, ShardRun } from "halyard/cluster"
import { autoAdvance } from "halyard/testing"
import * as Engine from "../../../src/cluster/engine.js"
import * as MemoryRows from "../../../src/cluster/rows/memoryRows.js"
import { ended, requests, saving } from "../world.js"

type Storage = typeof MessageStorage.MessageStorage.Service

/** The only runner of batches whose messages are in this storage. */
const world = (change: (storage: Storage) => Storage) =>
  Layer.merge(Batches.layer, Runner.layer()).pipe(
    Layer.provideMerge(MemoryRows.layer),
    Layer.provide(Engine.layerOneProcess),
    Layer.provide(Layer.effect(MessageStorage.MessageStorage, Effect.map(MessageStorage.MessageStorage, change))),
    Layer.provide(MessageStorage.layerMemory),
    Layer.provide(ShardingConfig.layer(Engine.settings)),
    Layer.provide(Layer.succeed(ShardRun.ShardRun, { run: (_, requested) => saving(requested) }))
  )

/** Gives each message once, as the storage in a database does, and loses it the first time. */
const losesMessages = (storage: Storage): Storage => {
  const lost = new Set<unknown>()
  const read = new Map<unknown, string>()
  const isNew = (message: Message.Incoming<never>): boolean => {
    const { requestId } = message.envelope
    if (read.has(requestId)) {
      return false
    }
    read.set(requestId, `${message.envelope.address.shardId}`)
    const isLost = !lost.has(requestId)
    lost.add(requestId)
    return !isLost
  }
  return {
    ...storage,
    unprocessedMessages: (shards) =>
      Effect.map(storage.unprocessedMessages(shards), (messages) => messages.filter((message) => isNew(message))),
    resetShards: (shards) => {
      const reset = new Set(Array.from(shards, (shard) => `${shard}`))
      for (const [requestId, shard] of read) {
        if (reset.has(shard)) {
          read.delete(requestId)
        }
      }
      return storage.resetShards(shards)
    }
  }
}

/** Fails to store each reply. */
const losesReplies = (storage: Storage): Storage => ({
  ...storage,
  unprocessedMessages: (shards) =>
    Effect.map(storage.unprocessedMessages(shards), (messages) =>
      messages.map((message) =>
        message._tag === "IncomingRequest"
          ? new Message.IncomingRequest({ ...message, respond: () => Effect.dieMessage("no answer") })
          : message
      )
    )
})

describe("a batch ends, with one attempt for each shard", () => {
  for (const [what, change, millis] of [
    ["without a check if the engine loses nothing", (storage: Storage) => storage, 15_000],
    ["although the engine loses each message once", losesMessages, 90_000],
    ["although the engine loses each reply", losesReplies, 75_000]
  ] as const) {
    it.effect(what, () =>
      autoAdvance(
        Effect.gen(function* () {
          const batches = yield* Batches.Batches
          const rows = yield* ShardRows
          yield* batches.submit({ id: "a", requests: requests(25), shardSize: 10 })
          assert.deepInclude(yield* ended("a"), { state: "ended", attempts: 3 })
          yield* Effect.repeat(Effect.delay(rows.open, "1 second"), { until: (open) => open.length === 0 })
          assert.isBelow(yield* TestClock.currentTimeMillis, millis)
        })
      ).pipe(Effect.provide(world(change)))
    )
  }
})
