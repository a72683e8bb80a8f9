/**
 * Runs shards in processes of this program. A process that ends is replaced, and the attempt of its shard dies.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Pool from "effect/Pool"
import * as Stream from "effect/Stream"
import type { ShardProcessOptions } from "../../../Cli/Host.js"
import { ShardRun } from "../../../cluster/ShardRun.js"
import * as ShardProcess from "./shardProcess.js"

export const layer = (bin: string, options: ShardProcessOptions): Layer.Layer<ShardRun> =>
  Layer.scoped(
    ShardRun,
    Effect.map(
      Pool.make({ acquire: ShardProcess.start(bin, options), size: options.processes }),
      (pool): typeof ShardRun.Service => ({
        run: (shard, requests) =>
          Stream.unwrapScoped(
            Effect.gen(function* () {
              const all = Array.from(yield* Stream.runCollect(requests))
              const process = yield* Pool.get(pool)
              yield* Effect.addFinalizer(() => (process.hasEnded() ? Pool.invalidate(pool, process) : Effect.void))
              return process.run(shard, all)
            })
          )
      })
    )
  )
