/**
 * The outcomes of a request.
 */

import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { DownloadError } from "../DownloadError.js"
import { late } from "../internal/late.js"
import { DisplayedName, DisplayedUrl } from "../internal/text/displaySchemas.js"
import { DownloadRequestShown, print } from "./request.js"

/**
 * What the content was checked against. `digest`: the digest of the request or of the response. `length`: a number of bytes from the request or the
 * server. `none`: neither was known, and the body ended with its connection or its last chunk.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Verification: Schema.Literal<["digest", "length", "none"]> = Schema.Literal("digest", "length", "none")

/**
 * What the content was checked against.
 *
 * @category models
 * @since 0.2.0
 */
export type Verification = typeof Verification.Type

/**
 * The file is complete under its final name, and survives a power cut. With `durability: "rename"` it survives a power cut only
 * after the operating system has written it to the disk.
 *
 * @category models
 * @since 0.1.0
 */
export class Saved extends Schema.TaggedClass<Saved>("halyard.DownloadOutcome.Saved")("Saved", {
  request: DownloadRequestShown,
  /**
   * The path of the file: the request's destination, a numbered name with `unique`, or the server's name with `nameFrom: "server"`.
   * The encoded form has its last segment.
   */
  destination: DisplayedName,
  /** The name that the server gave, before it was made safe. Only with `nameFrom: "server"`. */
  serverName: Schema.optionalWith(Schema.String, { exact: true }),
  bytes: Schema.Number,
  verified: Verification,
  /** The number of attempts, from 1. */
  attempts: Schema.Number,
  /** The modification time of the file, in milliseconds since 1970: the response's `Last-Modified`, or else the time of its last write. */
  modifiedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The URL of the response, after all redirects. The encoded form has no secrets. */
  url: DisplayedUrl,
  /** The status of the first response whose content was kept: 200, 203, or 206 if an earlier process had received a part. */
  status: Schema.Number,
  /** The `Content-Type` of that response without parameters, in lower case. */
  mediaType: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `ETag` of that response as it was sent, with its quotation marks (RFC 9110 §8.8.3). */
  etag: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `Last-Modified` of that response as it was sent (RFC 9110 §8.8.2). */
  lastModified: Schema.optionalWith(Schema.String, { exact: true }),
  /** The digest of the content, such as `sha256:` and hexadecimal digits, if one was computed. */
  digest: Schema.optionalWith(Schema.String, { exact: true })
}) {
  toJSON(): unknown {
    return encodeSaved(this)
  }

  override toString(): string {
    return print(this._tag, this, encodeSaved(this))
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

const encodeSaved = late(() => Schema.encodeSync(Saved))

/**
 * What is known about a file at its destination that a transfer has left there.
 *
 * @category schemas
 * @since 0.2.0
 */
export const ExistingFile = Schema.Struct({
  bytes: Schema.Number,
  /** The modification time of the file, in milliseconds since 1970. Undefined if the store keeps none. */
  modifiedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The URL of the response that described the file, after all redirects, without secrets. */
  url: Schema.optionalWith(DisplayedUrl, { exact: true }),
  /** The `ETag` of that response as it was sent (RFC 9110 §8.8.3). */
  etag: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `Last-Modified` of that response as it was sent (RFC 9110 §8.8.2). */
  lastModified: Schema.optionalWith(Schema.String, { exact: true }),
  /** The digest of the content, such as `sha256:` and hexadecimal digits, if it was computed. */
  digest: Schema.optionalWith(Schema.String, { exact: true })
})

/**
 * What is known about a file at its destination.
 *
 * @category models
 * @since 0.2.0
 */
export type ExistingFile = typeof ExistingFile.Type

/**
 * The destination existed, and its file was left as it is. `reason`:
 *
 * - `exists`: `onExists` was `skip`. The content of the file was not looked at.
 * - `recorded`: the journal says that the file came from this URL, and the file has not changed since. No request was sent.
 * - `same-size`: the journal knows nothing about the file. The server's file has the same size and is not newer.
 * - `verified`: the content of the file has the digest of the request. No request was sent.
 *
 * @category models
 * @since 0.1.0
 */
export class Skipped extends Schema.TaggedClass<Skipped>("halyard.DownloadOutcome.Skipped")("Skipped", {
  request: DownloadRequestShown,
  reason: Schema.Literal("exists", "recorded", "same-size", "verified"),
  /** Undefined if the reason is `exists`. */
  file: Schema.optionalWith(ExistingFile, { exact: true }),
  /** The path of the file that exists, if it is not the request's destination. Only with `nameFrom: "server"`. */
  destination: Schema.optionalWith(DisplayedName, { exact: true })
}) {}

/**
 * The server has answered a conditional request (RFC 9110 §13.1): the file at the destination is the file that the server has.
 *
 * @category models
 * @since 0.2.0
 */
export class NotModified extends Schema.TaggedClass<NotModified>("halyard.DownloadOutcome.NotModified")("NotModified", {
  request: DownloadRequestShown,
  file: ExistingFile,
  /** The path of the file, if it is not the request's destination. Only with `nameFrom: "server"`. */
  destination: Schema.optionalWith(DisplayedName, { exact: true })
}) {}

/**
 * The received bytes of a transfer that could not be kept, although the request resumes.
 *
 * - `no-validator`: the response has no strong validator (RFC 9110 §8.8.1), and the request has no digest. So nothing could prove that a
 *   later response has the rest of the same version.
 * - `no-ranges`: the server says that it supports no ranges.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Discarded = Schema.Struct({
  bytes: Schema.Number,
  reason: Schema.Literal("no-validator", "no-ranges")
})

/**
 * The received bytes of a transfer that could not be kept.
 *
 * @category models
 * @since 0.2.0
 */
export type Discarded = typeof Discarded.Type

const kept = {
  /** How many bytes a part has that was kept. A later request with `resume` continues it. Left out if no part was kept. */
  keptBytes: Schema.optionalWith(Schema.Number, { exact: true }),
  /** Left out if a part was kept, and if there were at most 64 KiB. */
  discarded: Schema.optionalWith(Discarded, { exact: true })
}

/**
 * The file was not saved, because of `error`. An existing file at the destination is unchanged. Exception: after `Disk` with
 * reason `not-durable`, the new file is at the destination.
 *
 * @category models
 * @since 0.1.0
 */
export class Failed extends Schema.TaggedClass<Failed>("halyard.DownloadOutcome.Failed")("Failed", {
  request: DownloadRequestShown,
  error: DownloadError,
  ...kept
}) {}

/**
 * The request was interrupted before its file was published. If other callers wait for the same file, the transfer continues
 * for them.
 *
 * @category models
 * @since 0.1.0
 */
export class Cancelled extends Schema.TaggedClass<Cancelled>("halyard.DownloadOutcome.Cancelled")("Cancelled", {
  request: DownloadRequestShown,
  /** The number of attempts that had begun; 0 if no request was sent. Left out if the transfer continues for other callers. */
  attempts: Schema.optionalWith(Schema.Number, { exact: true }),
  ...kept
}) {}

/**
 * The outcome of one request. Every request that a run receives has exactly one outcome.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadOutcome = Schema.Union(Saved, Skipped, NotModified, Failed, Cancelled)

/**
 * The outcome of one request.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadOutcome = typeof DownloadOutcome.Type
