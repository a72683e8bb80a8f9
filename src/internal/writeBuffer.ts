/**
 * Small chunks, collected in memory until they are worth a write: runs of adjacent bytes by their position.
 *
 * @internal
 */

/** How many bytes more the buffers that share this may take. */
export interface Room {
  bytes: number
}

/** Adjacent bytes, the first of them at `startBytes`. */
export interface Run {
  readonly startBytes: number
  readonly bytes: Uint8Array
}

interface GrowingRun {
  readonly startBytes: number
  /** Filled up to `lengthBytes`. */
  bytes: Uint8Array
  lengthBytes: number
}

// What V8 needs for an array besides its bytes.
const overheadBytes = 256

// An array grows to this at least: a body of one-byte chunks is copied a few times in all.
const leastBytes = 1024

export class WriteBuffer {
  /** How many bytes were added. */
  sizeBytes = 0
  private runs: Array<GrowingRun> = []

  constructor(private readonly room: Room) {}

  /**
   * Copies the chunk to its position. Gives false, and takes nothing, if the buffer would hold more than `atMostBytes`,
   * there is no room in memory, or the chunk overlaps what the buffer holds.
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

  /** Empties the buffer, and gives what it held in the order of the positions' first bytes' arrival. */
  take(): ReadonlyArray<Run> {
    const taken = this.runs.map(({ bytes, lengthBytes, startBytes }) => ({
      startBytes,
      bytes: lengthBytes === bytes.length ? bytes : bytes.subarray(0, lengthBytes)
    }))
    this.clear()
    return taken
  }

  clear(): void {
    for (const { bytes } of this.runs) {
      this.room.bytes += bytes.length + overheadBytes
    }
    this.runs = []
    this.sizeBytes = 0
  }

  private begin(chunk: Uint8Array, startBytes: number): boolean {
    const takenBytes = chunk.length + overheadBytes
    if (takenBytes > this.room.bytes || this.runs.length === runsAtMost) {
      return false
    }
    this.room.bytes -= takenBytes
    // A copy: the caller may use the chunk's memory again. The `slice` of a `Buffer` would be none.
    this.runs.push({ startBytes, bytes: new Uint8Array(chunk), lengthBytes: chunk.length })
    return true
  }

  private append(run: GrowingRun, chunk: Uint8Array, atMostBytes: number): boolean {
    const lengthBytes = run.lengthBytes + chunk.length
    if (lengthBytes > run.bytes.length) {
      const grownBytes = Math.max(lengthBytes, Math.min(atMostBytes, Math.max(leastBytes, run.bytes.length * 2)))
      if (grownBytes - run.bytes.length > this.room.bytes) {
        return false
      }
      this.room.bytes -= grownBytes - run.bytes.length
      const grown = new Uint8Array(grownBytes)
      grown.set(run.bytes.subarray(0, run.lengthBytes))
      run.bytes = grown
    }
    run.bytes.set(chunk, run.lengthBytes)
    run.lengthBytes = lengthBytes
    return true
  }
}

// Each chunk is compared with all of them.
const runsAtMost = 64
