/**
 * A connection and its receive buffers.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { standstillMillis } from "../../../engine/deadlines.js"
import type { ConnectionInfo } from "../../../Transport.js"
import { AfterHandshake, ConnectTimeout } from "../failure.js"
import type { Connect, NewConnection, Target, Wire } from "../sockets.js"

/** Reads what the connection receives. */
export interface Reader {
  readonly onConnect: () => void
  /** The first `bytes` of `buffer` were received. False pauses the connection. */
  readonly onBytes: (buffer: Buffer, bytes: number) => boolean
  /** The connection is closed. The cause is undefined if it was closed without an error. */
  readonly onLost: (cause: unknown) => void
}

const smallBytes = 64 * 1024
const largeBytes = 512 * 1024

/** Large buffers that are not in use. A long body is received into a large buffer. */
export class Buffers {
  private readonly free: Array<Buffer> = []

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(largeBytes)
  }

  give(buffer: Buffer): void {
    if (this.free.length < freeAtMost) {
      this.free.push(buffer)
    }
  }
}

const freeAtMost = 16

export class Connection {
  /** The number of responses that were read to their end. */
  served = 0
  /** When an idle connection expires, on the clock of `performance.now()`. */
  expiresAtMillis = 0
  /** Undefined until it is connected. */
  made: NewConnection | undefined
  /** The connection was ended, here or by the server. */
  isLost = false
  /** The connection must not be used for another request. */
  mustClose = false
  /** The server may send responses that are not wanted any more. */
  private isCut = false
  /** Whether the server has ended the connection, without a network failure, and whether it has sent `close_notify`. */
  hasEnded = false
  isEndAnnounced = false
  reader: Reader | undefined
  private isClosed = false
  private isPaused = false
  private isReferenced = true
  private readonly onClosed: Array<() => void> = []
  private readonly wire: Wire
  // The system writes into `current`: one of the two small buffers, or the large one.
  private readonly first: Buffer = Buffer.allocUnsafeSlow(smallBytes)
  private second: Buffer | undefined
  private large: Buffer | undefined
  private current: Buffer = this.first
  private timer: NodeJS.Timeout | undefined
  private afterPoll: NodeJS.Immediate | undefined

  constructor(
    /** Identifies the connection within its client. */
    readonly id: number,
    connect: Connect,
    private readonly target: Target,
    connectMillis: number,
    private readonly buffers: Buffers,
    private readonly events: {
      readonly onStray: () => void
      readonly onLost: () => void
      readonly onClosed: () => void
    }
  ) {
    this.startTimer(connectMillis)
    this.wire = connect(target, {
      onConnect: (made) => {
        this.stopTimer()
        this.made = made
        if (!this.isLost) {
          this.reader?.onConnect()
        }
      },
      nextBuffer: () => this.current,
      onData: (bytes) => {
        if (this.isLost) {
          return false
        }
        if (this.reader === undefined) {
          this.onStray()
          this.lose(undefined)
          return false
        }
        const isMore = this.reader.onBytes(this.current, bytes)
        this.isPaused = !isMore
        return isMore
      },
      onEnd: (isAnnounced) => {
        this.hasEnded = true
        this.isEndAnnounced = isAnnounced
        this.lose(undefined)
      },
      onError: (cause) => this.lose(this.isConnected ? new AfterHandshake(cause) : cause),
      onClose: () => {
        this.lose(undefined)
        this.isClosed = true
        this.events.onClosed()
        for (const resume of this.onClosed.splice(0)) {
          resume()
        }
      }
    })
  }

  /** Undefined until it is connected. */
  info(isReused: boolean): ConnectionInfo | undefined {
    if (this.made === undefined) {
      return undefined
    }
    const { connectMillis, lookupMillis, remoteAddress, tlsMillis } = this.made
    const times = isReused ? notMade : { connectMillis, lookupMillis, tlsMillis }
    return { id: this.id, isReused, remoteAddress, ...times }
  }

  get isConnected(): boolean {
    return this.made !== undefined
  }

  /**
   * Writes the head of a request, and its body, at the end of this turn. Fibers that continue in one turn send their requests together, and the
   * server is woken once for all of them. With a wake for each request, small files take 8 % longer.
   */
  write(head: string, body: Uint8Array | undefined): void {
    process.nextTick(() => {
      if (!this.isLost) {
        this.wire.write(head, body)
      }
    })
  }

