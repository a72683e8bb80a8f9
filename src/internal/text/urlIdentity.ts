/**
 * The part of a URL that identifies its file: everything but the credentials and the fragment.
 */
import * as DisplayUrl from "./displayUrl.js"
import * as NormalizedUrl from "./normalizedUrl.js"

/** Returns the text unchanged if it is not a valid URL. */
export const urlIdentity = (url: string): string => {
  if (NormalizedUrl.originOf(url) !== undefined) {
    return url
  }
  const parsed = DisplayUrl.parse(url)
  if (parsed === undefined) {
    return url
  }
  parsed.username = ""
  parsed.password = ""
  parsed.hash = ""
  return parsed.href
}
