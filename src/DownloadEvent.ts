/**
 * The events of a run. Each request has `Started` when its transfer begins, `Responded` for each response if the downloader has the
 * option `responses`, and `Advanced` while its body arrives. It has `Retrying` before each attempt after the first, and then
 * `Finished` once. It has `Paused` when a response says that a quota is used up, and `MirrorGivenUp` for each mirror that brings no
 * more of its file. A request that is cancelled before its transfer begins has `Finished` only.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { DownloadOutcome, DownloadRequestShown } from "./Download.js"
import { DownloadError } from "./DownloadError.js"
import { DisplayedUrl } from "./internal/text/displaySchemas.js"

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
 * Bytes have arrived. Each transfer has at most five such events a second.
 *
 * @category models
 * @since 0.2.0
 */
export class Advanced extends Schema.TaggedClass<Advanced>("halyard.DownloadEvent.Advanced")("Advanced", {
  request: DownloadRequestShown,
  /** The size of the file so far, including the bytes of earlier attempts. Decreases if an attempt starts over. */
  bytes: Schema.Number,
  /** The size of the whole file. Undefined if the server did not announce it. */
  totalBytes: Schema.UndefinedOr(Schema.Number)
}) {}

/**
 * The head of a response has arrived: of a first request, of a redirect, of the rest of a file, or of a segment. Sent only with the
 * option `responses` of the downloader.
 *
 * @category models
 * @since 0.2.0
 */
export class Responded extends Schema.TaggedClass<Responded>("halyard.DownloadEvent.Responded")("Responded", {
  request: DownloadRequestShown,
  /** The URL that has answered, without secrets. */
  url: Schema.String,
  status: Schema.Number,
  /** Without secrets: values of cookies, tokens and the like are `…`. */
  headers: Schema.Record({ key: Schema.String, value: Schema.String })
}) {}

/**
 * An attempt failed, and another follows.
 *
 * @category models
 * @since 0.2.0
 */
export class Retrying extends Schema.TaggedClass<Retrying>("halyard.DownloadEvent.Retrying")("Retrying", {
  request: DownloadRequestShown,
  error: DownloadError,
  /** The number of the failed attempt, from 1. */
  attempt: Schema.Number,
  /** The time until the next attempt. */
  delayMillis: Schema.Number,
  /** The mirror of the next attempt and those that follow it, if the URL that failed is given up. */
  mirror: Schema.optionalWith(DisplayedUrl, { exact: true })
}) {}

/**
 * One of several URLs that bring parts of the file at the same time has failed, or has another version of the file. It brings no more
 * of this file as long as the others do. The transfer goes on with them.
 *
 * @category models
 * @since 0.2.0
 */
export class MirrorGivenUp extends Schema.TaggedClass<MirrorGivenUp>("halyard.DownloadEvent.MirrorGivenUp")(
  "MirrorGivenUp",
  {
    request: DownloadRequestShown,
    /** One of the mirrors of the request, or its URL. */
    mirror: DisplayedUrl,
    error: DownloadError
  }
) {}

/**
 * A response has said that the quota of the client is used up (`RateLimit`). Its origin gets no requests during this time. Several
 * responses that say the same have one event. The transfer itself goes on.
 *
 * @category models
 * @since 0.2.0
 */
export class Paused extends Schema.TaggedClass<Paused>("halyard.DownloadEvent.Paused")("Paused", {
  request: DownloadRequestShown,
  origin: Schema.String,
  pauseMillis: Schema.Number
}) {}

/**
 * A request has its outcome.
 *
 * @category models
 * @since 0.1.0
 */
export class Finished extends Schema.TaggedClass<Finished>("halyard.DownloadEvent.Finished")("Finished", {
  outcome: DownloadOutcome
}) {}

/**
 * An event of a run.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadEvent = Schema.Union(Started, Responded, Advanced, Retrying, MirrorGivenUp, Paused, Finished)

/**
 * An event of one request.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadEvent = typeof DownloadEvent.Type
