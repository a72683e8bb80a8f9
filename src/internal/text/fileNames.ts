/**
 * Makes a safe file name from untrusted text: one printable, visible base name that every file system accepts.
 *
 * @internal
 */
import * as DisplayUrl from "./displayUrl.js"
import { trimEnd } from "./trimEnd.js"

// Characters that separate paths or streams, are invalid in names on some system, or are invisible: controls, marks that
// reorder or hide the text around them (Unicode TR 36 §3.6), lone surrogates, blanks other than the space, and the replacement
// character for bytes that are not UTF-8.
const unsafe = /[/\\:*?"<>|\ufffd]|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]|\p{Default_Ignorable_Code_Point}|(?! )\s/gu

// Device names of Windows, whatever follows their first dot.
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i

const longestBytes = 200

const fallback = "index.html"

/** The last segment of the URL's path as a name, or `index.html` if there is none. */
export const fromUrl = (url: string): string => {
  const parsed = DisplayUrl.parse(url)
  // Text that is not a valid URL may contain a password anywhere: `user:password@host`.
  const path = parsed !== undefined && DisplayUrl.isHttp(parsed) ? parsed.pathname : ""
  const segment = path.slice(path.lastIndexOf("/") + 1)
  // The value of a parameter may be a secret: `;jsessionid=…`.
  return fromText(decode(segment.replace(/;[^;=]*=[^;]*/g, "")))
}

export const fromText = (text: string): string => {
  const plain = withPlainEnd(
    bounded(text)
      .normalize("NFC")
      .replace(unsafe, "_")
      // So that the file is not hidden and its name is not read as an option of a command.
      .replace(/^[.\-~ ]/, "_")
  ).replace(device, "_$&")
  return /^_*$/.test(plain) ? fallback : withPlainEnd(shortened(plain))
}

// Of a long text, the beginning gives the name and the end gives the suffix. The time of `normalize` grows with the square of
// the length of a run of combining marks: minutes for a million.
const bounded = (text: string): string =>
  text.length <= 2 * readAtMost ? text : text.slice(0, readAtMost) + text.slice(-readAtMost)

const readAtMost = 1024

// Windows drops dots and spaces at the end of a name.
const withPlainEnd = (text: string): string => {
  const kept = trimEnd(text, ". ")
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
  for (let number = 2; number <= maxCandidates; number++) {
    yield destination.slice(0, start) + numbered(destination.slice(start), number)
  }
}

const maxCandidates = 10_000

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
