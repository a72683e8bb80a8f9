/**
 * One request for a part of a file: what is asked for, and whether the answer is that.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { type DownloadError, Protocol, Truncated } from "../DownloadError.js"
import type { TransportRequest, TransportResponse } from "../Transport.js"
import { contentRange } from "./contentRange.js"
import type { Claim } from "./coverage.js"
import { displayUrl } from "./displayUrl.js"
import * as Printable from "./printable.js"
import type { Receiver } from "./receive.js"
import * as RequestHeaders from "./requestHeaders.js"
import { statusError } from "./statusError.js"
import * as Validator from "./validator.js"

/** For what is missing of a claim, and of the version that was begun. */
export const requestFor = ({ hop, kept, request }: Receiver, claim: Claim): TransportRequest => {
  const headers = RequestHeaders.of(request, hop)
  headers["range"] = `bytes=${claim.nextBytes}-${claim.endBytes - 1}`
  if (kept.validator !== undefined) {
    headers["if-range"] = kept.validator
  }
  return { url: RequestHeaders.target(hop.url), headers, isCrossOrigin: !hop.isFirstOrigin }
}

/** Where the response ends, if it is what was asked for. */
export const judge = (
  { hop, kept }: Receiver,
  claim: Claim,
  response: TransportResponse
): Effect.Effect<number, DownloadError> => {
  const { headers, status } = response
  const url = displayUrl(hop.url.href)
  if (status >= 400 && status !== 416) {
    return Effect.flatMap(statusError(url, response), Effect.fail)
  }
  const range = status === 206 ? contentRange(headers["content-range"]) : undefined
  if (
    range !== undefined &&
    range.startBytes === claim.nextBytes &&
    range.totalBytes === kept.totalBytes &&
    isIdentity(response) &&
    (kept.validator === undefined || Validator.agrees(kept.validator, headers))
  ) {
    return Effect.succeed(range.endBytes + 1)
  }
  const detail = Printable.line(headers["content-range"] ?? `${status}`)
  return new Protocol({ url, reason: "range", detail })
}

/** The error for a response that ended before what it was to bring. */
export const truncated = ({ hop, kept }: Receiver): Truncated =>
  new Truncated({
    url: displayUrl(hop.url.href),
    expectedBytes: kept.totalBytes,
    receivedBytes: kept.bytes
  })

/** Whether it fails the attempt, whoever else is at work. */
export const isFinal = (error: DownloadError): boolean =>
  error._tag === "Disk" ||
  error._tag === "TooLarge" ||
  (error._tag === "Timeout" && (error.phase === "total" || error.phase === "deadline"))

export const isIdentity = ({ headers }: TransportResponse): boolean =>
  /^(identity)?$/i.test(headers["content-encoding"]?.trim() ?? "")
