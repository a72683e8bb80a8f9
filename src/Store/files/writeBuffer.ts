/**
 * Collects small chunks in memory until there are enough for a write, as runs of adjacent bytes.
 *
 * @internal
 */

/** The memory of the buffers of all parts of a store. */
export interface MemoryBudget {
  /** What the buffers may still take. */
  leftBytes: number
  /** Arrays for small bodies that no buffer uses: to allocate one takes longer than to copy a body into it. */
  readonly spare: Array<Uint8Array>
}

export const makeMemoryBudget = (): MemoryBudget => ({ leftBytes: 32 * 1024 * 1024, spare: [] })

const spareBytes = 16 * 1024

const spareAtMost = 64

/** Adjacent bytes, the first of them at `startBytes`. */
export interface Buffered {
  readonly startBytes: number
  readonly bytes: Uint8Array
}

interface GrowingRun {
  readonly startBytes: number
  /** Filled up to `lengthBytes`. */
  bytes: Uint8Array
  lengthBytes: number
}

// The memory of an array in V8 in addition to its bytes.
const overheadBytes = 256

export class WriteBuffer {
  /** The number of bytes in the buffer. */
  sizeBytes = 0
  private runs: Array<GrowingRun> = []

  constructor(private readonly memory: MemoryBudget) {}

  /**
   * Copies the chunk to its position. Returns false and takes nothing if the buffer would hold more than `atMostBytes`, if
   * the memory budget is used up, or if the chunk overlaps bytes in the buffer.
   */
  add(chunk: Uint8Array, positionBytes: number, atMostBytes: number): boolean {
    if (this.sizeBytes + chunk.length > atMostBytes) {
      return false
    }
    const endBytes = positionBytes + chunk.length
    let found: GrowingRun | undefined
    for (const run of this.runs) {
      const runEndBytes = run.startBytes + run.lengthBytes
      if (runEndBytes === positionBytes) {
        found = run
      } else if (positionBytes < runEndBytes && run.startBytes < endBytes) {
        return false
      }
    }
    if (found === undefined ? !this.begin(chunk, positionBytes) : !this.append(found, chunk, atMostBytes)) {
      return false
    }
    this.sizeBytes += chunk.length
    return true
  }

  /** Empties the buffer and returns its runs, in the order in which their first bytes arrived. */
  take(): ReadonlyArray<Buffered> {
    const taken = this.runs.map(({ bytes, lengthBytes, startBytes }) => ({
      startBytes,
      bytes: lengthBytes === bytes.length ? bytes : bytes.subarray(0, lengthBytes)
    }))
    this.clear()
    return taken
  }

  clear(): void {
    for (const { bytes } of this.runs) {
      this.memory.leftBytes += bytes.length + overheadBytes
    }
    this.runs = []
    this.sizeBytes = 0
  }

  /** Takes back the memory of runs that are written. */
  reuse(written: ReadonlyArray<Buffered>): void {
    const { spare } = this.memory
    for (const { bytes } of written) {
      if (bytes.buffer.byteLength === spareBytes && spare.length < spareAtMost) {
        spare.push(new Uint8Array(bytes.buffer))
      }
    }
  }

  private begin(chunk: Uint8Array, startBytes: number): boolean {
    const { memory } = this
    const arrayBytes = Math.max(chunk.length, spareBytes)
    if (arrayBytes + overheadBytes > memory.leftBytes || this.runs.length === runsAtMost) {
      return false
    }
    memory.leftBytes -= arrayBytes + overheadBytes
    // A copy, because the caller may reuse the chunk's memory.
    const bytes = (arrayBytes === spareBytes ? memory.spare.pop() : undefined) ?? new Uint8Array(arrayBytes)
    bytes.set(chunk)
    this.runs.push({ startBytes, bytes, lengthBytes: chunk.length })
    return true
  }

  private append(run: GrowingRun, chunk: Uint8Array, atMostBytes: number): boolean {
    const lengthBytes = run.lengthBytes + chunk.length
    if (lengthBytes > run.bytes.length) {
      const grownBytes = Math.max(lengthBytes, Math.min(atMostBytes, run.bytes.length * 2))
      if (grownBytes - run.bytes.length > this.memory.leftBytes) {
        return false
      }
      this.memory.leftBytes -= grownBytes - run.bytes.length
      const grown = new Uint8Array(grownBytes)
      grown.set(run.bytes.subarray(0, run.lengthBytes))
      run.bytes = grown
    }
    run.bytes.set(chunk, run.lengthBytes)
    run.lengthBytes = lengthBytes
    return true
  }
}

// Each chunk is compared with all runs.
const runsAtMost = 64
