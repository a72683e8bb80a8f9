/**
 * Collects small chunks in memory until there are enough for a write, as runs of adjacent bytes.
 *
 * @internal
 */

/** The memory that the buffers of all parts of a store may still allocate. */
export interface MemoryBudget {
  leftBytes: number
}

export const makeMemoryBudget = (): MemoryBudget => ({ leftBytes: 32 * 1024 * 1024 })

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

// Minimum size of an array, so that a body of one-byte chunks is copied only a few times.
const leastBytes = 1024

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

  private begin(chunk: Uint8Array, startBytes: number): boolean {
    const takenBytes = chunk.length + overheadBytes
    if (takenBytes > this.memory.leftBytes || this.runs.length === runsAtMost) {
      return false
    }
    this.memory.leftBytes -= takenBytes
    // A copy, because the caller may reuse the chunk's memory. The `slice` of a `Buffer` would not copy.
    this.runs.push({ startBytes, bytes: new Uint8Array(chunk), lengthBytes: chunk.length })
    return true
  }

  private append(run: GrowingRun, chunk: Uint8Array, atMostBytes: number): boolean {
    const lengthBytes = run.lengthBytes + chunk.length
    if (lengthBytes > run.bytes.length) {
      const grownBytes = Math.max(lengthBytes, Math.min(atMostBytes, Math.max(leastBytes, run.bytes.length * 2)))
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
