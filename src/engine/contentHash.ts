/**
 * The digest of a content, computed while its bytes are written.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Exit from "effect/Exit"
import type { Disk } from "../DownloadError.js"
import type { Algorithm, Hash, Hasher } from "../Hasher.js"
import type { Part } from "../Store.js"

const readBytes = 1024 * 1024

export class ContentHash {
  private readonly hash: Hash
  private hashedBytes = 0

  constructor(
    hasher: typeof Hasher.Service,
    readonly algorithm: Algorithm
  ) {
    this.hash = hasher.make(algorithm)
  }

  /** Adds the bytes that were written, if they follow the last ones. */
  wrote(positionBytes: number, chunk: Uint8Array): void {
    if (positionBytes === this.hashedBytes) {
      this.hash.update(chunk)
      this.hashedBytes += chunk.length
    }
  }

  /** Adds the bytes that were not written in order. Interruptible between two reads, because it may take long. */
  readBack(part: Part, endBytes: number): Effect.Effect<void, Disk> {
    const { hash } = this
    if (this.hashedBytes === endBytes) {
      return Exit.void
    }
    const buffer = new Uint8Array(Math.min(readBytes, endBytes - this.hashedBytes))
    const more: Effect.Effect<void, Disk> = Effect.suspend(() => {
      const leftBytes = endBytes - this.hashedBytes
      return leftBytes === 0
        ? Effect.void
        : Effect.flatMap(part.read(buffer.subarray(0, leftBytes), this.hashedBytes), (bytes) => {
            if (bytes === 0) {
              return Effect.dieMessage("a part ends before the bytes that were written to it")
            }
            hash.update(buffer.subarray(0, bytes))
            this.hashedBytes += bytes
            return more
          })
    })
    return Effect.interruptible(more)
  }

  /** The digest in hexadecimal digits. Call it once, when all bytes are in the part. */
  digest(): string {
    return Encoding.encodeHex(this.hash.digest())
  }
}
