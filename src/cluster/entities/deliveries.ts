/**
 * The messages that this process has sent to entities, until it knows that their batch or shard has ended. They are checked every 15
 * seconds, because the engine can lose a message or a reply if the answer of the database is lost:
 *
 * - The statement that reads a message marks it as read. If its answer is lost, the engine reads the message again after ten minutes, or
 *   when the shard of the engine moves to another runner.
 * - The engine tries five times to store a reply, with pauses of 0.2 seconds. It does not try again later, and keeps the entity until its
 *   process ends.
 *
 * If two checks find no end in the rows, the message can be read again. A runner that already carries it out skips it. If two checks find
 * the end, the sender stops waiting for the reply.
 */
import type * as EntityAddress from "@effect/cluster/EntityAddress"
import type * as MessageStorage from "@effect/cluster/MessageStorage"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { OpenBatch, ShardRows } from "../rows/rows.js"

/** A batch, or a shard of it, and the entity that carries it out. */
export interface Target {
  readonly batch: OpenBatch
  /** Undefined for the batch itself. */
  readonly shard?: number | undefined
  readonly address: EntityAddress.EntityAddress
}

/** Waits for a reply, or until two checks have found the end in the rows. */
export type Deliver = <E>(target: Target, reply: Effect.Effect<void, E>) => Effect.Effect<void, E>

interface Sent extends Target {
  readonly ended: Deferred.Deferred<void>
  /** What the last check has found. */
  found: "ended" | "not ended" | undefined
}

/** Checks until the scope closes. */
export const make = (
  rows: typeof ShardRows.Service,
  storage: typeof MessageStorage.MessageStorage.Service
): Effect.Effect<Deliver, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sent = new Set<Sent>()

    const endedBatches = (targets: ReadonlyArray<Sent>) =>
      targets.length === 0
        ? Effect.succeed([])
        : Effect.map(rows.open, (open) => {
            const active = new Set(open.flatMap(({ hasEnded, manifest }) => (hasEnded ? [] : [manifest])))
            return targets.filter(({ batch }) => !active.has(batch.manifest))
          })

    const endedShards = (targets: ReadonlyArray<Sent>) =>
      Effect.forEach(Object.entries(Arr.groupBy(targets, ({ batch }) => batch.id)), ([id, ofBatch]) =>
        Effect.map(rows.ended(id, shardsOf(ofBatch)), (shards) => {
          const ended = new Set<number | undefined>(shards)
          return ofBatch.filter(({ shard }) => ended.has(shard))
        })
      )

    const check = Effect.gen(function* () {
      const [shards, batches] = Arr.partition(Array.from(sent), ({ shard }) => shard === undefined)
      const checked = [...shards, ...batches]
      const ended = new Set([...(yield* endedBatches(batches)), ...(yield* endedShards(shards)).flat()])
      const toRead = new Map<string, Target["address"]["shardId"]>()
      for (const target of checked) {
        const found = ended.has(target) ? "ended" : "not ended"
        if (found === target.found) {
          if (found === "ended") {
            yield* Deferred.succeed(target.ended, undefined)
          } else {
            toRead.set(`${target.address.shardId}`, target.address.shardId)
          }
        }
        target.found = found
      }
      yield* storage.resetShards(toRead.values())
    }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("the messages cannot be checked", cause)))
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(check, Schedule.spaced(interval)), interval))

    return (target, reply) =>
      Effect.acquireUseRelease(
        Effect.map(Deferred.make<void>(), (ended): Sent => {
          const added: Sent = { ...target, ended, found: undefined }
          sent.add(added)
          return added
        }),
        ({ ended }) => Effect.raceFirst(reply, Deferred.await(ended)),
        (added) => Effect.sync(() => sent.delete(added))
      )
  })

const shardsOf = (targets: ReadonlyArray<Target>): ReadonlyArray<number> => targets.flatMap(({ shard }) => shard ?? [])

const interval = "15 seconds"
