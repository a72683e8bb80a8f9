/**
 * Reads the heads of one response: informational ones, which it counts, and the final one. A head may arrive in several reads.
 *
 * @internal
 */
import * as Failure from "../../failure.js"
import { PartialHead } from "./partialHead.js"
import * as Head from "./responseHead.js"

export class HeadReader {
  /** The number of informational responses. */
  informational = 0
  /** After a head was read: the bytes that contain it, and the end of what was received. */
  buffer: Buffer | undefined
  endBytes = 0
  // The part of a head that was received, if the head arrives in several reads.
  private partial: PartialHead | undefined
  private interimBytes = 0

  /** True if a part of a head was received. */
  get hasPart(): boolean {
    return this.partial !== undefined
  }

  /** Reads the first `bytes` of `buffer`. Keeps a copy of an incomplete head. The bytes after a head are those after its `endBytes`. */
  read(buffer: Buffer, bytes: number): Head.Head | "incomplete" | Error {
    const { partial } = this
    if (partial !== undefined && !partial.append(buffer, bytes)) {
      return "incomplete"
    }
    const all = partial?.buffer ?? buffer
    const endBytes = partial?.sizeBytes ?? bytes
    const head = Head.parse(all, endBytes, Head.headAtMostBytes - this.interimBytes)
    if (head === "incomplete") {
      if (partial === undefined) {
        this.partial = new PartialHead()
        this.partial.append(buffer, bytes)
      }
      this.partial?.parsed()
      return head
    }
    if (head instanceof Error) {
      return head
    }
    this.partial = undefined
    this.buffer = all
    this.endBytes = endBytes
    if (head.framing === "interim") {
      this.interimBytes += head.endBytes
      return ++this.informational > Failure.informationalAtMost ? Failure.tooManyInformational : head
    }
    return head
  }

  /** Forgets what was received. */
  clear(): void {
    this.partial = undefined
    this.buffer = undefined
  }
}
