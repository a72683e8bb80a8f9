/**
 * Finds out why a request cannot be carried out. Each function checks one field, and returns undefined if the field is valid.
 * They are called when a request is decoded, and before a transfer begins.
 */
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Digest from "../internal/digest.js"
import * as Method from "../internal/http/method.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as RequestHeaders from "./requestHeaders.js"

/** The problem of a text that is no URL at all. */
export const notAbsolute = "it is not an absolute URL"

/** The end of the problem of a URL with another scheme, such as `localhost:` in `localhost:8080/a`. */
export const notHttp = "is neither http: nor https:"

export const ofUrl = (text: string): string | undefined => {
  if (DisplayUrl.isRedacted(text)) {
    return "its secrets were removed when it was encoded; DownloadRequestWithSecrets keeps them (write %E2%80%A6 for a … of the URL)"
  }
  const url = DisplayUrl.parse(text)
  if (url === undefined) {
    return /^https?:\/\//i.test(text) ? "it is not a valid URL" : notAbsolute
  }
  if (!DisplayUrl.isHttp(url)) {
    return `${url.protocol} ${notHttp}`
  }
  if (DisplayUrl.isHostTooLong(url)) {
    return "the name of its host is longer than 253 characters"
  }
  // The URL parser would drop these characters, or encode them into a different URL.
  return /[\u0000-\u001f\u007f\ufffd]/.test(text.trim())
    ? "it contains a control character, or bytes that are not UTF-8"
    : undefined
}

export const ofMirrors = (urls: ReadonlyArray<string>): string | undefined => {
  for (const url of urls) {
    const problem = ofUrl(url)
    if (problem !== undefined) {
      return `a mirror: ${problem}`
    }
  }
  return undefined
}

export const ofDestination = (path: string): string | undefined =>
  path === "" || path.includes("\0") ? "the destination is empty, or contains a NUL" : undefined

export const ofDigest = (text: string): string | undefined =>
  Digest.parse(text) === undefined ? `the digest ${Digest.rule}` : undefined

export const ofSize = (bytes: number): string | undefined =>
  Number.isSafeInteger(bytes) && bytes >= 0 ? undefined : "sizeBytes must be a whole number of at least 0"

export const ofLimit = (bytes: number): string | undefined =>
  bytes === Number.POSITIVE_INFINITY || (Number.isSafeInteger(bytes) && bytes >= 0)
    ? undefined
    : "limitBytes must be a whole number of at least 0, or Infinity"

export const ofMediaType = (text: string): string | undefined =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
    ? undefined
    : "mediaType must have the form image/gif or image/*"

export const ofHeaders = (headers: Readonly<Record<string, Redacted.Redacted>>): string | undefined =>
  RequestHeaders.problem({ headers })

/** Checks a field that is a time. The message has the field's name. */
export const ofTime =
  (field: string) =>
  (limit: Duration.Duration): string | undefined =>
    Duration.toMillis(limit) > 0 ? undefined : `${field} must be longer than 0`

export const ofStall = (stall: { readonly bytes: number; readonly within: Duration.Duration }): string | undefined =>
  stall.bytes >= 0 && Duration.toMillis(stall.within) > 0
    ? undefined
    : "stall must have at least 0 bytes and a time longer than 0"

const times = {
  timeout: ofTime("timeout"),
  deadline: ofTime("deadline"),
  connectTimeout: ofTime("connectTimeout"),
  headersTimeout: ofTime("headersTimeout")
}

const ifGiven = <A>(check: (value: A) => string | undefined, value: A | undefined): string | undefined =>
  value === undefined ? undefined : check(value)

/** Checks all fields except the URL. */
export const ofOtherFields = (request: {
  readonly destination: string
  readonly timeout: Duration.Duration
  readonly deadline?: Duration.Duration | undefined
  readonly connectTimeout?: Duration.Duration | undefined
  readonly headersTimeout?: Duration.Duration | undefined
  readonly stall?: { readonly bytes: number; readonly within: Duration.Duration } | undefined
  readonly digest?: string | undefined
  readonly mirrors?: ReadonlyArray<string> | undefined
  readonly sizeBytes?: number | undefined
  readonly limitBytes?: number | undefined
  readonly mediaType?: string | undefined
  readonly headers?: Readonly<Record<string, Redacted.Redacted>> | undefined
  readonly method?: string | undefined
  readonly body?: unknown
}): string | undefined =>
  ofDestination(request.destination) ??
  times.timeout(request.timeout) ??
  ifGiven(times.deadline, request.deadline) ??
  ifGiven(times.connectTimeout, request.connectTimeout) ??
  ifGiven(times.headersTimeout, request.headersTimeout) ??
  ifGiven(ofStall, request.stall) ??
  ifGiven(ofDigest, request.digest) ??
  ifGiven(ofMirrors, request.mirrors) ??
  ifGiven(ofSize, request.sizeBytes) ??
  ifGiven(ofLimit, request.limitBytes) ??
  ifGiven(ofMediaType, request.mediaType) ??
  ifGiven(ofHeaders, request.headers) ??
  ifGiven(Method.problem, request.method) ??
  ((request.mirrors?.length ?? 0) > 0 && ((request.method ?? "GET") !== "GET" || request.body !== undefined)
    ? "only a GET without a body has mirrors"
    : undefined)
