/**
 * The messages between a process that submits a batch and the processes that carry out its shards.
 */
import * as Schema from "effect/Schema"
import { Settings } from "../../../cluster/models.js"
import * as Download from "../../../Download.js"

/** To the process. */
export const Order = Schema.Union(
  /** The first message. `processes` share the limits of the options. */
  Schema.TaggedStruct("Begin", {
    processes: Schema.Number,
    options: Schema.Array(Schema.Tuple(Schema.String, Schema.Array(Schema.String)))
  }),
  /** `requests`: the text of `StoredRequests`. One shard at a time. */
  Schema.TaggedStruct("Shard", {
    shard: Schema.Struct({ batch: Schema.String, shard: Schema.Number, attempt: Schema.Number, settings: Settings }),
    requests: Schema.String
  }),
  /** Stops the shard. `Ended` follows. */
  Schema.TaggedStruct("Stop", {})
)

export type Order = typeof Order.Type

const { request: _saved, ...saved } = Download.Saved.fields
const { request: _skipped, ...skipped } = Download.Skipped.fields
const { request: _notModified, ...notModified } = Download.NotModified.fields
const { request: _failed, ...failed } = Download.Failed.fields
const { request: _cancelled, ...cancelled } = Download.Cancelled.fields

/** An outcome without its request. */
export const Outcome = Schema.Union(
  Schema.Struct(saved),
  Schema.Struct(skipped),
  Schema.Struct(notModified),
  Schema.Struct(failed),
  Schema.Struct(cancelled)
)

export type Outcome = typeof Outcome.Type

/** From the process. */
export const Answer = Schema.Union(
  /** Outcomes, each with the place of its request in the shard. */
  Schema.TaggedStruct("Outcomes", { outcomes: Schema.Array(Schema.Tuple(Schema.Number, Outcome)) }),
  /** The shard has ended, or was stopped. `defect`: it died of this. */
  Schema.TaggedStruct("Ended", { defect: Schema.optionalWith(Schema.String, { exact: true }) }),
  /** A line for the user. */
  Schema.TaggedStruct("Line", { text: Schema.String })
)

export type Answer = typeof Answer.Type
