/**
 * Reads the response headers that identify a version of a file: its validator (RFC 9110 §8.8), content codings and media type.
 */
import { parseHttpDate } from "./retryAfter.js"

type Headers = Readonly<Record<string, string | undefined>>

/**
 * Returns a strong validator, which `If-Range` needs (§13.1.5): a strong entity tag, or else the date of the last modification.
 * The date is strong if it is at least 60 seconds before the response's `Date` (§8.8.2.2).
 */
export const strong = (headers: Headers): string | undefined => {
  const etag = headers["etag"]?.trim()
  if (etag !== undefined) {
    // An empty entity tag is valid, but servers send it for files without a version.
    return isStrongTag(etag) ? etag : undefined
  }
  const modified = headers["last-modified"]?.trim()
  const [modifiedAt, sentAt] = [modified, headers["date"]?.trim()].map((date) => parseHttpDate(date ?? "", 0))
  return modifiedAt !== undefined && sentAt !== undefined && sentAt - modifiedAt >= settledMillis ? modified : undefined
}

const settledMillis = 60_000

const isStrongTag = (text: string): boolean => /^"[\x21\x23-\x7e\x80-\xff]+"$/.test(text)

/** Returns true if the text has the form of a strong validator. */
export const isStrong = (text: string): boolean => isStrongTag(text) || parseHttpDate(text, 0) !== undefined

/** Returns true if the validator is an entity tag. An entity tag can identify the version at another URL, and a date cannot. */
export const isEntityTag = (validator: string): boolean => validator.startsWith('"')

/** Returns the content codings in a form that can be compared (RFC 9110 §8.4), and "" if there are none. */
export const contentCodings = (headers: Headers): string => {
  const field = headers["content-encoding"]
  if (field === undefined) {
    return ""
  }
  return field
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity")
    .join(", ")
}

/** Returns true if the response has this validator. Some servers support `Range` and ignore `If-Range`. */
export const matches = (validator: string, headers: Headers): boolean =>
  (isEntityTag(validator) ? headers["etag"] : headers["last-modified"])?.trim() === validator

/** Returns the media type without its parameters, and "" if there is none. */
export const mediaType = (headers: Headers): string =>
  headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? ""
