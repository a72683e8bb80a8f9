/**
 * The text of a record file: what the last checkpoints of a part have said.
 *
 * A line is a checksum and a JSON object. A new line overwrites neither the newest one nor the newest synced one: it goes to the first
 * place with room. So the end of the process at any moment leaves the new line or the one before, a power cut leaves the synced one,
 * and the file has the size of a few lines. A torn line does not have its checksum.
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

export const Checkpoint = Schema.Struct({
  /** Larger than that of each line before. */
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

const decode = Schema.decodeUnknownOption(Schema.parseJson(Checkpoint))

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

/** Where a line of this length is written, so that it overwrites none of the lines to keep. */
export const startFor = (lineBytes: number, kept: ReadonlyArray<Located>): number => {
  // At the start of the file or at the end of a kept line: what stands before a kept line always ends with a newline.
  let atBytes = 0
  for (const { endBytes, startBytes } of [...kept].sort((one, other) => one.startBytes - other.startBytes)) {
    if (startBytes - atBytes >= lineBytes) {
      break
    }
    atBytes = endBytes
  }
  return atBytes
}

/** Whether a line and its bytes survive a power cut. */
export const isSynced = ({ checkpoint }: Located): boolean => checkpoint.boot === undefined

export const newestOf = (lines: ReadonlyArray<Located>): Located | undefined =>
  lines.reduce<Located | undefined>(
    (newest, line) => (newest === undefined || line.checkpoint.sequence >= newest.checkpoint.sequence ? line : newest),
    undefined
  )

/** The lines that are whole. */
export const linesIn = (bytes: Uint8Array): ReadonlyArray<Located> => {
  const lines: Array<Located> = []
  let startBytes = 0
  while (startBytes < bytes.length) {
    const found = bytes.indexOf(newLine, startBytes)
    const endBytes = found < 0 ? bytes.length : found + 1
    const checkpoint = found < 0 ? undefined : checkpointIn(bytes.subarray(startBytes, found))
    if (checkpoint !== undefined) {
      lines.push({ checkpoint, startBytes, endBytes })
    }
    startBytes = endBytes
  }
  return lines
}

const checkpointIn = (line: Uint8Array): Checkpoint | undefined => {
  const json = line.subarray(checksumLength + 1)
  return new TextDecoder().decode(line.subarray(0, checksumLength)) === checksumOf(json)
    ? Option.getOrUndefined(decode(new TextDecoder().decode(json)))
    : undefined
}

const checksumOf = (bytes: Uint8Array): string => Encoding.encodeHex(sha256(bytes)).slice(0, checksumLength)
