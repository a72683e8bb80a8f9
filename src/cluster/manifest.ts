/**
 * The manifest of a batch: a stream of requests, cut into slices that are stored as lines of JSON. It contains the secrets of the
 * requests, because another machine carries them out.
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as ParseResult from "effect/ParseResult"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { StoredRequest } from "../Download/request.js"
import { DownloadRequest } from "../Download.js"
import type { Hash, Hasher } from "../Hasher.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import { InvalidBatch } from "./errors.js"
import type { Settings } from "./models.js"
import type { Slice } from "./rows.js"

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
          Effect.forEach(group, (requested, place) => lineOf(id, requested, shard * shardSize + place)),
          (lines) => ({ shard, files: lines.length, firstIndex: shard * shardSize, content: lines.join("\n") })
        )
      )
    )

const lineOf = Effect.fnUntraced(function* (id: string, requested: Requested, index: number) {
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
  const encoded = encode(request)
  return JSON.stringify(encoded.id === displayUrl(request.url) ? { ...encoded, id: undefined } : encoded)
})

const notRepeatable = (onExists: string): string =>
  `onExists is ${onExists}, and a shard may be carried out twice; use update, sync, skip or overwrite`

const decode = Schema.decodeUnknown(StoredRequest)

const encode = Schema.encodeSync(StoredRequest)

/** The requests of a slice. Dies if another version of halyard wrote the slice in another form. */
export const requestsOf = (content: string): Effect.Effect<ReadonlyArray<DownloadRequest>> =>
  Effect.forEach(content.split("\n"), (line) => Effect.orDie(decodeLine(line)))

const decodeLine = Schema.decode(Schema.parseJson(StoredRequest))

/** The digest of what a batch consists of. */
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
