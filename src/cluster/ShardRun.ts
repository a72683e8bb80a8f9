/**
 * The run of one shard. By default it is `Downloader.run` of the runner, which writes to the store of the runner. A program that gives
 * each shard an output of its own replaces it.
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DownloadOutcome, DownloadRequest } from "../Download.js"
import * as Downloader from "../Downloader.js"
import { Store } from "../Store.js"
import type { Settings } from "./models.js"

/**
 * The shard that is run.
 *
 * @category models
 * @since 0.2.0
 */
export interface Shard {
  readonly batch: string
  /** The number of the shard in its batch, from 0. */
  readonly shard: number
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /** The settings of the batch. */
  readonly settings: Settings
}

/**
 * Runs one shard.
 *
 * @category tags
 * @since 0.2.0
 */
export class ShardRun extends Context.Tag("halyard/cluster/ShardRun")<
  ShardRun,
  {
    /**
     * Downloads the requests of a shard, and emits one outcome for each. The stream may be run again after it has ended or died, also by
     * another process. It then skips what is there. An interruption of its consumer ends the transfers in flight.
     */
    readonly run: (shard: Shard, requests: Stream.Stream<DownloadRequest>) => Stream.Stream<DownloadOutcome>
  }
>() {}

/**
 * Runs each shard by the downloader and the store in the context. Makes the directories of its files. `concurrency` is the number of
 * transfers of one shard at a time. Default: that of `Downloader.run`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options?: {
  readonly concurrency?: number | undefined
}): Layer.Layer<ShardRun, never, Downloader.Downloader | Store> =>
  Layer.effect(
    ShardRun,
    Effect.map(Effect.all([Downloader.Downloader, Store]), ([downloader, store]) => ({
      run: (_, requests) => {
        const prepared = new Set<string>([""])
        const isPrepared = ({ destination }: DownloadRequest) => prepared.has(directoryOf(destination))
        /** The requests from a position on, up to the next one whose directory must be made first. */
        const next = (requested: ReadonlyArray<DownloadRequest>, start: number) =>
          Effect.gen(function* () {
            const request = requested[start]
            if (request === undefined) {
              return Option.none()
            }
            if (!isPrepared(request)) {
              const directory = directoryOf(request.destination)
              prepared.add(directory)
              // If it fails, the transfer of the file fails with the same error.
              yield* Effect.ignore(store.prepare(directory))
            }
            const others = requested.slice(start + 1)
            const count = others.findIndex((other) => !isPrepared(other))
            const ready = [request, ...(count === -1 ? others : others.slice(0, count))]
            return Option.some([Chunk.unsafeFromArray(ready), start + ready.length] as const)
          })
        const ready = Stream.flatMap(Stream.chunks(requests), (chunk) => {
          const requested = Chunk.toReadonlyArray(chunk)
          return Stream.unfoldChunkEffect(0, (start) => next(requested, start))
        })
        return downloader.run(ready, options)
      }
    }))
  )

const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0))
