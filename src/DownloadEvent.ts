/**
 * What a run tells while it goes on. For each request: `Started` when its transfer begins, then `Finished` once. A
 * request that was cancelled before its transfer began has `Finished` alone.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { DownloadOutcome, DownloadRequest } from "./Download.js"

/**
 * A transfer begins.
 *
 * @category models
 * @since 0.1.0
 */
export class Started extends Schema.TaggedClass<Started>("halyard/DownloadEvent/Started")("Started", {
  request: DownloadRequest
}) {}

/**
 * A request came to its outcome.
 *
 * @category models
 * @since 0.1.0
 */
export class Finished extends Schema.TaggedClass<Finished>("halyard/DownloadEvent/Finished")("Finished", {
  outcome: DownloadOutcome
}) {}

/**
 * What a run tells while it goes on.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadEvent = Schema.Union(Started, Finished)

/**
 * What a run tells while it goes on.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadEvent = typeof DownloadEvent.Type
