/**
 * The error for a response whose status is an error, with its `Retry-After`.
 *
 * @internal
 */
import { HttpStatus } from "../DownloadError.js"
import { parseRetryAfter } from "../internal/http/retryAfter.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import { unvalidated } from "../internal/unvalidated.js"
import type { ResponseHead } from "../Transport.js"
import type { Hop } from "./redirect.js"

/** `now`: milliseconds since 1970. */
export const statusError = ({ href }: Hop, { headers, status }: ResponseHead, now: number): HttpStatus => {
  const retryAfterMillis = parseRetryAfter(headers["retry-after"], now)
  // A validation would take a tenth of the time of a request that fails.
  return new HttpStatus(
    { url: displayUrl(href), status, ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }) },
    unvalidated
  )
}
