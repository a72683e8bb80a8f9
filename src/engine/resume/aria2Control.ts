/**
 * Reads the control file of aria2: which pieces of the file beside it are there.
 *
 * Its form is in the technical notes of aria2's manual. Version 1 has numbers in network byte order, and version 0 in that of the
 * machine that wrote it, so version 0 is not read.
 *
 * @internal
 */
import type { Range } from "../segments/rangeMap.js"

export interface Control {
  readonly totalBytes: number
  /** The ranges that are there, in ascending order. */
  readonly ranges: ReadonlyArray<Range>
}

/** The path of the control file of a file. aria2 removes it when the file is complete. */
export const pathOf = (file: string): string => `${file}.aria2`

// The pieces that are being received have a bit for each block of this size.
const blockBytes = 16 * 1024

/** Returns undefined if the bytes are not a whole control file. */
export const parse = (bytes: Uint8Array): Control | undefined => {
  const reader = new Reader(bytes)
  const version = reader.number(2)
  reader.skip(4)
  reader.skip(reader.number(4))
  const pieceBytes = reader.number(4)
  const totalBytes = reader.number(8)
  reader.skip(8)
  const pieces = reader.take(reader.number(4))
  const written: Array<Range> = []
  const addBits = (bits: Uint8Array, startBytes: number, unitBytes: number, endBytes: number): void => {
    for (let index = 0; index < bits.length * 8; index++) {
      const from = startBytes + index * unitBytes
      if (((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0 && from < endBytes) {
        written.push({ startBytes: from, endBytes: Math.min(endBytes, from + unitBytes) })
      }
    }
  }
  if (version !== 1 || pieceBytes === 0 || pieces.length !== Math.ceil(Math.ceil(totalBytes / pieceBytes) / 8)) {
    return undefined
  }
  addBits(pieces, 0, pieceBytes, totalBytes)
  for (let left = reader.number(4); left > 0 && !reader.isShort; left--) {
    const startBytes = reader.number(4) * pieceBytes
    const endBytes = Math.min(totalBytes, startBytes + reader.number(4))
    addBits(reader.take(reader.number(4)), startBytes, blockBytes, endBytes)
  }
  return reader.isShort ? undefined : { totalBytes, ranges: written.sort((a, b) => a.startBytes - b.startBytes) }
}

class Reader {
  /** True if more was read than there is. */
  isShort = false
  private position = 0

  constructor(private readonly bytes: Uint8Array) {}

  take(length: number): Uint8Array {
    this.isShort ||= length > this.bytes.length - this.position
    const taken = this.isShort ? new Uint8Array() : this.bytes.subarray(this.position, this.position + length)
    this.position += taken.length
    return taken
  }

  skip(length: number): void {
    this.take(length)
  }

  number(length: number): number {
    return this.take(length).reduce((sum, byte) => sum * 256 + byte, 0)
  }
}
