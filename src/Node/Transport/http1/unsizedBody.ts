/**
 * A body of which the head announces no length: it comes in chunks, or ends with its connection.
 *
 * It stands in for its exchange as the receiver of the connection, so that bodies with a length, which are most, pay
 * nothing for it.
 *
 * @internal
 */
import type { Receiver as Pushed } from "../../../Transport.js"
import { Chunked } from "./chunkedDecoder.js"
import type { Connection, Receiver } from "./connection.js"
import { closedByPeer, malformed } from "./failure.js"

/** What it asks of the exchange that it belongs to. */
export interface Owner {
  /** Whom what comes is pushed to. */
  readonly to: Pushed | undefined
  /** Nobody is pushed to any more, until there is somebody again. */
  readonly pause: (defect?: { readonly cause: unknown }) => void
  /** That was all of it. */
  readonly end: () => void
  readonly fail: (cause: unknown) => void
  /** The connection is gone. */
  readonly drop: () => void
}

type Step = "paused" | "more" | "ended" | "malformed"

export class Unmeasured implements Receiver {
  receivedBytes = 0
  private readonly chunked: Chunked | undefined
  // Copies of what came while nobody was asking, as it came, and how far the first of them was read.
  private readonly kept: Array<Uint8Array> = []
  private at = 0
  // The connection was lost while there was still something to be given.
  private lost: { readonly cause: unknown } | undefined

  constructor(
    private readonly owner: Owner,
    private readonly connection: Connection,
    framing: "chunked" | "connection",
    private readonly isVerified: boolean
  ) {
    this.chunked = framing === "chunked" ? new Chunked() : undefined
    if (this.chunked === undefined && !isVerified) {
      connection.watchEnd()
    }
  }

  onConnect(): void {}

  onBytes(buffer: Buffer, bytes: number): boolean {
    const { connection, owner } = this
    // No `Buffer`: its `slice` is no copy.
    const all = new Uint8Array(buffer.buffer, buffer.byteOffset, bytes)
    const { to } = owner
    if (to === undefined) {
      this.keep(all)
      return false
    }
    this.at = 0
    let step: Step
    try {
      step = this.read(all, (chunk) => to.onChunk(chunk) && owner.to === to)
    } catch (cause) {
      owner.pause({ cause })
      return false
    }
    const from = this.at
    this.at = 0
    switch (step) {
      case "more":
        return true
      case "ended":
        this.spoil(from < bytes)
        owner.end()
        return true
      case "malformed":
        this.refuse()
        return false
      case "paused":
        this.keep(all.subarray(from))
        owner.pause()
        if (connection.needsSpare) {
          connection.spare()
        }
        return false
    }
  }

  onLost(cause: unknown): void {
    this.owner.drop()
    if (this.kept.length > 0) {
      this.lost = { cause }
    } else {
      this.settle(cause)
    }
  }

  /** Keeps a copy for whoever asks next. */
  keep(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      this.kept.push(new Uint8Array(bytes))
    }
  }

  /** Gives what is there already; whether that paused it. */
  give(onChunk: (chunk: Uint8Array) => boolean): boolean {
    for (let bytes = this.kept[0]; bytes !== undefined; bytes = this.kept[0]) {
      const step = this.read(bytes, onChunk)
      const isRead = this.at === bytes.length
      if (isRead) {
        this.kept.shift()
        this.at = 0
      }
      switch (step) {
        case "paused":
          return true
        case "ended":
          this.spoil(this.kept.length > 0)
          this.lost = undefined
          this.owner.end()
          return false
        case "malformed":
          this.refuse()
          return false
        case "more":
      }
    }
    const { lost } = this
    if (lost !== undefined) {
      this.lost = undefined
      this.settle(lost.cause)
    }
    return false
  }

  // Reads on from `at`.
  private read(bytes: Uint8Array, onChunk: (chunk: Uint8Array) => boolean): Step {
    while (this.at < bytes.length) {
      const startBytes = this.at
      if (this.chunked === undefined) {
        this.at = bytes.length
        this.receivedBytes += bytes.length - startBytes
        return onChunk(startBytes === 0 ? bytes : bytes.subarray(startBytes)) ? "more" : "paused"
      }
      const found = this.chunked.find(bytes, startBytes)
      if (found !== "content") {
        this.at = found === "ended" ? this.chunked.endBytes : bytes.length
        return found
      }
      this.at = this.chunked.endBytes
      this.receivedBytes += this.at - this.chunked.startBytes
      if (!onChunk(bytes.subarray(this.chunked.startBytes, this.at))) {
        return "paused"
      }
    }
    return "more"
  }

  // The connection is gone, and all that came on it was given.
  private settle(cause: unknown): void {
    const { hasEnded, isEndSaid } = this.connection
    if (this.chunked === undefined && cause === undefined && hasEnded && (isEndSaid || this.isVerified)) {
      this.owner.end()
    } else {
      this.owner.fail(cause ?? closedByPeer)
    }
  }

  private refuse(): void {
    this.kept.length = 0
    this.lost = undefined
    this.connection.destroy()
    this.owner.fail(malformed)
  }

  // What follows the end is never read as the next response, and trailers may have been meant for whoever keeps the
  // connection.
  private spoil(isFollowed: boolean): void {
    this.kept.length = 0
    if (isFollowed || this.chunked?.hasTrailers === true) {
      this.connection.isSpoiled = true
    }
  }
}
