/**
 * Submits batches, and shows what became of them. `Runner` carries them out, in this process or in others.
 *
 * The service reads and writes only the rows of `BatchRows`. Within a second or two, a runner finds a new batch or a `cancel` in the rows,
 * so a caller needs the database and no runner.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Download from "../Download.js"
import { Hasher } from "../Hasher.js"
import { BatchConflict, BatchNotEnded, BatchNotFound, type BatchStorageError, InvalidBatch } from "./errors.js"
import { ManifestDigest, type Requested, randomName, slices } from "./manifest.js"
import {
  type BatchReport,
  type BatchStatus,
  type BegunShard,
  FailedRequest,
  type Settings,
  type Submitted
} from "./models.js"
import { BatchRows, type BatchSums } from "./rows/rows.js"
import { fileCountsOf } from "./sums.js"

/**
 * A batch to submit.
 *
 * @category models
 * @since 0.2.0
 */
export interface BatchOptions<E = never, R = never> {
  /** 1 to 100 letters, digits and `.`, `_`, `-`; the first is a letter or a digit. */
  readonly id: string
  /** Requests, or their form in `Download.DownloadRequestWithSecrets`. `onExists` must not be `fail` or `unique`. */
  readonly requests: Stream.Stream<Requested, E, R>
  /** The number of requests in a shard. Default: 1,000. */
  readonly shardSize?: number | undefined
  /** Texts for `ShardRun`. Default: none. */
  readonly settings?: Settings | undefined
}

/**
 * Submits batches, and shows what became of them.
 *
 * @category tags
 * @since 0.2.0
 */
export class Batches extends Context.Tag("halyard/cluster/Batches")<
  Batches,
  {
    /**
     * Stores the requests, and lets the runners begin. Stores the requests as they arrive, in constant memory, and then makes the batch
     * in one step. If the stream fails, or an interruption arrives before that step, there is no batch. After a `BatchStorageError` in that
     * step, there may be one. A call with the id, requests, shard size and settings of an earlier batch returns that batch. Other content
     * with its id fails with `BatchConflict`.
     */
    readonly submit: <E = never, R = never>(
      options: BatchOptions<E, R>
    ) => Effect.Effect<Submitted, E | InvalidBatch | BatchConflict | BatchStorageError, R>
    /** Reads how far a batch is, in one query. */
    readonly status: (id: string) => Effect.Effect<BatchStatus, BatchNotFound | BatchStorageError>
    /** Reads how far the newest batches are, the last one submitted first, in one query. Default of `limit`: 100, at most 10,000. */
    readonly list: (options?: {
      readonly limit?: number | undefined
    }) => Effect.Effect<ReadonlyArray<BatchStatus>, BatchStorageError>
    /**
     * Cancels a batch. Its running shards stop within seconds on all runners, and the others do not begin. Files that were saved
     * remain. A batch that has ended stays as it is.
     */
    readonly cancel: (id: string) => Effect.Effect<void, BatchNotFound | BatchStorageError>
    /** Reads the outcomes of a batch. */
    readonly report: (id: string) => Effect.Effect<BatchReport, BatchNotFound | BatchStorageError>
    /**
     * Reads the failed requests in the order of their shards: the first 1,000 of each shard that has ended. Leaves out those of abandoned
     * shards.
     */
    readonly failed: (id: string) => Stream.Stream<FailedRequest, BatchNotFound | BatchStorageError>
    /** Reads the shards that have begun, in their order: their attempts, counts and ends. */
    readonly begunShards: (id: string) => Stream.Stream<BegunShard, BatchNotFound | BatchStorageError>
    /** Removes the rows of a batch that has ended. Its files remain. */
    readonly remove: (id: string) => Effect.Effect<void, BatchNotFound | BatchNotEnded | BatchStorageError>
  }
>() {}

