/**
 * The headers of a response without secrets, for messages and events.
 */
import { displayText, placeholder } from "../text/displayUrl.js"
import * as Printable from "../text/printable.js"

/** Headers whose value is a secret, or may contain one. */
const secret = /cookie|token|auth|secret|key|session|signature|credential|passw|nonce/i

const longestValue = 500

interface ShownName {
  readonly name: string
  readonly isSecret: boolean
}

// Servers have few names of headers, and send the same ones with each response.
const shownNames = new Map<string, ShownName>()
const shownNamesAtMost = 1000
const longestKnownName = 64

const shownName = (name: string): ShownName => {
  const known = shownNames.get(name)
  if (known !== undefined) {
    return known
  }
  const shown = { name: Printable.excerpt(name), isSecret: secret.test(name) }
  if (name.length <= longestKnownName) {
    if (shownNames.size >= shownNamesAtMost) {
      shownNames.clear()
    }
    shownNames.set(name, shown)
  }
  return shown
}

/** Removes secrets: values of cookies, tokens and the like, and the secrets of URLs. A long value is shortened. */
export const shownHeaders = (headers: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const shown: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && Object.hasOwn(headers, name)) {
      const { isSecret, name: label } = shownName(name)
      shown[label] = isSecret ? placeholder : Printable.line(displayText(value.slice(0, longestValue)))
    }
  }
  return shown
}

/** Headers of a request whose value is no secret. */
const plain =
  /^(?:accept|accept-encoding|accept-language|cache-control|connection|content-length|content-type|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|pragma|range|referer|user-agent)$/

// The requests of a run that have no headers of their own share one object.
let lastRequest: Readonly<Record<string, string>> = {}
let lastShown: Readonly<Record<string, string>> = {}

/** The headers of a request, with a placeholder for the value of every header that is not known to be harmless. */
export const shownRequestHeaders = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
  if (headers !== lastRequest || !Object.isFrozen(headers)) {
    const shown = shownHeaders(headers)
    for (const name of Object.keys(shown)) {
      if (!plain.test(name)) {
        shown[name] = placeholder
      }
    }
    lastRequest = headers
    lastShown = shown
  }
  return lastShown
}
