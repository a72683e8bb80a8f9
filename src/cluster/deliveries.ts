/**
 * What this process has sent to entities and has not seen end. It is checked every 15 seconds, because the engine can lose a message or a
 * reply if the answer of the database is lost:
 *
 * - The statement that reads a message marks it as read. The engine reads it again after ten minutes, or when its runner changes.
 * - A reply is stored at most five times within a second. After that, nothing stores it.
 *
 * So a message that has not ended can be read again: a runner that carries it out skips it. And a reply is no longer awaited if the rows
 * have had the end for 15 seconds.
 */
import type * as EntityAddress from "@effect/cluster/EntityAddress"
import type * as MessageStorage from "@effect/cluster/MessageStorage"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ShardRows } from "./rows.js"

/** A batch, or a shard of it, and the entity that carries it out. */
export interface Target {
  readonly batch: string
  /** Undefined for the batch itself. */
  readonly shard?: number | undefined
  readonly address: EntityAddress.EntityAddress
}

/** Waits for a reply, or until the rows have the end without one. */
export type Deliver = <E>(target: Target, reply: Effect.Effect<void, E>) => Effect.Effect<void, E>

interface Sent extends Target {
  readonly ended: Deferred.Deferred<void>
  /** Whether the rows had the end at the last check. The reply may have been under way then. */
  hasEnded: boolean
}

/** Checks until the scope closes. */
export const make = (
  rows: typeof ShardRows.Service,
  storage: typeof MessageStorage.MessageStorage.Service
): Effect.Effect<Deliver, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sent = new Set<Sent>()

    const endedOf = Effect.fnUntraced(function* (batch: string, targets: ReadonlyArray<Sent>) {
      const shards = targets.flatMap(({ shard }) => shard ?? [])
      const ended = new Set<number | undefined>(shards.length === 0 ? [] : yield* rows.ended(batch, shards))
      if (targets.length > shards.length && !(yield* rows.running).includes(batch)) {
        ended.add(undefined)
      }
      return targets.filter(({ shard }) => ended.has(shard))
    })

    const check = Effect.gen(function* () {
      const ofBatches = Object.entries(Arr.groupBy(sent, ({ batch }) => batch))
      const ended = new Set((yield* Effect.forEach(ofBatches, ([batch, targets]) => endedOf(batch, targets))).flat())
      for (const target of ended) {
        if (target.hasEnded) {
          yield* Effect.logDebug(`${nameOf(target)} has ended, and its reply was lost`)
          yield* Deferred.succeed(target.ended, undefined)
        }
        target.hasEnded = true
      }
      const waiting = Array.from(sent).filter((target) => !ended.has(target))
      yield* storage.resetShards(waiting.map(({ address }) => address.shardId))
    })
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(interval), Effect.ignore(check))))

    return (target, reply) =>
      Effect.acquireUseRelease(
        Effect.map(Deferred.make<void>(), (ended): Sent => {
          const added = { ...target, ended, hasEnded: false }
          sent.add(added)
          return added
        }),
        ({ ended }) => Effect.raceFirst(reply, Deferred.await(ended)),
        (added) => Effect.sync(() => sent.delete(added))
      )
  })

const nameOf = ({ batch, shard }: Target): string =>
  shard === undefined ? `the batch ${batch}` : `shard ${shard} of the batch ${batch}`

const interval = "15 seconds"
