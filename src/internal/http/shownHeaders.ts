/**
 * The headers of a response without secrets, for messages and events.
 */
import { displayText, placeholder } from "../text/displayUrl.js"
import * as Printable from "../text/printable.js"

/** Headers whose value is a secret, or may contain one. */
const secret = /cookie|token|auth|secret|key|session|signature|credential|passw|nonce/i

const longestValue = 500

/** Removes secrets: values of cookies, tokens and the like, and the secrets of URLs. A long value is shortened. */
export const shownHeaders = (headers: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) {
      shown[Printable.excerpt(name)] = secret.test(name)
        ? placeholder
        : Printable.line(displayText(value.slice(0, longestValue)))
    }
  }
  return shown
}

/** Headers of a request whose value is no secret. */
const plain =
  /^(?:accept|accept-encoding|accept-language|cache-control|connection|content-length|content-type|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|pragma|range|referer|user-agent)$/

/** The headers of a request, with a placeholder for the value of every header that is not known to be harmless. */
export const shownRequestHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> => {
  const shown = shownHeaders(headers)
  for (const name of Object.keys(shown)) {
    if (!plain.test(name)) {
      shown[name] = placeholder
    }
  }
  return shown
}
