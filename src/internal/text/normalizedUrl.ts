/**
 * Recognizes URLs that are written as the `URL` class would write them. Most URLs are, and they need no parsing.
 */

// The characters that `URL` changes neither in a path nor in a query.
const normalizedPath = /^\/[\w\-.~!$&()*+,;=:@%/?[\]|]*$/
const dotSegment = /\/(?:\.|%2e)/i
const normalizedOrigin = /^https?:\/\/[a-z0-9.\-_]+(?::\d+)?$/

// Returns the index of the path, and -1 if the path, the query or a fragment may not be normalized.
const pathIndex = (url: string): number => {
  const slash = url.indexOf("/", 8)
  if (slash === -1) {
    return -1
  }
  const path = url.slice(slash)
  return normalizedPath.test(path) && !dotSegment.test(path) ? slash : -1
}

const knownOrigins = new Set<string>()
const maxKnownOrigins = 1000
// A host name has at most 253 characters (RFC 1035 §2.3.4), and `http://` has 7. A longer origin is parsed, and refused if its host
// name is longer.
const maxOriginLength = 260
let lastOrigin = ""

/** Returns the origin of a normalized URL. Returns undefined if the URL may not be normalized. */
export const originOf = (url: string): string | undefined => {
  const at = pathIndex(url)
  if (at === -1 || at > maxOriginLength) {
    return undefined
  }
  if (at === lastOrigin.length && url.startsWith(lastOrigin)) {
    return lastOrigin
  }
  const text = url.slice(0, at)
  if (!knownOrigins.has(text)) {
    // An IPv4 address has several spellings, and a default port is left out.
    if (!normalizedOrigin.test(text) || !URL.canParse(text) || new URL(text).origin !== text) {
      return undefined
    }
    if (knownOrigins.size >= maxKnownOrigins) {
      knownOrigins.clear()
    }
    knownOrigins.add(text)
  }
  lastOrigin = text
  return text
}
