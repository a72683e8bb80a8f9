/**
 * What a run tells while it goes on. For each request: `Started` when its transfer begins, `Advanced` while its body
 * arrives, `Retrying` before each attempt after the first, then `Finished` once. A request that was cancelled before its
 * transfer began has `Finished` alone.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { DownloadOutcome, DownloadRequestShown } from "./Download.js"
import { DownloadError } from "./DownloadError.js"

/**
 * A transfer begins.
 *
 * @category models
 * @since 0.1.0
 */
export class Started extends Schema.TaggedClass<Started>("halyard.DownloadEvent.Started")("Started", {
  request: DownloadRequestShown
}) {}

/**
 * Bytes have arrived; told at most five times a second for each transfer.
 *
 * @category models
 * @since 0.2.0
 */
export class Advanced extends Schema.TaggedClass<Advanced>("halyard.DownloadEvent.Advanced")("Advanced", {
  request: DownloadRequestShown,
  /** Of the file, kept ones of earlier attempts included; falls where an attempt had to start over. */
  bytes: Schema.Number,
  /** Where the server announced it. */
  totalBytes: Schema.UndefinedOr(Schema.Number)
}) {}

/**
 * An attempt failed, and another will be made.
 *
 * @category models
 * @since 0.2.0
 */
export class Retrying extends Schema.TaggedClass<Retrying>("halyard.DownloadEvent.Retrying")("Retrying", {
  request: DownloadRequestShown,
  error: DownloadError,
  /** How many attempts there were. */
  attempt: Schema.Number,
  delayMillis: Schema.Number
}) {}

/**
 * A request came to its outcome.
 *
 * @category models
 * @since 0.1.0
 */
export class Finished extends Schema.TaggedClass<Finished>("halyard.DownloadEvent.Finished")("Finished", {
  outcome: DownloadOutcome
}) {}

/**
 * What a run tells while it goes on.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadEvent = Schema.Union(Started, Advanced, Retrying, Finished)

/**
 * What a run tells while it goes on.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadEvent = typeof DownloadEvent.Type
