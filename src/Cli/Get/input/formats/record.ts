/**
 * Reads the fields of an item that is a record with names: an object of NDJSON, or a row of a table.
 */
import * as Either from "effect/Either"
import { joinValues } from "../../../../Download/requestHeaders.js"
import * as Digest from "../../../../internal/digest.js"
import type { Fields } from "../item.js"

type Meaning = "url" | "name" | "directory" | "checksum" | "size" | "headers" | "mirrors"

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["url", "url"],
  ["uri", "url"],
  ["name", "name"],
  ["out", "name"],
  ["filename", "name"],
  ["dir", "directory"],
  ["directory", "directory"],
  ["checksum", "checksum"],
  ["digest", "checksum"],
  ["integrity", "checksum"],
  ["size", "size"],
  ["bytes", "size"],
  ["header", "headers"],
  ["headers", "headers"],
  ["mirror", "mirrors"],
  ["mirrors", "mirrors"]
])

/** The meaning of a key, in any case. A key with the name of an algorithm has a checksum in hexadecimal digits. */
const meaningOf = (key: string): Meaning | undefined => {
  const name = key.trim().toLowerCase()
  return meanings.get(name) ?? (Digest.algorithmOf(name) === undefined ? undefined : "checksum")
}

export const isUrlKey = (key: string): boolean => meaningOf(key) === "url"

export interface Read {
  readonly url: string
  readonly fields: Fields
}

/** Reads an item, or returns what is wrong with it. Empty values count as absent. */
export const read = (
  entries: Iterable<readonly [key: string, value: unknown]>,
  onIgnored: (key: string) => void
): Either.Either<Read, string> => {
  const found: Partial<Record<Meaning, { readonly key: string; readonly value: unknown }>> = {}
  const checksums: Array<string> = []
  for (const [key, value] of entries) {
    const meaning = meaningOf(key)
    if (meaning === undefined) {
      onIgnored(key)
    } else if (value === undefined || value === null || value === "") {
      // Absent.
    } else if (meaning === "checksum" && typeof value === "string") {
      const algorithm = Digest.algorithmOf(key.trim())
      checksums.push(algorithm === undefined || /[:=-]/.test(value) ? value : `${algorithm}:${value.trim()}`)
    } else if (found[meaning] !== undefined) {
      return Either.left(`it has both ${found[meaning].key} and ${key}`)
    } else {
      found[meaning] = { key, value }
    }
  }
  const { directory, headers, mirrors, name, size, url } = found
  if (url === undefined) {
    return Either.left("it has no url")
  }
  const wrong = [url, name, directory, found.checksum].find((it) => it !== undefined && typeof it.value !== "string")
  if (wrong !== undefined) {
    return Either.left(`${wrong.key} is not a string`)
  }
  const sizeBytes = size === undefined ? undefined : sizeOf(size.value)
  if (Number.isNaN(sizeBytes)) {
    return Either.left(`${size?.key} is not a whole number of bytes`)
  }
  const given = headers === undefined ? undefined : headersOf(headers.value)
  if (headers !== undefined && given === undefined) {
    return Either.left(`${headers.key} is neither an object of strings nor a list of NAME:VALUE`)
  }
  const others = mirrors === undefined ? undefined : textsOf(mirrors.value, /\s/)
  if (mirrors !== undefined && others === undefined) {
    return Either.left(`${mirrors.key} is not a list of URLs`)
  }
  return Either.right({
    url: textOf(url.value),
    fields: {
      name: name && textOf(name.value),
      directory: directory && textOf(directory.value),
      checksum: checksums.length === 0 ? undefined : checksums.join(" "),
      sizeBytes,
      headers: given,
      mirrors: others
    }
  })
}

const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "")

const sizeOf = (value: unknown): number => {
  const number = typeof value === "string" && /^\s*\d{1,16}\s*$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : Number.NaN
}

/** A list of texts, or one text with several parts. */
const textsOf = (value: unknown, separator: RegExp): ReadonlyArray<string> | undefined => {
  const texts: ReadonlyArray<unknown> | undefined = Array.isArray(value)
    ? value
    : typeof value === "string"
      ? value.split(separator)
      : undefined
  return texts?.every((text) => typeof text === "string")
    ? texts.flatMap((text) => (text.trim() === "" ? [] : [text.trim()]))
    : undefined
}

/** An object of strings, or lines of NAME:VALUE. */
const headersOf = (value: unknown): Readonly<Record<string, string>> | undefined => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const pairs: ReadonlyArray<readonly [string, unknown]> = Object.entries(value)
    const texts = pairs.flatMap(([name, text]) => (typeof text === "string" ? [[name, text] as const] : []))
    return texts.length === pairs.length ? joinValues(texts) : undefined
  }
  const lines = textsOf(value, /\n/)
  return lines?.every((line) => line.indexOf(":") > 0)
    ? joinValues(
        lines.map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()])
      )
    : undefined
}
