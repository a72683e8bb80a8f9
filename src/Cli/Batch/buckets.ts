/**
 * The object storages to which the shards of a process write. The shards of a place share a store, with its memory and its list of
 * unfinished files.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ShardRun } from "../../cluster/ShardRun.js"
import { Store } from "../../Store.js"
import type { Host, NetworkOptions } from "../Host.js"

export interface Options<R> {
  readonly host: typeof Host.Service
  readonly network: Pick<NetworkOptions, "proxy" | "noProxy">
  /** Runs a shard by the store in its context. */
  readonly files: Layer.Layer<ShardRun, never, R | Store>
}

/** A store in an object storage, and the run of a shard whose files it stores. */
export interface Bucket {
  readonly store: typeof Store.Service
  readonly run: (typeof ShardRun.Service)["run"]
}

export interface Buckets {
  /**
   * Opens the place with this URL until the scope closes. Dies if the process has no account, or if the place cannot be used. Waits for
   * a storage that is not available at the moment.
   */
  readonly open: (url: string) => Effect.Effect<Bucket, never, Scope.Scope>
}

export const make = Effect.fnUntraced(function* <R>({
  files,
  host,
  network
}: Options<R>): Effect.fn.Return<Buckets, never, R | Scope.Scope> {
  const opened = yield* RcMap.make({
    lookup: (url: string) =>
      Effect.gen(function* () {
        const store = Context.get(yield* Layer.build(host.bucket(url, network)), Store)
        const ready = Effect.tapError(store.prepare(url), ({ message, reason }) =>
          reason === "unavailable" ? Effect.logWarning(`a shard waits for the object storage: ${message}`) : Effect.void
        )
        yield* Effect.retry(ready, {
          while: ({ reason }) => reason === "unavailable",
          schedule: Schedule.union(Schedule.exponential("1 second"), Schedule.spaced("30 seconds"))
        })
        const run = yield* Layer.build(Layer.provide(files, Layer.succeed(Store, store)))
        return { store, run: Context.get(run, ShardRun).run }
      }),
    // The shards of a process come one after the other.
    idleTimeToLive: "30 seconds"
  })
  return {
    open: (url) =>
      RcMap.get(opened, url).pipe(
        // The next shard tries again.
        Effect.tapErrorCause(() => RcMap.invalidate(opened, url)),
        Effect.catchAll(({ message }) => Effect.die(new Error(message)))
      )
  }
})
