/**
 * Bytes in memory that grow as they are written.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import type { Part } from "../../Store.js"

/** The methods of a part whose bytes are in memory. */
export const partIn = (content: GrowingBytes): Pick<Part, "reserve" | "write" | "read"> => ({
  reserve: () => Exit.void,
  write: (chunk, positionBytes) => {
    content.write(chunk, positionBytes)
    return Exit.void
  },
  read: (chunk, positionBytes) => Exit.succeed(content.read(chunk, positionBytes))
})

export class GrowingBytes {
  sizeBytes = 0
  private bytes = new Uint8Array(0)

  write(chunk: Uint8Array, positionBytes: number): void {
    const endBytes = positionBytes + chunk.length
    if (endBytes > this.bytes.length) {
      const larger = new Uint8Array(Math.max(endBytes, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
    }
    this.bytes.set(chunk, positionBytes)
    this.sizeBytes = Math.max(this.sizeBytes, endBytes)
  }

  read(into: Uint8Array, positionBytes: number): number {
    const found = this.bytes.subarray(positionBytes, Math.min(this.sizeBytes, positionBytes + into.length))
    into.set(found)
    return found.length
  }

  truncate(sizeBytes: number): void {
    this.bytes = this.bytes.slice(0, sizeBytes)
    this.sizeBytes = sizeBytes
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.sizeBytes)
  }

  /** The bytes in an array of exactly their size, which is not a copy if they fill their memory. */
  whole(): Uint8Array {
    return this.sizeBytes === this.bytes.length ? this.bytes : this.copy()
  }
}
