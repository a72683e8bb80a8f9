/**
 * The lines of a state file: an entry with the name of its file, which is in the same directory.
 *
 * @internal
 */

import { unvalidated } from "../../internal/unvalidated.js"
import { Entry } from "../../Journal.js"

// A name has at most 255 bytes, and a URL of a transfer at most 64 KiB.
export const lineAtMostBytes = 256 * 1024

const start = '{"file":"'

/** The line for an entry, without its line feed. The name and the key come first: `keysOf` reads them without parsing the line. */
export const encode = (name: string, entry: Entry): string => {
  // Each field by its name: a copy of the rest of an entry takes longer than the conversion to text.
  const line: Line = {
    file: name,
    urlKey: entry.urlKey,
    id: entry.id,
    url: entry.url,
    outcome: entry.outcome,
    reason: entry.reason,
    nameFrom: entry.nameFrom,
    bytes: entry.bytes,
    modifiedMillis: entry.modifiedMillis,
    finalUrl: entry.finalUrl,
    etag: entry.etag,
    lastModified: entry.lastModified,
    digest: entry.digest,
    error: entry.error,
    atMillis: entry.atMillis
  }
  return JSON.stringify(line)
}

type Line = { readonly file: string } & {
  readonly [Name in Exclude<keyof typeof Entry.fields, "destination">]: unknown
}

export interface Keys {
  readonly name: string
  readonly urlKey: string | undefined
}

/** What `keysOf` returns for a line that a crash has cut short, and for one that is no line of a state file. */
export type NoKeys = "cut" | "damaged"

export const keysOf = (line: string): Keys | NoKeys => {
  if (!line.startsWith(start)) {
    return start.startsWith(line) ? "cut" : "damaged"
  }
  if (!line.endsWith("}")) {
    return "cut"
  }
  let end = line.indexOf('"', start.length)
  while (end > 0 && isEscaped(line, end)) {
    end = line.indexOf('"', end + 1)
  }
  const name = end < 0 ? undefined : nameOf(line.slice(start.length - 1, end + 1))
  if (name === undefined) {
    return "damaged"
  }
  const key = line.slice(end + 1, end + 1 + keyStart.length + keyLength)
  return { name, urlKey: key.startsWith(keyStart) ? key.slice(keyStart.length) : undefined }
}

const keyStart = ',"urlKey":"'

const keyLength = 64

/** Whether an odd number of backslashes stands before this place. */
const isEscaped = (text: string, at: number): boolean => {
  let first = at
  while (text[first - 1] === "\\") {
    first--
  }
  return (at - first) % 2 === 1
}

const nameOf = (quoted: string): string | undefined => {
  if (!quoted.includes("\\")) {
    return quoted.slice(1, -1)
  }
  try {
    const name: unknown = JSON.parse(quoted)
    return typeof name === "string" ? name : undefined
  } catch {
    return undefined
  }
}

const outcomes = ["Saved", "Skipped", "NotModified"] as const

/** The entry of a line; undefined if it is not valid. */
export const decode = (line: string, prefix: string): Entry | undefined => {
  const value = parse(line) ?? {}
  const text = (name: string): string | undefined => (typeof value[name] === "string" ? value[name] : undefined)
  const number = (name: string): number | undefined => (typeof value[name] === "number" ? value[name] : undefined)
  const [file, url, bytes, urlKey] = [text("file"), text("url"), number("bytes"), text("urlKey")]
  const [modifiedMillis, finalUrl, etag] = [number("modifiedMillis"), text("finalUrl"), text("etag")]
  const [lastModified, digest] = [text("lastModified"), text("digest")]
  const outcome = outcomes.find((one) => one === value["outcome"])
  if (file === undefined || url === undefined || bytes === undefined || outcome === undefined) {
    return undefined
  }
  return new Entry(
    {
      id: text("id") ?? url,
      url,
      destination: prefix + file,
      outcome,
      bytes,
      ...(value["nameFrom"] === "server" ? { nameFrom: value["nameFrom"] } : {}),
      ...(urlKey === undefined ? {} : { urlKey }),
      ...(modifiedMillis === undefined ? {} : { modifiedMillis }),
      ...(finalUrl === undefined ? {} : { finalUrl }),
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(digest === undefined ? {} : { digest }),
      atMillis: number("atMillis") ?? 0
    },
    unvalidated
  )
}

/** The object in a line; undefined if there is none. */
export const parse = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
