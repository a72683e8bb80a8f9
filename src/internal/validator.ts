/**
 * What tells one version of a file from another (RFC 9110 §8.8).
 *
 * @internal
 */
import { httpDate } from "./retryAfter.js"

type Headers = Readonly<Record<string, string | undefined>>

/**
 * The validator of a response that is good for `If-Range`: a strong entity tag, or else a date of modification that is
 * old enough by the server's own clock for a second change not to hide behind it (§8.8.2.2, §13.1.5).
 */
export const strong = (headers: Headers): string | undefined => {
  const etag = headers["etag"]?.trim()
  if (etag !== undefined) {
    return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined
  }
  const modified = headers["last-modified"]?.trim()
  const [modifiedAt, sentAt] = [modified, headers["date"]?.trim()].map((date) => httpDate(date ?? "", 0))
  return modifiedAt !== undefined && sentAt !== undefined && sentAt - modifiedAt >= settledMillis ? modified : undefined
}

const settledMillis = 60_000

/**
 * Whether a partial response says itself that it is of the version that this validator stands for: not every server
 * that knows `Range` knows `If-Range`.
 */
export const agrees = (validator: string, headers: Headers): boolean =>
  (validator.startsWith('"') ? headers["etag"] : headers["last-modified"])?.trim() === validator
