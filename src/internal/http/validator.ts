/**
 * What tells one version of a file from another (RFC 9110 §8.8).
 *
 * @internal
 */
import { parseHttpDate } from "./retryAfter.js"

type Headers = Readonly<Record<string, string | undefined>>

/**
 * The validator of a response that is good for `If-Range`: a strong entity tag, or else a date of modification that is
 * old enough by the server's own clock for a second change not to hide behind it (§8.8.2.2, §13.1.5).
 */
export const strong = (headers: Headers): string | undefined => {
  const etag = headers["etag"]?.trim()
  if (etag !== undefined) {
    // An empty entity tag is valid, but servers send it when they have no version to name.
    return /^"[\x21\x23-\x7e\x80-\xff]+"$/.test(etag) ? etag : undefined
  }
  const modified = headers["last-modified"]?.trim()
  const [modifiedAt, sentAt] = [modified, headers["date"]?.trim()].map((date) => parseHttpDate(date ?? "", 0))
  return modifiedAt !== undefined && sentAt !== undefined && sentAt - modifiedAt >= settledMillis ? modified : undefined
}

const settledMillis = 60_000

/** Whether the validator is an entity tag, which can identify a version at another URL; a date cannot. */
export const isEntityTag = (validator: string): boolean => validator.startsWith('"')

/** The content codings of a response, in a form that can be compared (RFC 9110 §8.4): "" if there are none. */
export const contentCodings = (headers: Headers): string => {
  const value = headers["content-encoding"]
  return value === undefined
    ? ""
    : value
        .toLowerCase()
        .split(",")
        .map((one) => one.trim())
        .filter((one) => one !== "" && one !== "identity")
        .join(", ")
}

/**
 * Whether a partial response says itself that it is of the version that this validator stands for: not every server
 * that knows `Range` knows `If-Range`.
 */
export const matches = (validator: string, headers: Headers): boolean =>
  (isEntityTag(validator) ? headers["etag"] : headers["last-modified"])?.trim() === validator

/** The media type of a response without its parameters; "" if it has none. */
export const mediaType = (headers: Headers): string =>
  headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? ""
