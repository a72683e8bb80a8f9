/**
 * The messages to a worker thread of `flags --engine threads`. A thread downloads one flag at a time.
 */
import * as Schema from "effect/Schema"
import { DownloadOutcome } from "../../Download.js"

/** Downloads a flag. The result is its outcome, also if `Cancel` interrupts it. */
export class FetchFlag extends Schema.TaggedRequest<FetchFlag>()("FetchFlag", {
  failure: Schema.Never,
  success: DownloadOutcome,
  payload: {
    code: Schema.String,
    baseUrl: Schema.String,
    directory: Schema.String,
    timeout: Schema.DurationFromMillis
  }
}) {}

/** Interrupts the flag in flight, if there is one. The program sends no `FetchFlag` after it. */
export class Cancel extends Schema.TaggedRequest<Cancel>()("Cancel", {
  failure: Schema.Never,
  success: Schema.Void,
  payload: {}
}) {}

export const Message = Schema.Union(FetchFlag, Cancel)

export type Message = typeof Message.Type
