/**
 * Writes the data of a run into the report page.
 *
 * @internal
 */
import type { RunData } from "./data.js"

const [opening, closing] = [`<script type="application/json" id="run">`, "</script>"]

const place = `${opening}null${closing}`

// In an element of a script, only `<` can begin markup. Line ends of JavaScript that JSON permits are escaped for readers of the text.
const unsafe = /[<\u2028\u2029]/g

const jsonOf = (data: RunData): string =>
  JSON.stringify(data).replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Returns the page with the data in it. `page` is the page of this package. */
export const withData = (page: string, data: RunData): string => {
  const at = page.indexOf(place)
  if (at === -1) {
    throw new Error("the report page has no place for the data of a run")
  }
  return `${page.slice(0, at)}${opening}${jsonOf(data)}${closing}${page.slice(at + place.length)}`
}
