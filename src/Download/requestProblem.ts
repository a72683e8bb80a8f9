/**
 * Returns why a request cannot be carried out, field by field. Called when a request is decoded, and before a transfer begins.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Digest from "../internal/digest.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as RequestHeaders from "./requestHeaders.js"

export const ofUrl = (text: string): string | undefined => {
  if (DisplayUrl.isRedacted(text)) {
    return "its secrets were removed when it was encoded; DownloadRequestWithSecrets keeps them (write %E2%80%A6 for a … of the URL)"
  }
  const url = DisplayUrl.parse(text)
  if (url === undefined) {
    return /^https?:\/\//i.test(text) ? "it is not a valid URL" : "it is not an absolute URL"
  }
  if (!DisplayUrl.isHttp(url)) {
    return `${url.protocol} is neither http: nor https:`
  }
  if (DisplayUrl.isHostTooLong(url)) {
    return "the name of its host is longer than 253 characters"
  }
  // The URL parser would drop these characters, or the request would be for another URL.
  return /[\u0000-\u001f\u007f\ufffd]/.test(text.trim())
    ? "it has a control character in it, or bytes that are not UTF-8"
    : undefined
}

export const ofDestination = (path: string): string | undefined =>
  path === "" || path.includes("\0") ? "its destination is empty, or has a NUL in it" : undefined

export const ofDigest = (text: string): string | undefined =>
  Digest.parse(text) === undefined ? "its digest is neither sha256:… nor a Subresource Integrity string" : undefined

export const ofSize = (bytes: number): string | undefined =>
  Number.isSafeInteger(bytes) && bytes >= 0 ? undefined : "its sizeBytes is not a whole number from 0 on"

export const ofLimit = (bytes: number): string | undefined =>
  bytes === Number.POSITIVE_INFINITY || (Number.isSafeInteger(bytes) && bytes >= 0)
    ? undefined
    : "its limitBytes is not a whole number from 0 on"

export const ofMediaType = (text: string): string | undefined =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
    ? undefined
    : "its mediaType is not of the form image/gif or image/*"

export const ofHeaders = (headers: Readonly<Record<string, Redacted.Redacted>>): string | undefined =>
  RequestHeaders.problem({ headers })

/** A field with a time, which the text names. */
export const ofTime =
  (field: string) =>
  (limit: Duration.Duration): string | undefined =>
    Duration.toMillis(limit) > 0 ? undefined : `its ${field} is not longer than 0`

export const ofStall = (stall: { readonly bytes: number; readonly within: Duration.Duration }): string | undefined =>
  stall.bytes >= 0 && Duration.toMillis(stall.within) > 0
    ? undefined
    : "its stall is not a number of bytes from 0 on, in a time longer than 0"

const times = {
  timeout: ofTime("timeout"),
  deadline: ofTime("deadline"),
  connectTimeout: ofTime("connectTimeout"),
  headersTimeout: ofTime("headersTimeout")
}

const of = <A>(problem: (value: A) => string | undefined, value: A | undefined): string | undefined =>
  value === undefined ? undefined : problem(value)

/** All fields but the URL. */
export const ofRest = (request: {
  readonly destination: string
  readonly timeout: Duration.Duration
  readonly deadline?: Duration.Duration | undefined
  readonly connectTimeout?: Duration.Duration | undefined
  readonly headersTimeout?: Duration.Duration | undefined
  readonly stall?: { readonly bytes: number; readonly within: Duration.Duration } | undefined
  readonly digest?: string | undefined
  readonly sizeBytes?: number | undefined
  readonly limitBytes?: number | undefined
  readonly mediaType?: string | undefined
  readonly headers?: Readonly<Record<string, Redacted.Redacted>> | undefined
}): string | undefined =>
  ofDestination(request.destination) ??
  times.timeout(request.timeout) ??
  of(times.deadline, request.deadline) ??
  of(times.connectTimeout, request.connectTimeout) ??
  of(times.headersTimeout, request.headersTimeout) ??
  of(ofStall, request.stall) ??
  of(ofDigest, request.digest) ??
  of(ofSize, request.sizeBytes) ??
  of(ofLimit, request.limitBytes) ??
  of(ofMediaType, request.mediaType) ??
  of(ofHeaders, request.headers)
