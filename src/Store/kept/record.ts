/**
 * The text of a record file: what the last checkpoint of a part has said.
 *
 * A line is a checksum and a JSON object. A new line never overwrites the newest one: it goes to the beginning of the file if there
 * is room before the newest line, and behind it otherwise. So the end of the process at any moment leaves one of the two, and the
 * file has the size of a few lines. A torn line does not have its checksum.
 *
 * @internal
 */

import { sha256 } from "@noble/hashes/sha2.js"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { late } from "../../internal/late.js"

export const Checkpoint = Schema.Struct({
  /** Larger than that of the line before. */
  sequence: Schema.NonNegativeInt,
  /** The name of the destination. */
  destination: Schema.String,
  key: Schema.String,
  /** The end of the last byte that was written. */
  sizeBytes: Schema.NonNegativeInt,
  /** Undefined if the bytes were synced. Otherwise they may be lost when the machine starts again. */
  boot: Schema.optional(Schema.String),
  record: Schema.String
})

export type Checkpoint = typeof Checkpoint.Type

/** A checkpoint, and where its line is. */
export interface Located {
  readonly checkpoint: Checkpoint
  readonly startBytes: number
  readonly endBytes: number
}

const decode = late(() => Schema.decodeUnknownOption(Schema.parseJson(Checkpoint)))

const newLine = 10

const checksumLength = 16

export const encode = (checkpoint: Checkpoint): Uint8Array => {
  const json = new TextEncoder().encode(JSON.stringify(checkpoint))
  const line = new Uint8Array(checksumLength + json.length + 2)
  line.set(new TextEncoder().encode(`${checksumOf(json)} `))
  line.set(json, checksumLength + 1)
  line[line.length - 1] = newLine
  return line
}

/** Where a line of this length is written. */
export const startFor = (lineBytes: number, newest: Located | undefined): number =>
  newest === undefined || newest.startBytes >= lineBytes ? 0 : newest.endBytes

/** The newest line that is whole; undefined if there is none. */
export const newestIn = (bytes: Uint8Array): Located | undefined => {
  let newest: Located | undefined
  let startBytes = 0
  while (startBytes < bytes.length) {
    const found = bytes.indexOf(newLine, startBytes)
    const endBytes = found < 0 ? bytes.length : found + 1
    const checkpoint = found < 0 ? undefined : checkpointIn(bytes.subarray(startBytes, found))
    if (checkpoint !== undefined && checkpoint.sequence >= (newest?.checkpoint.sequence ?? 0)) {
      newest = { checkpoint, startBytes, endBytes }
    }
    startBytes = endBytes
  }
  return newest
}

const checkpointIn = (line: Uint8Array): Checkpoint | undefined => {
  const json = line.subarray(checksumLength + 1)
  return new TextDecoder().decode(line.subarray(0, checksumLength)) === checksumOf(json)
    ? Option.getOrUndefined(decode(new TextDecoder().decode(json)))
    : undefined
}

const checksumOf = (bytes: Uint8Array): string => Encoding.encodeHex(sha256(bytes)).slice(0, checksumLength)
