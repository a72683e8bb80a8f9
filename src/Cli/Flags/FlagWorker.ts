/**
 * The messages to a worker thread of `flags --engine threads`. The thread carries one flag at a time.
 */
import * as Schema from "effect/Schema"
import { DownloadOutcome } from "../../Download.js"

/** Fetch this flag. The answer is its outcome, also if `Cancel` comes meanwhile. */
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
