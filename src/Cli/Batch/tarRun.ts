/**
 * The run of a shard whose files are written to one tar.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Shard } from "../../cluster/ShardRun.js"
import { ShardRun } from "../../cluster/ShardRun.js"
import type { DownloadOutcome, DownloadRequest } from "../../Download.js"
import type { Disk } from "../../DownloadError.js"
import { Hasher } from "../../Hasher.js"
import { type Durability, Store } from "../../Store.js"
import type { Host } from "../Host.js"

export interface Options<R> {
  readonly host: typeof Host.Service
  readonly directory: string
  readonly durability: Durability | undefined
  /** The bytes after which a checkpoint keeps the files of the tar. Default: after each file. */
  readonly checkpointBytes: number | undefined
  /** Runs a shard by the store in its context. */
  readonly files: Layer.Layer<ShardRun, never, R | Store>
}

/**
 * Downloads the requests of a shard into `DIRECTORY/NNNNN.tar`, with the number of the shard. A later attempt continues the tar, or
 * finds it complete. Dies if the tar cannot be opened or completed.
 */
export const run = <R>(
  { checkpointBytes, directory, durability, files, host }: Options<R>,
  shard: Shard,
  requests: Stream.Stream<DownloadRequest>
): Stream.Stream<DownloadOutcome, never, R | Store> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const all = Array.from(yield* Stream.runCollect(requests))
      const destination = `${directory}/${String(shard.shard).padStart(5, "0")}.tar`
      const tar = yield* host.tarStore({ destination, key: keyOf(yield* Hasher, all), durability, checkpointBytes })
      const layer = Layer.provide(files, Layer.succeed(Store, tar.store))
      const { run } = Context.get(yield* Layer.build(layer), ShardRun)
      return Stream.concat(run(shard, Stream.fromIterable(all)), Stream.execute(tar.finish))
    })
  ).pipe(Stream.catchAll((error: Disk) => Stream.die(new Error(`the shard has no complete tar: ${error.message}`))))

/** Another list in the same directory does not continue the tar of this one. */
const keyOf = (hasher: typeof Hasher.Service, requests: ReadonlyArray<DownloadRequest>): string => {
  const hash = hasher.make("sha256")
  const encoder = new TextEncoder()
  for (const { destination, url } of requests) {
    hash.update(encoder.encode(`${JSON.stringify([url, destination])}\n`))
  }
  return Encoding.encodeHex(hash.digest())
}