/**
 * The service on the rows in the context.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Batches, never, BatchRows> = Layer.effect(
  Batches,
  Effect.map(Effect.all([BatchRows, Hasher]), ([rows, hasher]) => {
    const sumsOf = (id: string): Effect.Effect<BatchSums, BatchNotFound | BatchStorageError> =>
      Effect.flatMap(rows.sums(id), Option.match({ onNone: () => new BatchNotFound({ id }), onSome: Effect.succeed }))

    const submit = Effect.fn("Batches.submit")(function* <E, R>(options: BatchOptions<E, R>) {
      const { id, requests, settings = {}, shardSize = defaultShardSize } = options
      const problem = problemOf(id, shardSize)
      if (problem !== undefined) {
        return yield* new InvalidBatch({ id, detail: problem })
      }
      const earlier = yield* rows.find(id)
      const manifest = yield* randomName
      const submittedMillis = yield* Clock.currentTimeMillis
      const digest = new ManifestDigest(hasher, shardSize, settings)
      // The slices of a batch that exists are only compared.
      const isStored = Option.isNone(earlier)
      const drop = isStored ? Effect.ignore(Effect.timeout(rows.dropSlices(manifest), dropTimeout)) : Effect.void
      const counted = yield* requests.pipe(
        slices(id, shardSize),
        Stream.tap((slice) => {
          digest.add(slice.content)
          return isStored ? rows.addSlice(manifest, slice, submittedMillis) : Effect.void
        }),
        Stream.runFold({ files: 0, shards: 0 }, ({ files, shards }, slice) => ({
          files: files + slice.files,
          shards: shards + 1
        })),
        Effect.onError(() => drop)
      )
      const batch = { id, manifest, digest: digest.end(), ...counted, settings, submittedMillis }
      // After a failure of `insert`, the batch may exist: its slices stay. An interruption does not reach this step, for the same reason.
      const found = Option.isNone(earlier) ? yield* Effect.uninterruptible(rows.insert(batch)) : earlier.value
      const isNew = found.manifest === manifest
      if (!isNew) {
        yield* drop
      }
      if (found.digest !== batch.digest) {
        return yield* new BatchConflict({ id })
      }
      return { id, ...counted, isNew }
    })

    return Batches.of({
      submit,
      status: (id) => Effect.map(sumsOf(id), (sums) => statusOf(id, sums)),
      list: ({ limit = listedAtMost } = {}) =>
        Effect.map(rows.newest(Math.min(Math.max(1, Math.trunc(limit)), listedAtMost * 100)), (newest) =>
          newest.map(({ id, ...sums }) => statusOf(id, sums))
        ),
      cancel: (id) => Effect.zipRight(sumsOf(id), rows.cancel(id)),
      report: (id) =>
        Effect.map(Effect.all([sumsOf(id), rows.reportParts(id)]), ([sums, { abandoned, failures }]) => {
          const { bytes, notFound } = sums.counts
          const report: Download.RunReport = {
            ...fileCountsOf(sums.counts),
            notStarted: 0,
            bytes,
            notFound,
            failures
          }
          const ended = sums.endedMillis === undefined ? {} : { exitCode: Download.exitCode(report) }
          return { ...sumsShown(id, sums), report, abandoned, ...ended }
        }),
      failed: (id) =>
        Stream.unwrap(
          Effect.map(sumsOf(id), () =>
            Stream.flatMap(rows.failed(id), (text) => Stream.fromIterableEffect(Effect.orDie(decodeFailed(text))))
          )
        ),
      begunShards: (id) => Stream.unwrap(Effect.map(sumsOf(id), () => rows.begunShards(id))),
      remove: (id) =>
        sumsOf(id).pipe(
          Effect.filterOrFail(
            ({ endedMillis }) => endedMillis !== undefined,
            () => new BatchNotEnded({ id })
          ),
          Effect.zipRight(rows.remove(id))
        )
    })
  })
)

/** The number of requests in a shard. */
const defaultShardSize = 1000

/** The batches of a list. */
const listedAtMost = 100

/** Maximum time to remove the slices of a batch that was not submitted. */
const dropTimeout = "10 seconds"

const decodeFailed = Schema.decode(Schema.parseJson(Schema.Array(FailedRequest)))

const problemOf = (id: string, shardSize: number): string | undefined => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id)) {
    return "an id has 1 to 100 letters, digits and . _ -, and begins with a letter or a digit"
  }
  return Number.isSafeInteger(shardSize) && shardSize >= 1
    ? undefined
    : "shardSize must be a whole number of at least 1"
}

const stateOf = ({ endedMillis, isCancelled, startedMillis }: BatchSums): BatchStatus["state"] => {
  if (endedMillis !== undefined) {
    return isCancelled ? "cancelled" : "ended"
  }
  if (isCancelled) {
    return "cancelling"
  }
  return startedMillis === undefined ? "waiting" : "running"
}

const statusOf = (id: string, sums: BatchSums): BatchStatus => ({
  ...sumsShown(id, sums),
  files: { ...fileCountsOf(sums.counts), total: sums.totalFiles }
})

const sumsShown = (id: string, sums: BatchSums) => ({
  id,
  state: stateOf(sums),
  shards: sums.shards,
  bytes: sums.counts.bytes,
  attempts: sums.attempts,
  foundSaved: sums.counts.foundSaved,
  submittedMillis: sums.submittedMillis,
  ...(sums.startedMillis === undefined ? {} : { startedMillis: sums.startedMillis }),
  ...(sums.endedMillis === undefined ? {} : { endedMillis: sums.endedMillis })
})
