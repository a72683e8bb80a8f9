/**
 * Makes safe file names from untrusted text. A safe name is one visible, printable path segment that every file system accepts.
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as DisplayUrl from "./displayUrl.js"
import * as NormalizedUrl from "./normalizedUrl.js"
import { trimEnd } from "./trimEnd.js"

// Separators of paths and streams, characters that some file system refuses, and invisible characters: controls, marks that
// reorder or hide the text around them (Unicode TR 36 §3.6), lone surrogates, and blanks other than the space. U+FFFD replaces
// bytes that are not UTF-8.
const unsafeCharacter = /[/\\:*?"<>|\ufffd]|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]|\p{Default_Ignorable_Code_Point}|(?! )\s/gu

// Windows reserves these device names, with or without a suffix.
const deviceName = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i

export const maxBytes = 200

/** Whether a safe name of this text has fewer bytes than the text. */
export const isTooLong = (text: string): boolean =>
  text.length > maxBytes || encoder.encode(text.normalize("NFC")).length > maxBytes

export const fallback = "index.html"

/** Makes a name from the last segment of the URL's path. Returns `index.html` if the segment is empty or the URL is invalid. */
export const fromUrl = (url: string): string => fromText(segmentOf(url))

/** Returns the last segment of the URL's path, decoded, which is not safe. Returns "" if the URL is invalid. */
export const segmentOf = (url: string): string => {
  const path = pathOf(url)
  return decodeSegment(path.slice(path.lastIndexOf("/") + 1))
}

const pathOf = (url: string): string => {
  const origin = NormalizedUrl.originOf(url)
  if (origin !== undefined) {
    const end = url.indexOf("?", origin.length)
    return url.slice(origin.length, end < 0 ? url.length : end)
  }
  const parsed = DisplayUrl.parse(url)
  // An invalid URL may contain a password anywhere: `user:password@host`.
  return parsed !== undefined && DisplayUrl.isHttp(parsed) ? parsed.pathname : ""
}

/** Decodes a segment of a path. The value of a path parameter may be a secret, and is left out: `;jsessionid=…`. */
export const decodeSegment = (encoded: string): string => {
  const segment = encoded.replace(/;[^;=]*=[^;]*/g, "")
  return Either.getOrElse(Encoding.decodeUriComponent(segment), () => segment)
}

export const fromText = (text: string): string => {
  const name = withSafeEnd(
    withoutMiddle(text)
      .normalize("NFC")
      .replace(unsafeCharacter, "_")
      // A dot hides the file, and a command reads a name that begins with "-" as an option.
      .replace(/^[.\-~ ]/, "_")
  ).replace(deviceName, "_$&")
  return /^_*$/.test(name) ? fallback : withSafeEnd(withEnd(name, ""))
}

// `normalize` takes quadratic time for a run of combining marks: minutes for a million.
const withoutMiddle = (text: string): string =>
  text.length <= 2 * maxEndLength ? text : text.slice(0, maxEndLength) + text.slice(-maxEndLength)

const maxEndLength = 1024

// Windows drops dots and spaces at the end of a name.
const withSafeEnd = (text: string): string => {
  const trimmed = trimEnd(text, ". ")
  return trimmed.length === text.length ? text : `${trimmed}_`
}

/** Adds a number to the name, before its suffix: `name-2.tar.gz`. */
export const numbered = (name: string, number: number): string => withEnd(name, `-${number}`)

/** Adds a number to the last segment of a path. */
export const numberedPath = (path: string, number: number): string => beside(path, numbered(lastSegment(path), number))

/** Returns the last segment of a path. */
export const lastSegment = (path: string): string => path.slice(nameIndex(path))

/** Returns the path of another file in the directory of a file. */
export const beside = (path: string, name: string): string => path.slice(0, nameIndex(path)) + name

const nameIndex = (path: string): number => Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1

/** Yields 10,000 paths for one file: the destination itself, then the destination with the numbers 2, 3 and so on. */
export function* candidates(destination: string): Generator<string> {
  yield destination
  for (let number = 2; number <= maxCandidates; number++) {
    yield numberedPath(destination, number)
  }
}

const maxCandidates = 10_000

/** Returns the suffix of a name with its dot: `.gif`, `.tar.gz`, or "". */
export const suffixOf = (name: string): string => /(?:\.tar)?\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ""

/** Adds `end` before the suffix of the name, and truncates the name to `maxBytes`. */
const withEnd = (name: string, end: string): string => {
  const suffix = suffixOf(name)
  // Both are ASCII.
  const tail = end + suffix
  return truncate(name.slice(0, name.length - suffix.length), maxBytes - tail.length) + tail
}

const encoder = new TextEncoder()

/** Truncates the text between two characters. */
export const truncate = (text: string, maxBytes: number): string => {
  // A code unit is at most three bytes of UTF-8.
  if (text.length * 3 <= maxBytes) {
    return text
  }
  let bytes = 0
  let length = 0
  for (const character of text) {
    bytes += encoder.encode(character).length
    if (bytes > maxBytes) {
      return text.slice(0, length)
    }
    length += character.length
  }
  return text
}
