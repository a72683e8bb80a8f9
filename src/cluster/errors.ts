/**
 * The reasons why a call of `Batches` fails.
 */
import * as Schema from "effect/Schema"
import { DisplayedText } from "../internal/text/displaySchemas.js"
import { displayText } from "../internal/text/displayUrl.js"

/**
 * There is no batch with this id.
 *
 * @category errors
 * @since 0.2.0
 */
export class BatchNotFound extends Schema.TaggedError<BatchNotFound>("halyard/cluster/BatchNotFound")("BatchNotFound", {
  id: Schema.String
}) {
  override get message(): string {
    return `there is no batch ${displayText(this.id)}`
  }
}

/**
 * A batch with this id exists and has other requests, another shard size or other settings. Nothing was stored.
 *
 * @category errors
 * @since 0.2.0
 */
export class BatchConflict extends Schema.TaggedError<BatchConflict>("halyard/cluster/BatchConflict")("BatchConflict", {
  id: Schema.String
}) {
  override get message(): string {
    return `there is a batch ${displayText(this.id)} with other content; choose another id`
  }
}

/**
 * The batch cannot be carried out. Nothing was stored.
 *
 * @category errors
 * @since 0.2.0
 */
export class InvalidBatch extends Schema.TaggedError<InvalidBatch>("halyard/cluster/InvalidBatch")("InvalidBatch", {
  id: Schema.String,
  /** The place of the invalid request in the stream, from 0. Left out if the fault is not in a request. */
  index: Schema.optionalWith(Schema.Number, { exact: true }),
  detail: DisplayedText
}) {
  override get message(): string {
    const where = this.index === undefined ? "" : `request ${this.index + 1}: `
    return `the batch ${displayText(this.id)} is invalid: ${where}${displayText(this.detail)}`
  }
}

/**
 * The batch has not ended. `cancel` it first, and wait until its status says that it has ended.
 *
 * @category errors
 * @since 0.2.0
 */
export class BatchNotEnded extends Schema.TaggedError<BatchNotEnded>("halyard/cluster/BatchNotEnded")("BatchNotEnded", {
  id: Schema.String
}) {
  override get message(): string {
    return `the batch ${displayText(this.id)} has not ended`
  }
}

/**
 * The database did not answer, or refused the operation. A call of `submit` that fails has started no batch, or the same call
 * repeated finds the batch that it has started.
 *
 * @category errors
 * @since 0.2.0
 */
export class BatchStorageError extends Schema.TaggedError<BatchStorageError>("halyard/cluster/BatchStorageError")(
  "BatchStorageError",
  {
    operation: Schema.String,
    detail: DisplayedText
  }
) {
  override get message(): string {
    return `the database of the batches failed (${this.operation}): ${displayText(this.detail)}`
  }
}

/** Makes the error of a failed statement. The message of a driver has addresses and no passwords. */
export const storageError =
  (operation: string) =>
  (error: unknown): BatchStorageError =>
    new BatchStorageError({ operation, detail: detailOf(error) })

const detailOf = (error: unknown): string => {
  if (!(error instanceof Error)) {
    return String(error)
  }
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(detailOf).join("; ")
  }
  return error.cause === undefined ? error.message : detailOf(error.cause)
}
