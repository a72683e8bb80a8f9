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
