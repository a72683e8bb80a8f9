/**
 * A connection and its receive buffers.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { standstillMillis } from "../../../engine/deadlines.js"
import type { Connect, Target, Wire } from "../sockets.js"
import { AfterHandshake, ConnectTimeout } from "./failure.js"

/** Who is told of what comes. */
export interface Receiver {
  readonly onConnect: () => void
  /** Bytes in `buffer`, up to `bytes`; false pauses. */
  readonly onBytes: (buffer: Buffer, bytes: number) => boolean
  /** The connection is of no use any more; undefined: it ended as connections end. */
  readonly onLost: (cause: unknown) => void
}

const smallBytes = 64 * 1024
const largeBytes = 512 * 1024

/** Large buffers that nobody uses now: a long body is received into one. */
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
  /** Responses that were read to their end. */
  served = 0
  /** On the clock of `performance.now()`, while it is idle. */
  expiresAtMillis = 0
  isConnected = false
  /** Of no use any more. */
  isLost = false
  /** Not to be used for another request. */
  isSpoiled = false
  /** Whether the server has ended the connection, without a network failure, and whether it has sent `close_notify`. */
  hasEnded = false
  isEndSaid = false
  receiver: Receiver | undefined
  private isClosed = false
  private isPaused = false
  private isHeld = true
  private readonly onClosed: Array<() => void> = []
  private readonly wire: Wire
  // One of the two small ones, or the large one, is what the system writes into.
  private readonly first: Buffer = Buffer.allocUnsafeSlow(smallBytes)
  private second: Buffer | undefined
  private large: Buffer | undefined
  private current: Buffer = this.first
  private timer: NodeJS.Timeout | undefined
  private verdict: NodeJS.Immediate | undefined

  constructor(
    connect: Connect,
    target: Target,
    connectMillis: number,
    private readonly buffers: Buffers,
    private readonly tell: { readonly lost: () => void; readonly closed: () => void }
  ) {
    this.bound(connectMillis)
    this.wire = connect(target, {
      onConnect: () => {
        this.unbound()
        this.isConnected = true
        if (!this.isLost) {
          this.receiver?.onConnect()
        }
      },
      nextBuffer: () => this.current,
      onData: (bytes) => {
        if (this.isLost) {
          return false
        }
        if (this.receiver === undefined) {
          // What nobody asked for is never read as an answer.
          this.lose(undefined)
          return false
        }
        const isMore = this.receiver.onBytes(this.current, bytes)
        this.isPaused = !isMore
        return isMore
      },
      onEnd: (isSaid) => {
        this.hasEnded = true
        this.isEndSaid = isSaid
        this.lose(undefined)
      },
      onError: (cause) => this.lose(this.isConnected ? new AfterHandshake(cause) : cause),
      onClose: () => {
        this.lose(undefined)
        this.isClosed = true
        this.tell.closed()
        for (const resume of this.onClosed.splice(0)) {
          resume()
        }
      }
    })
  }

  write(latin1: string): void {
    this.wire.write(latin1)
  }

  /** Goes on after a pause. */
  resume(): void {
    if (this.isPaused && !this.isLost) {
      this.isPaused = false
      this.wire.resume()
    }
  }

  /** From now on, `isEndSaid` shows whether the end of a TLS connection was announced by `close_notify`. */
  watchEnd(): void {
    this.wire.watchEnd()
  }

  /** Whether it keeps the process alive. */
  hold(isHeld: boolean): void {
    if (this.isHeld !== isHeld) {
      this.isHeld = isHeld
      this.wire.hold(isHeld)
    }
  }

  /** Inside `onBytes`: what comes next goes elsewhere, because somebody still reads what came. */
  spare(): void {
    this.second ??= Buffer.allocUnsafeSlow(smallBytes)
    this.current = this.current === this.first ? this.second : this.first
  }

  /** Inside `onBytes`, when nobody reads any more what came: so many bytes are still to come. */
  expect(bytes: number): void {
    if (bytes >= largeFromBytes && this.current !== this.large && this.wire.stopsAtOnce) {
      this.large ??= this.buffers.take()
      this.current = this.large
    } else if (bytes === 0 && this.large !== undefined) {
      const { large } = this
      if (this.current === large) {
        this.current = this.first
      }
      this.large = undefined
      this.buffers.give(large)
    }
  }

  /**
   * Inside `onBytes`, when nothing more is to come and somebody still reads what came: the large buffer is given to
   * others as soon as that is over, and the system has long been told by then where the next response goes.
   */
  leaveLarge(): void {
    if (this.current === this.large) {
      this.current = this.first
    }
  }

  /** Whether what was received must be moved out of the way of what comes after a pause. */
  get needsSpare(): boolean {
    return !this.wire.stopsAtOnce
  }

  /** Ends it; nobody is told. */
  destroy(): void {
    this.receiver = undefined
    this.lose(undefined)
  }

  /** Ends it, and tells whoever is being served. */
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
  private bound(leftMillis: number): void {
    const partMillis = Math.min(leftMillis, boundPartMillis)
    const dueAt = performance.now() + partMillis
    // Real time, because it limits the network, and no fiber waits for it. Ends with the connection.
    this.timer = setTimeout(() => {
      const hasStoodStill = performance.now() > dueAt + standstillMillis
      this.verdict = setImmediate(() => {
        const moreMillis = leftMillis - partMillis + (hasStoodStill ? partMillis : 0)
        if (moreMillis > 0) {
          this.bound(moreMillis)
        } else {
          this.lose(new ConnectTimeout())
        }
      })
    }, partMillis)
  }

  private unbound(): void {
    clearTimeout(this.timer)
    clearImmediate(this.verdict)
  }

  private lose(cause: unknown): void {
    if (this.isLost) {
      return
    }
    this.isLost = true
    this.unbound()
    // While the wire is made nothing can be lost but by its own events, which come later.
    this.wire.destroy()
    const { receiver } = this
    this.receiver = undefined
    this.tell.lost()
    receiver?.onLost(cause)
  }
}

const boundPartMillis = 1000

// A long body: below this, two or three reads of a small buffer do.
const largeFromBytes = 256 * 1024
