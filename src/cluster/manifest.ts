/**
 * The manifest of a batch: a stream of requests, cut into slices that are stored as text. It contains the secrets of the requests,
 * because another machine carries them out.
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as ParseResult from "effect/ParseResult"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { SubmittedRequest } from "../Download/request.js"
import * as StoredRequests from "../Download/storedRequests.js"
import { DownloadRequest } from "../Download.js"
import type { Hash, Hasher } from "../Hasher.js"
import { InvalidBatch } from "./errors.js"
import type { Settings } from "./models.js"
import type { Slice } from "./rows/rows.js"

/** A request, or its form in `DownloadRequestWithSecrets`. */
export type Requested = DownloadRequest | typeof DownloadRequest.Encoded

/** Cuts requests into slices of `shardSize`. Fails at the first request that a batch cannot carry out. */
export const slices =
  (id: string, shardSize: number) =>
  <E, R>(requests: Stream.Stream<Requested, E, R>): Stream.Stream<Slice, E | InvalidBatch, R> =>
    requests.pipe(
      Stream.grouped(shardSize),
      Stream.zipWithIndex,
      Stream.mapEffect(([group, shard]) =>
        Effect.map(
          Effect.forEach(group, (requested, place) => requestOf(id, requested, shard * shardSize + place)),
          (found) => ({
            shard,
            files: found.length,
            firstIndex: shard * shardSize,
            content: StoredRequests.encode(found)
          })
        )
      )
    )

const requestOf = Effect.fnUntraced(function* (id: string, requested: Requested, index: number) {
  const request =
    requested instanceof DownloadRequest
      ? requested
      : yield* Effect.mapError(
          decode(requested),
          (error) => new InvalidBatch({ id, index, detail: ParseResult.TreeFormatter.formatErrorSync(error) })
        )
  if (request.onExists === "fail" || request.onExists === "unique") {
    return yield* new InvalidBatch({ id, index, detail: notRepeatable(request.onExists) })
  }
  return request
})

const notRepeatable = (onExists: string): string =>
  `onExists is ${onExists}, and a shard may be carried out twice; use update, sync, skip or overwrite`

const decode = Schema.decodeUnknown(SubmittedRequest)

/** The digest of the requests, the shard size and the settings of a batch. */
export class ManifestDigest {
  private readonly hash: Hash
  private readonly encoder = new TextEncoder()

  constructor(hasher: typeof Hasher.Service, shardSize: number, settings: Settings) {
    this.hash = hasher.make("sha256")
    this.add(JSON.stringify([shardSize, Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))]))
  }

  add(content: string): void {
    this.hash.update(this.encoder.encode(`${content}\n`))
  }

  end(): string {
    return `sha256:${Encoding.encodeHex(this.hash.digest())}`
  }
}

/** A name that no other manifest has. */
export const randomName: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 32), 4),
  (words) => Array.from(words, (word) => word.toString(16).padStart(8, "0")).join("")
)
