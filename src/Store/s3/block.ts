/**
 * One block of a part: a fixed range of the content, in memory or in an object of its own.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

/** The memory that the blocks of all parts of a store take. */
export interface BlockMemory {
  usedBytes: number
}

/** The object that holds a block. It is never written again: a changed block goes to another object. */
export interface StoredBlock {
  /** The name below the blocks of the part. */
  readonly name: string
  readonly etag: string
  readonly sizeBytes: number
  /** The ranges of written bytes, as pairs of start and end. The other bytes are zeros. */
  readonly written: ReadonlyArray<readonly [number, number]>
}

export class Block {
  /** Undefined if the content is in the object only, or if nothing was written. */
  bytes: Uint8Array | undefined
  /** The end of the last written byte, within the block. */
  endBytes = 0
  stored: StoredBlock | undefined
  /** True if the object has all that was written. */
  isClean = true
  /** True once all bytes of the block were written, and an upload was started. */
  wasComplete = false
  /** A number that grows with each use. */
  lastUse = 0
  /** One load or upload at a time. */
  readonly lock = Effect.unsafeMakeSemaphore(1)
  private ranges: Array<readonly [number, number]> = []
  /** The number of bytes at the start of `bytes` that an upload is reading. */
  private lentBytes = 0

  constructor(private readonly memory: BlockMemory) {}

  static restored(memory: BlockMemory, stored: StoredBlock, blockBytes: number): Block {
    const block = new Block(memory)
    block.stored = stored
    block.endBytes = stored.sizeBytes
    block.ranges = [...stored.written]
    block.wasComplete = block.writtenBytes >= blockBytes
    return block
  }

  get writtenBytes(): number {
    return this.ranges.reduce((sum, [start, end]) => sum + end - start, 0)
  }

  /** True while an upload reads the memory. */
  get isLent(): boolean {
    return this.lentBytes > 0
  }

  get isInMemory(): boolean {
    return this.bytes !== undefined || this.stored === undefined
  }

  /** The memory that a write up to this position would take in addition. */
  growthBytes(endBytes: number, blockBytes: number): number {
    const heldBytes = this.bytes?.length ?? 0
    return endBytes <= heldBytes ? 0 : capacityFor(endBytes, heldBytes, blockBytes) - heldBytes
  }

  /** Writes into the memory. Call it only if `isInMemory`. */
  write(chunk: Uint8Array, startBytes: number, blockBytes: number): void {
    const endBytes = startBytes + chunk.length
    const held = this.bytes
    if (held === undefined || endBytes > held.length) {
      this.resize(capacityFor(endBytes, held?.length ?? 0, blockBytes))
    } else if (startBytes < this.lentBytes) {
      // An upload reads these bytes, and its signature is made.
      this.resize(held.length)
    }
    this.bytes?.set(chunk, startBytes)
    this.endBytes = Math.max(this.endBytes, endBytes)
    this.isClean = false
    this.add(startBytes, endBytes)
  }

  /** Copies bytes into `into`, as zeros if they were not written. Call it only if `isInMemory`. */
  read(into: Uint8Array, startBytes: number): void {
    const found = this.bytes?.subarray(startBytes, startBytes + into.length) ?? into.subarray(0, 0)
    into.set(found)
    into.fill(0, found.length)
  }

  /** Takes the content of the object into memory. */
  load(content: Uint8Array): void {
    this.memory.usedBytes += content.length
    this.bytes = content
  }

  /** The first `sizeBytes` bytes, with zeros at the end if fewer were written. */
  content(sizeBytes: number): Uint8Array {
    if ((this.bytes?.length ?? 0) < sizeBytes) {
      this.resize(sizeBytes)
    }
    return this.bytes?.subarray(0, sizeBytes) ?? new Uint8Array(0)
  }

  /** Lends the first `sizeBytes` bytes to an upload. `settle` takes them back. */
  lend(sizeBytes: number): Uint8Array {
    const content = this.content(sizeBytes)
    this.isClean = true
    this.lentBytes = sizeBytes
    return content
  }

  /** Ends an upload. Undefined: it has failed. */
  settle(stored: StoredBlock | undefined): void {
    this.lentBytes = 0
    if (stored === undefined) {
      this.isClean = false
    } else {
      this.stored = stored
    }
  }

  get written(): ReadonlyArray<readonly [number, number]> {
    return [...this.ranges]
  }

  /** Frees the memory. Call it only if the object has the content, or if the content is not needed. */
  free(): void {
    this.memory.usedBytes -= this.bytes?.length ?? 0
    this.bytes = undefined
  }

  private resize(sizeBytes: number): void {
    const larger = new Uint8Array(sizeBytes)
    if (this.bytes !== undefined) {
      larger.set(this.bytes.subarray(0, sizeBytes))
    }
    this.memory.usedBytes += sizeBytes - (this.bytes?.length ?? 0)
    this.bytes = larger
    this.lentBytes = 0
  }

  private add(startBytes: number, endBytes: number): void {
    const last = this.ranges.at(-1)
    if (last !== undefined && last[1] === startBytes) {
      this.ranges[this.ranges.length - 1] = [last[0], endBytes]
      return
    }
    let start = startBytes
    let end = endBytes
    const apart = this.ranges.filter((range) => {
      const touches = range[0] <= end && start <= range[1]
      if (touches) {
        start = Math.min(start, range[0])
        end = Math.max(end, range[1])
      }
      return !touches
    })
    this.ranges = [...apart, [start, end] as const].sort((one, other) => one[0] - other[0])
  }
}

// Doubles, so that small chunks are not copied again and again.
const capacityFor = (endBytes: number, heldBytes: number, blockBytes: number): number =>
  Math.max(endBytes, Math.min(blockBytes, Math.max(2 * heldBytes, leastBytes)))

const leastBytes = 16 * 1024
