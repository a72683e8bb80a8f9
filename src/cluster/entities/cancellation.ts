/**
 * Learns of cancelled batches: one query each second, while shards run or wait in this process.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ShardRows } from "../rows/rows.js"

/** Runs an effect with another one that succeeds when the batch is cancelled. */
export interface Cancellation {
  readonly watch: <A, E, R>(
    batch: string,
    use: (cancelled: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
}

interface Watched {
  count: number
  readonly cancelled: Deferred.Deferred<void>
}

/** Asks the rows until the scope closes. While the database fails, it asks again. */
export const make = (rows: typeof ShardRows.Service): Effect.Effect<Cancellation, never, Scope.Scope> =>
  Effect.gen(function* () {
    const watched = new Map<string, Watched>()
    const ask = Effect.suspend(() =>
      watched.size === 0
        ? Effect.void
        : Effect.flatMap(rows.cancelled(Array.from(watched.keys())), (ids) =>
            Effect.forEach(
              ids.flatMap((id) => watched.get(id) ?? []),
              ({ cancelled }) => Deferred.succeed(cancelled, undefined),
              { discard: true }
            )
          )
    )
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.ignore(ask), Effect.sleep(interval))))

    const enter = (batch: string): Effect.Effect<Watched> =>
      Effect.suspend(() => {
        const known = watched.get(batch)
        if (known !== undefined) {
          known.count++
          return Effect.succeed(known)
        }
        return Effect.map(Deferred.make<void>(), (cancelled) => {
          const made = { count: 1, cancelled }
          watched.set(batch, made)
          return made
        })
      })

    const leave = (batch: string, entry: Watched) =>
      Effect.sync(() => {
        entry.count--
        if (entry.count === 0) {
          watched.delete(batch)
        }
      })

    return {
      watch: (batch, use) =>
        Effect.acquireUseRelease(
          enter(batch),
          ({ cancelled }) => use(Deferred.await(cancelled)),
          (entry) => leave(batch, entry)
        )
    }
  })

const interval = "1 second"