  /** Writes several requests at once. */
  send(heads: string): void {
    this.wire.write(heads, undefined)
  }

  /** After the response that is being received, the server may send others that are not wanted any more. */
  cut(): void {
    this.mustClose = true
    this.isCut = true
  }

  /** Call it if bytes follow a response. They are not read as the next response. */
  onStray(): void {
    this.mustClose = true
    if (!this.isCut) {
      this.events.onStray()
    }
  }

  /** Continues after a pause. */
  resume(): void {
    if (this.isPaused && !this.isLost) {
      this.isPaused = false
      this.wire.resume()
    }
  }

  /** From now on, `isEndAnnounced` shows whether the end of a TLS connection was announced by `close_notify`. */
  watchEnd(): void {
    this.wire.watchEnd()
  }

  /** Whether the connection keeps the process alive. */
  ref(isReferenced: boolean): void {
    if (this.isReferenced !== isReferenced) {
      this.isReferenced = isReferenced
      this.wire.ref(isReferenced)
    }
  }

  /** Inside `onBytes`, which then returns false: does not change the received bytes until the connection is resumed. */
  keepBytes(): void {
    if (!this.wire.stopsAtOnce) {
      this.second ??= Buffer.allocUnsafeSlow(smallBytes)
      this.current = this.current === this.first ? this.second : this.first
    }
  }

  /** Inside `onBytes`, after all received bytes were read: so many bytes of the body are still to come. */
  expect(bytes: number): void {
    if (bytes >= largeFromBytes && this.current !== this.large && this.wire.stopsAtOnce) {
      this.large ??= this.buffers.take()
      this.current = this.large
    }
  }

  /** Inside `onBytes`, after the last byte of a body: the next response is received into a small buffer. */
  endBody(): void {
    if (this.current === this.large) {
      this.current = this.first
    }
  }

  /** After `endBody`, when the received bytes are not used any more. */
  returnLarge(): void {
    if (this.large !== undefined) {
      this.buffers.give(this.large)
      this.large = undefined
    }
  }

  /** Ends the connection without a call of the reader. */
  destroy(): void {
    this.reader = undefined
    this.lose(undefined)
  }

  /** Ends the connection, and calls the reader. */
  abort(cause: unknown): void {
    this.lose(cause)
  }

  /** Suspends until the socket is closed. */
  readonly awaitClosed: Effect.Effect<void> = Effect.async((resume) => {
    if (this.isClosed) {
      resume(Effect.void)
    } else {
      this.onClosed.push(() => resume(Effect.void))
    }
  })

  // Fails a connection that is not made in this time. The time is counted in parts, so a standstill of the process counts as at
  // most one part. It ends only after the event loop has polled, so that events received in the meantime count.
  private startTimer(leftMillis: number): void {
    const partMillis = Math.min(leftMillis, timerPartMillis)
    const dueAt = performance.now() + partMillis
    // Real time, because it limits the network, and no fiber waits for it. Ends with the connection.
    this.timer = setTimeout(() => {
      const hasStoodStill = performance.now() > dueAt + standstillMillis
      this.afterPoll = setImmediate(() => {
        const moreMillis = leftMillis - partMillis + (hasStoodStill ? partMillis : 0)
        if (moreMillis > 0) {
          this.startTimer(moreMillis)
        } else {
          this.lose(new ConnectTimeout(this.target.proxy?.server))
        }
      })
    }, partMillis)
  }

  private stopTimer(): void {
    clearTimeout(this.timer)
    clearImmediate(this.afterPoll)
  }

  private lose(cause: unknown): void {
    if (this.isLost) {
      return
    }
    this.isLost = true
    this.stopTimer()
    // The wire exists: none of its events comes before it has returned.
    this.wire.destroy()
    const { reader } = this
    this.reader = undefined
    this.events.onLost()
    reader?.onLost(cause)
  }
}

const timerPartMillis = 1000

const notMade = { lookupMillis: undefined, connectMillis: undefined, tlsMillis: undefined }

// The size from which a body is long. A shorter one takes only a few reads into a small buffer.
const largeFromBytes = 256 * 1024
