/**
 * One request for a part of a file: what is asked for, and whether the answer is that.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as RequestHeaders from "../../Download/requestHeaders.js"
import { type DownloadError, Protocol, Truncated } from "../../DownloadError.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import type { TransportRequest } from "../../Transport.js"
import type { TransportResponse } from "../drive.js"
import type { Receiver } from "../receiveBody.js"
import { judge } from "../responseCheck.js"
import { statusError } from "../statusError.js"
import type { Claim } from "./rangeMap.js"

/** For what is missing of a claim, and of the version that was begun. */
export const requestFor = ({ hop, kept, request }: Receiver, claim: Claim): TransportRequest => {
  const headers = RequestHeaders.forHop(request, hop)
  headers["range"] = `bytes=${claim.nextBytes}-${claim.endBytes - 1}`
  if (kept.validator !== undefined) {
    headers["if-range"] = kept.validator
  }
  return { url: RequestHeaders.requestUrl(hop.url), headers, isCrossOrigin: !hop.isFirstOrigin }
}

/** Where the response ends, if it is what was asked for. */
export const endOf = (
  self: Receiver,
  claim: Claim,
  response: TransportResponse
): Effect.Effect<number, DownloadError> => {
  const { status } = response
  const url = displayUrl(self.hop.url.href)
  if (status >= 400 && status !== 416) {
    return Effect.flatMap(statusError(url, response), Effect.fail)
  }
  return status === 206
    ? Effect.map(judge(self, response, claim.nextBytes), ({ endBytes }) => endBytes ?? claim.nextBytes)
    : new Protocol({ url, reason: "range", detail: `${status}` })
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
