/**
 * URLs that stand already as `URL` would write them: they need not be parsed, and most are such.
 *
 * @internal
 */

// What `URL` leaves as it is in a path and in a query alike.
const plainPath = /^\/[\w\-.~!$&()*+,;=:@%/?[\]|]*$/
const dots = /\/(?:\.|%2e)/i
const plainOrigin = /^https?:\/\/[a-z0-9.\-_]+(?::\d+)?$/

/** Where the path begins of a URL without credentials and fragment; -1 where it may not be such a one. */
export const pathIndex = (url: string): number => {
  const slash = url.indexOf("/", 8)
  if (slash === -1) {
    return -1
  }
  const path = url.slice(slash)
  return plainPath.test(path) && !dots.test(path) ? slash : -1
}

export const isNormalizedOrigin = (text: string): boolean => plainOrigin.test(text)

const known = new Set<string>()
const knownAtMost = 1000
// A host name has at most 253 characters (RFC 1035 §2.3.4). A longer origin is not cached.
export const maxOriginLength = 300
let latest = ""

/** The origin of such a URL, where that is what it begins with. */
export const originOf = (url: string): string | undefined => {
  const at = pathIndex(url)
  if (at === -1 || at > maxOriginLength) {
    return undefined
  }
  if (at === latest.length && url.startsWith(latest)) {
    return latest
  }
  const text = url.slice(0, at)
  if (!known.has(text)) {
    // An address may be written in more than one way.
    if (!isNormalizedOrigin(text) || !URL.canParse(text) || new URL(text).origin !== text) {
      return undefined
    }
    if (known.size >= knownAtMost) {
      known.clear()
    }
    known.add(text)
  }
  latest = text
  return text
}
