/**
 * Batches as their callers see them: their settings, status, report and failed requests.
 */
import * as Schema from "effect/Schema"
import { DownloadError } from "../DownloadError.js"
import { DisplayedText, DisplayedUrl } from "../internal/text/displaySchemas.js"

/**
 * Texts that the submitter gives to the runners, such as the name of an output. `ShardRun` reads them.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Settings = Schema.Record({ key: Schema.String, value: Schema.String })

/**
 * Texts that the submitter gives to the runners.
 *
 * @category models
 * @since 0.2.0
 */
export type Settings = typeof Settings.Type

/**
 * A batch that was submitted.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Submitted = Schema.Struct({
  id: Schema.String,
  files: Schema.Number,
  shards: Schema.Number,
  /** False if an earlier call has submitted the same batch. */
  isNew: Schema.Boolean
})

/**
 * A batch that was submitted.
 *
 * @category models
 * @since 0.2.0
 */
export type Submitted = typeof Submitted.Type

/**
 * The number of shards in each state. `done`: each of its files has an outcome. `abandoned`: three attempts began and did not end, or
 * its stored requests cannot be read.
 *
 * @category schemas
 * @since 0.2.0
 */
export const ShardCounts = Schema.Struct({
  waiting: Schema.Number,
  running: Schema.Number,
  done: Schema.Number,
  abandoned: Schema.Number,
  cancelled: Schema.Number
})

/**
 * The number of shards in each state.
 *
 * @category models
 * @since 0.2.0
 */
export type ShardCounts = typeof ShardCounts.Type

/**
 * The number of files with each outcome. The files of an abandoned shard are `failed`.
 *
 * @category schemas
 * @since 0.2.0
 */
export const FileCounts = Schema.Struct({
  saved: Schema.Number,
  skipped: Schema.Number,
  notModified: Schema.Number,
  failed: Schema.Number,
  cancelled: Schema.Number
})

/**
 * The number of files with each outcome.
 *
 * @category models
 * @since 0.2.0
 */
export type FileCounts = typeof FileCounts.Type

const sums = {
  id: Schema.String,
  /** `waiting`: no shard has begun. `cancelling`: `cancel` was called, and shards are still stopping. */
  state: Schema.Literal("waiting", "running", "cancelling", "ended", "cancelled"),
  shards: ShardCounts,
  /** The size of all saved files. */
  bytes: Schema.Number,
  /** The attempts that were begun. A batch without faults has one for each shard. */
  attempts: Schema.Number,
  /** Files that a later attempt of a shard found saved. They are counted as skipped or not modified, and not as saved. */
  foundSaved: Schema.Number,
  /** Times in milliseconds since 1970. */
  submittedMillis: Schema.Number,
  startedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  endedMillis: Schema.optionalWith(Schema.Number, { exact: true })
}

/**
 * How far a batch is. Running shards are counted as they were a few seconds ago.
 *
 * @category schemas
 * @since 0.2.0
 */
export const BatchStatus = Schema.Struct({
  ...sums,
  files: Schema.Struct({ ...FileCounts.fields, total: Schema.Number })
})

/**
 * How far a batch is.
 *
 * @category models
 * @since 0.2.0
 */
export type BatchStatus = typeof BatchStatus.Type

/**
 * A shard whose attempts began and did not end. Its files are counted as failed; some may have been saved.
 *
 * @category schemas
 * @since 0.2.0
 */
export const AbandonedShard = Schema.Struct({
  shard: Schema.Number,
  files: Schema.Number,
  attempts: Schema.Number,
  /** `process-ended`: the process ended or lost its database. `defect`: the attempt died with `detail`. */
  reason: Schema.Literal("process-ended", "defect"),
  detail: DisplayedText
})

/**
 * A shard whose attempts began and did not end.
 *
 * @category models
 * @since 0.2.0
 */
export type AbandonedShard = typeof AbandonedShard.Type

/**
 * A shard that has begun. The counts of a running shard are those of a few seconds ago.
 *
 * @category schemas
 * @since 0.2.0
 */
export const BegunShard = Schema.Struct({
  /** The number of the shard in its batch, from 0. */
  shard: Schema.Number,
  /** `waiting`: its last attempt was interrupted, and the next one has not begun. */
  state: Schema.Literal("waiting", "running", "done", "abandoned", "cancelled"),
  /** The number of its files. */
  total: Schema.Number,
  files: FileCounts,
  /** The size of its saved files. */
  bytes: Schema.Number,
  /** The number of its attempts. */
  attempts: Schema.Number,
  /**
   * The last ten attempts, in their order. Times in milliseconds since 1970, by the clock of the runner. `isReleased`: the attempt was
   * interrupted because its runner stopped.
   */
  lastAttempts: Schema.Array(
    Schema.Struct({ runner: Schema.String, beganMillis: Schema.Number, isReleased: Schema.Boolean })
  ),
  endedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The defect of which an attempt died. Empty if none did. */
  detail: DisplayedText
})

/**
 * A shard that has begun.
 *
 * @category models
 * @since 0.2.0
 */
export type BegunShard = typeof BegunShard.Type

/** The tags of the errors of a transfer. */
export const failureTags = Schema.Literal(
  "Timeout",
  "HttpStatus",
  "Connection",
  "Truncated",
  "Protocol",
  "TooLarge",
  "Mismatch",
  "AddressRefused",
  "InvalidRequest",
  "Disk"
)

/** The number of failed requests by the tag of the error. */
export const Failures = Schema.partialWith(Schema.Record({ key: failureTags, value: Schema.Number }), { exact: true })

/**
 * The outcomes of a batch. Before its end, they are those of the shards so far.
 *
 * @category schemas
 * @since 0.2.0
 */
export const BatchReport = Schema.Struct({
  ...sums,
  /**
   * A `Download.RunReport`. `failed` counts the files of abandoned shards, and `failures` does not. `cancelled` counts all files that a
   * cancelled batch has not fetched, so `notStarted` is 0.
   */
  report: Schema.Struct({
    ...FileCounts.fields,
    notStarted: Schema.Number,
    notFound: Schema.Number,
    failures: Failures,
    bytes: Schema.Number
  }),
  abandoned: Schema.Array(AbandonedShard),
  /** 0 if all files were saved, skipped or not modified, else 1. Undefined before the end of the batch. */
  exitCode: Schema.optionalWith(Schema.Literal(0, 1), { exact: true })
})

/**
 * The outcomes of a batch.
 *
 * @category models
 * @since 0.2.0
 */
export type BatchReport = typeof BatchReport.Type

/**
 * A request that failed. Its encoded form has no secrets.
 *
 * @category schemas
 * @since 0.2.0
 */
export const FailedRequest = Schema.Struct({
  /** The place of the request in the stream that was submitted, from 0. */
  index: Schema.Number,
  id: DisplayedText,
  url: DisplayedUrl,
  destination: Schema.String,
  error: DownloadError
})

/**
 * A request that failed.
 *
 * @category models
 * @since 0.2.0
 */
export type FailedRequest = typeof FailedRequest.Type
