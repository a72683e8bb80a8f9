/**
 * What earlier attempts of a transfer have received: the part, its digest, and what is known of the version it is of.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { DownloadRequest } from "../Download.js"
import type { Disk } from "../DownloadError.js"
import type { Hash, Hasher } from "../Hasher.js"
import { begin, type Part, type ReadyPart, type Store } from "../Store.js"
import type { Expected } from "./digest.js"

export class Kept {
  part: Part | undefined
  /** Removes what was not published. */
  discard: Effect.Effect<void> = Effect.void
  validator: string | undefined
  totalBytes: number | undefined
  /** Whether the part has bytes of more than one response. */
  resumed = false
  private hash: Hash | undefined
  private hashedBytes = 0

  constructor(
    private readonly request: DownloadRequest,
    private readonly expected: Expected | undefined,
    private readonly hasher: typeof Hasher.Service
  ) {
    this.hash = expected === undefined ? undefined : hasher.make(expected.algorithm)
  }

  get bytes(): number {
    return this.part?.sizeBytes() ?? 0
  }

  /**
   * From where the next attempt goes on: 0 where it has to start over, because nothing would show that the rest is of
   * another version.
   */
  resumeAt(): number {
    const bytes = this.bytes
    const isGuarded = this.validator !== undefined || (this.expected !== undefined && this.totalBytes !== undefined)
    // A write that was given up in between leaves the part and its digest apart.
    const isWhole = bytes === this.hashedBytes
    return isGuarded && isWhole && bytes < (this.totalBytes ?? Number.POSITIVE_INFINITY) ? bytes : 0
  }

  /** Makes the next attempt start over. */
  forget(): void {
    this.validator = undefined
    this.totalBytes = undefined
    this.hashedBytes = Number.NaN
  }

  /** Opens the part, or empties the one that there is. */
  begin(store: typeof Store.Service): Effect.Effect<Part, Disk> {
    return Effect.suspend(() => {
      this.resumed = false
      this.hashedBytes = 0
      this.hash = this.expected === undefined ? undefined : this.hasher.make(this.expected.algorithm)
      const { part } = this
      if (part !== undefined) {
        return Effect.as(part.restart, part)
      }
      const own = begin(store, this.request.destination)
      // An opening that was interrupted may have left something.
      this.discard = this.discard === Effect.void ? own.discard : Effect.zipRight(this.discard, own.discard)
      return Effect.map(own.part, (opened) => {
        this.part = opened
        return opened
      })
    })
  }

  /** Takes a part that is there, as the first one. */
  adopt(part: ReadyPart): void {
    this.part = part
    this.discard = part.discard
  }

  take(part: Part, chunk: Uint8Array): Effect.Effect<void, Disk> | undefined {
    this.hash?.update(chunk)
    this.hashedBytes += chunk.length
    return part.write(chunk)
  }

  /** In hexadecimal digits; to be asked once, when all is there. */
  digest(): string | undefined {
    const bytes = this.hash?.digest()
    this.hash = undefined
    return bytes === undefined ? undefined : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  }
}
