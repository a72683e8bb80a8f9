/**
 * The keys of a store: those of its files, and those of what it keeps beside them.
 *
 * All keys begin with the prefix of the store. Below `.halyard/` are `records/TAG-ID-GENERATION` (the last checkpoint of a part),
 * `blocks/ID/…` (its bytes) and `owners/OWNER` (the time at which a process was last alive).
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Random from "effect/Random"

/** Where the files of a store are. */
export interface Place {
  /** The beginning of all keys: empty, or with a slash at its end. */
  readonly prefix: string
  /** The beginning of the URLs of all files: `s3://BUCKET/PREFIX`. */
  readonly url: string
}

/** Why a destination is no key, or its key. */
export const keyOf = (
  { prefix, url }: Place,
  destination: string
): { readonly key: string } | { readonly problem: string } => {
  const isUrl = destination.startsWith("s3://")
  if (isUrl && !destination.startsWith(url)) {
    return { problem: `the store writes below ${url}` }
  }
  const relative = isUrl ? destination.slice(url.length) : destination.replace(/^(?:\.?\/)+/, "")
  const segments = relative.split("/")
  if (relative === "" || relative.endsWith("/")) {
    return { problem: "a key must have a name at its end" }
  }
  // A URL cannot have these segments: the client would remove them, and the key would be another one.
  if (segments.some((segment) => segment === "." || segment === "..")) {
    return { problem: "a key must not have . or .. between slashes" }
  }
  if (segments[0] === area) {
    return { problem: `keys below ${area}/ are those of unfinished files` }
  }
  return { key: prefix + relative }
}

const area = ".halyard"

export const records = (prefix: string): string => `${prefix}${area}/records/`

export const blocks = (prefix: string, id: string): string => `${prefix}${area}/blocks/${id}/`

export const allBlocks = (prefix: string): string => `${prefix}${area}/blocks/`

export const owners = (prefix: string): string => `${prefix}${area}/owners/`

/** Names the parts of a destination and a key. */
export const tagOf = (destination: string, key: string): string =>
  Encoding.encodeHex(sha256(new TextEncoder().encode(JSON.stringify([destination, key])))).slice(0, 32)

/** The name of a record. The part with the highest generation is the one that counts. */
export const recordName = (tag: string, id: string, generation: number): string => `${tag}-${id}-${generation}`

export interface RecordName {
  readonly tag: string
  readonly id: string
  readonly generation: number
}

export const parseRecordName = (name: string): RecordName | undefined => {
  const [, tag, id, generation] = /^([0-9a-f]{32})-([0-9a-f]{24})-(\d{1,9})$/.exec(name) ?? []
  return tag === undefined || id === undefined ? undefined : { tag, id, generation: Number(generation) }
}

/** A new name, which no other process draws: 96 random bits. */
export const draw: Effect.Effect<string> = Effect.map(
  Effect.forEach([0, 1, 2, 3], () => Random.nextIntBetween(0, 2 ** 24)),
  (numbers) => numbers.map((number) => number.toString(16).padStart(6, "0")).join("")
)
