/**
 * Finds the content in the bytes of a body, which ends after its length, after its last chunk, or with its connection
 * (RFC 9112 §6.3).
 *
 * @internal
 */
import { Chunked } from "./chunkedDecoder.js"
import type { Head } from "./responseHead.js"

export class BodyReader {
  /** Infinite if the head announces no length. */
  readonly lengthBytes: number
  /** The content that was found so far. */
  receivedBytes = 0
  /** The end of the body was found. */
  isWhole: boolean
  /** The content that `find` has found. The next call starts at its end. */
  startBytes = 0
  endBytes = 0
  private readonly chunked: Chunked | undefined

  constructor({ framing, lengthBytes }: Head) {
    this.lengthBytes = framing === "length" ? lengthBytes : Number.POSITIVE_INFINITY
    this.isWhole = this.lengthBytes === 0
    this.chunked = framing === "chunked" ? new Chunked() : undefined
  }

  /** True if the body does not end with its connection. */
  get isFramed(): boolean {
    return this.chunked !== undefined || this.lengthBytes !== Number.POSITIVE_INFINITY
  }

  get hasTrailers(): boolean {
    return this.chunked?.hasTrailers === true
  }

  /** Finds the next content, from `at` on. `framing`: there is none before `endBytes`. */
  find(bytes: Uint8Array, at: number): "content" | "framing" | "malformed" {
    const { chunked } = this
    if (chunked === undefined) {
      this.startBytes = at
      this.endBytes = Math.min(bytes.length, at + this.lengthBytes - this.receivedBytes)
    } else {
      const found = chunked.find(bytes, at)
      if (found === "malformed") {
        return found
      }
      this.endBytes = found === "more" ? bytes.length : chunked.endBytes
      this.isWhole = found === "ended"
      if (found !== "content") {
        return "framing"
      }
      this.startBytes = chunked.startBytes
    }
    this.receivedBytes += this.endBytes - this.startBytes
    this.isWhole = this.receivedBytes === this.lengthBytes
    return "content"
  }
}
