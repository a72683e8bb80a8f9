/**
 * A name for a file out of what a stranger wrote: one plain, printable, visible base name that every file system takes.
 *
 * @internal
 */
import * as DisplayUrl from "./displayUrl.js"
import { withoutTrailing } from "./trailing.js"

// What separates paths or streams, is no character of a name on some system, or is not to be seen: controls, marks that
// reorder or hide what stands around them (Unicode TR 36 §3.6), lone surrogates, blanks other than the space, and what
// stands for bytes that are no UTF-8.
const unsafe = /[/\\:*?"<>|\ufffd]|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]|\p{Default_Ignorable_Code_Point}|(?! )\s/gu

// Device names of Windows, whatever follows their first dot.
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i

const longestBytes = 200

const fallback = "index.html"

/** The last segment of the URL's path as a name, or `index.html` where there is none. */
export const ofUrl = (url: string): string => {
  const parsed = DisplayUrl.parse(url)
  // In what is no URL for a file, a password may stand anywhere: `user:password@host`.
  const path = parsed !== undefined && DisplayUrl.isHttp(parsed) ? parsed.pathname : ""
  const segment = path.slice(path.lastIndexOf("/") + 1)
  // The value of a parameter may be a secret: `;jsessionid=…`.
  return of(decode(segment.replace(/;[^;=]*=[^;]*/g, "")))
}

export const of = (text: string): string => {
  const plain = withPlainEnd(
    bounded(text)
      .normalize("NFC")
      .replace(unsafe, "_")
      // Not hidden, and not an option of some command.
      .replace(/^[.\-~ ]/, "_")
  ).replace(device, "_$&")
  return /^_*$/.test(plain) ? fallback : withPlainEnd(shortened(plain))
}

// The beginning of a long text makes its name, and its end the suffix. On a run of combining marks the time that
// `normalize` takes grows with the square of its length: minutes for a million.
const bounded = (text: string): string =>
  text.length <= 2 * readAtMost ? text : text.slice(0, readAtMost) + text.slice(-readAtMost)

const readAtMost = 1024

// Nothing that Windows would drop.
const withPlainEnd = (text: string): string => {
  const kept = withoutTrailing(text, ". ")
  return kept.length === text.length ? text : `${kept}_`
}

/** The same name with a number, the suffix kept: `name-2.tar.gz`. */
export const numbered = (name: string, number: number): string => {
  const { stem, suffix } = parts(name)
  const end = `-${number}${suffix}`
  return cut(stem, longestBytes - encoder.encode(end).length) + end
}

/**
 * The paths at which a file can stand that is to have one for itself, in the order in which they are tried. They end:
 * where so many are taken, something else is wrong.
 */
export function* candidates(destination: string): Generator<string> {
  yield destination
  const start = Math.max(destination.lastIndexOf("/"), destination.lastIndexOf("\\")) + 1
  for (let number = 2; number <= mostCandidates; number++) {
    yield destination.slice(0, start) + numbered(destination.slice(start), number)
  }
}

const mostCandidates = 10_000

const parts = (name: string): { readonly stem: string; readonly suffix: string } => {
  const suffix = /(?:\.tar)?\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ""
  return { stem: name.slice(0, name.length - suffix.length), suffix }
}

const shortened = (name: string): string => {
  const { stem, suffix } = parts(name)
  return cut(stem, longestBytes - encoder.encode(suffix).length) + suffix
}

const encoder = new TextEncoder()

/** As many whole characters of the text as have room. */
const cut = (text: string, roomBytes: number): string => {
  let short = ""
  let bytes = 0
  for (const character of text) {
    bytes += encoder.encode(character).length
    if (bytes > roomBytes) {
      return short
    }
    short += character
  }
  return text
}

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    // Bytes that are no UTF-8 stay as they are written.
    return segment
  }
}
