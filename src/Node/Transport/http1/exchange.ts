/**
 * One request and its response: connects the bytes of a connection with the two effects that wait for them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Transport from "../../../Transport.js"
import type { TransportError, TransportRequest, TransportResponse } from "../../../Transport.js"
import type { Connection, Receiver } from "./connection.js"
import { closedByPeer, failure, informationalAtMost, tooManyInformational } from "./failure.js"
import * as Head from "./responseHead.js"
import type { Address } from "./target.js"
import { type Owner, Unmeasured } from "./unsizedBody.js"
import { ended, paused, type Step, untilHead, untilPause } from "./waiting.js"

/** The operations of a client that its exchanges use. */
export interface Client {
  readonly connectMillis: number
  readonly isClosed: boolean
  /** Attaches a connection, now or later: an idle one, or a new one if `isNew`. */
  readonly connect: (exchange: Exchange, isNew: boolean) => void
  /** Stops looking for a connection. */
  readonly forget: (exchange: Exchange) => void
  /** Takes back a connection whose response was read to its end. `keepAliveMillis` as in `Head`. */
  readonly release: (exchange: Exchange, connection: Connection, keepAliveMillis: number | undefined) => void
  /** Runs `act` in this turn of the event loop, or in a later turn if this turn has already run several. */
  readonly soon: (act: () => void) => void
  /** Handles a failure before the head: fails with it, or waits and starts another exchange. */
  readonly failed: (exchange: Exchange, error: TransportError) => Effect.Effect<TransportResponse, TransportError>
}

export class Exchange implements Receiver, Owner, TransportResponse, Transport.Exchange {
  status = 0
  headers: Readonly<Record<string, string | undefined>> = {}
  private connection: Connection | undefined
  // Whom what comes is pushed to; while there is nobody, the body waits.
  to: Transport.Receiver | undefined
  private answered: Effect.Effect<TransportResponse, TransportError> | undefined
  // The beginning of a head, in a buffer that doubles, and how many of its bytes were parsed without finding the end.
  private partial: Buffer | undefined
  private partialBytes = 0
  private readBytes = 0
  private informational = 0
  private interimBytes = 0
  private lengthBytes = 0
  private leftBytes = 0
  // A body without a length; while it has not ended, 1 is left of it.
  private unmeasured: Unmeasured | undefined
  private keepAliveMillis: number | undefined
  // What came with the head stands where it was received, and what came after it while nobody was asking is copied.
  private held: Uint8Array | undefined
  private early: Array<Uint8Array> | undefined
  private failed: Effect.Effect<never, TransportError> | undefined
  private isRetried = false
  // Whether it waits for a descriptor, as it was told.
  private isHeld: boolean
  private next: Transport.Exchange | undefined
  private isClosed = false

  constructor(
    private readonly client: Client,
    readonly address: Address,
    readonly request: TransportRequest,
    private readonly head: string,
    /** Whether it stands for one that failed for want of a descriptor. */
    readonly isRepeated: boolean
  ) {
    this.isHeld = isRepeated
  }

  get connectMillis(): number {
    return this.request.connectMillis ?? this.client.connectMillis
  }

  /** Sends the request, and pushes its response. */
  send(to: Transport.Receiver): void {
    this.to = to
    this.client.connect(this, false)
  }

  /** Sends the request, unless it was sent, and waits for the head. */
  get response(): Effect.Effect<TransportResponse, TransportError> {
    return Effect.suspend(
      () =>
        this.answered ??
        Effect.async((resume) => {
          const stop = () => resume(this.answered ?? Effect.never)
          this.send(untilHead(stop))
          return this.giveUp
        })
    )
  }

  readonly drive = (onChunk: (chunk: Uint8Array) => boolean): Effect.Effect<Step, TransportError> =>
    Effect.suspend(() => this.give(onChunk) ?? this.wait(onChunk))

  /** Has another exchange answer in place of this one, which closes it with itself. */
  goOnAs(next: Transport.Exchange): Effect.Effect<TransportResponse, TransportError> {
    const before = this.next
    this.next = next
    return before === undefined ? next.response : Effect.zipRight(before.close, next.response)
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { next } = this
      this.next = undefined
      return next === undefined ? this.giveUp : Effect.zipRight(this.giveUp, next.close)
    })
  }

  /** Gives the connection back, or up, and waits until it is closed. */
  private get giveUp(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.isClosed) {
        return Effect.void
      }
      this.isClosed = true
      this.to = this.held = this.partial = this.early = this.unmeasured = undefined
      const { connection } = this
      if (connection === undefined) {
        this.client.forget(this)
        return Effect.void
      }
      this.connection = undefined
      if (this.status !== 0 && this.leftBytes === 0) {
        this.client.release(this, connection, this.keepAliveMillis)
        return Effect.void
      }
      connection.destroy()
      return connection.awaitClosed
    })
  }

  /** Uses this connection, which may still have to be made. */
  attach(connection: Connection): void {
    if (this.isHeld) {
      this.isHeld = false
      this.request.onHeld?.(false)
    }
    this.connection = connection
    connection.receiver = this
    if (connection.isConnected) {
      connection.write(this.head)
    }
  }

  /** It waits for a descriptor. */
  hold(): void {
    if (!this.isHeld) {
      this.isHeld = true
      this.request.onHeld?.(true)
    }
  }

  fail(cause: unknown): void {
    const body =
      this.status === 0
        ? undefined
        : this.unmeasured !== undefined
          ? { receivedBytes: this.unmeasured.receivedBytes, expectedBytes: undefined }
          : { receivedBytes: this.lengthBytes - this.leftBytes, expectedBytes: this.lengthBytes }
    const error = failure(this.request.url, cause, this.connectMillis, body)
    if (this.status === 0) {
      this.answer(this.client.failed(this, error))
    } else {
      this.failed = Effect.fail(error)
      this.stop()
    }
  }

  onConnect(): void {
    this.connection?.write(this.head)
  }

  onBytes(buffer: Buffer, bytes: number): boolean {
    const { connection } = this
    if (connection === undefined) {
      return false
    }
    return this.status === 0 ? this.readHead(connection, buffer, bytes) : this.readBody(connection, buffer, bytes)
  }

  onLost(cause: unknown): void {
    const { connection } = this
    this.connection = undefined
    if (connection === undefined || this.isClosed) {
      return
    }
    if (this.status !== 0) {
      if (this.leftBytes > 0) {
        this.fail(cause ?? closedByPeer)
      }
    } else if (this.partial === undefined && this.isReplaceable(connection)) {
      this.replace()
    } else {
      this.fail(cause ?? closedByPeer)
    }
  }

  private readHead(connection: Connection, buffer: Buffer, bytes: number): boolean {
    const isFirst = this.partial === undefined
    let all = buffer
    let endBytes = bytes
    if (this.partial !== undefined) {
      const fromBytes = this.partialBytes
      all = this.append(this.partial, buffer, bytes)
      endBytes = this.partialBytes
      // Each byte is parsed at most twice, however small the pieces are.
      if (endBytes < 2 * this.readBytes && !mayEndHead(all.subarray(Math.max(0, fromBytes - 2), endBytes))) {
        return true
      }
    }
    const head = Head.parse(all, endBytes, Head.headAtMostBytes - this.interimBytes)
    if (head === "incomplete") {
      this.readBytes = endBytes
      if (isFirst) {
        this.partialBytes = 0
        this.append(Buffer.alloc(0), buffer, bytes)
      }
      return true
    }
    if (head instanceof Error) {
      return this.refuse(connection, head)
    }
    if (head.framing === "interim") {
      this.partial = undefined
      this.readBytes = 0
      this.interimBytes += head.endBytes
      return this.skip(connection, all.subarray(head.endBytes, endBytes))
    }
    if (head.status === 408 && this.isReplaceable(connection)) {
      // The server sent 408 for the idle connection while the request was in transit (RFC 9110 §15.5.9).
      this.connection = this.partial = undefined
      connection.destroy()
      this.replace()
      return false
    }
    this.partial = undefined
    this.status = head.status
    this.headers = head.headers
    if (head.framing !== "length") {
      this.keepAliveMillis = head.keepAliveMillis
      return this.readUnmeasured(connection, head.framing, all.subarray(head.endBytes, endBytes))
    }
    this.lengthBytes = head.lengthBytes
    this.keepAliveMillis = head.keepAliveMillis
    const hereBytes = Math.min(endBytes - head.endBytes, head.lengthBytes)
    this.leftBytes = head.lengthBytes
    if (endBytes > head.endBytes + hereBytes) {
      connection.isSpoiled = true
    }
    this.answered = Effect.succeed(this)
    const { to } = this
    if (to?.onHead(this) === true) {
      return hereBytes === 0
        ? this.pushed(connection, to)
        : this.push(connection, to, view(all, head.endBytes, hereBytes))
    }
    this.to = undefined
    this.leftBytes -= hereBytes
    if (hereBytes > 0) {
      this.held = view(all, head.endBytes, hereBytes)
      if (isFirst) {
        connection.spare()
      }
    }
    return true
  }

  // Skips an informational head; the final head follows.
  private skip(connection: Connection, rest: Buffer): boolean {
    if (++this.informational > informationalAtMost) {
      return this.refuse(connection, tooManyInformational)
    }
    this.request.onInformational?.()
    return rest.length === 0 || this.readHead(connection, rest, rest.length)
  }

  private append(partial: Buffer, buffer: Buffer, bytes: number): Buffer {
    const endBytes = this.partialBytes + bytes
    let all = partial
    if (endBytes > all.length) {
      all = Buffer.allocUnsafeSlow(Math.max(1024, 2 * endBytes))
      partial.copy(all, 0, 0, this.partialBytes)
    }
    buffer.copy(all, this.partialBytes, 0, bytes)
    this.partial = all
    this.partialBytes = endBytes
    return all
  }

  private refuse(connection: Connection, cause: Error): false {
    const error = failure(this.request.url, cause, this.connectMillis)
    this.connection = this.partial = undefined
    connection.destroy()
    this.answer(Effect.zipRight(connection.awaitClosed, Effect.fail(error)))
    return false
  }

  // Whether the request may be sent once more: the connection was kept, and had ended before the request arrived.
  private isReplaceable(connection: Connection): boolean {
    return connection.served > 0 && this.informational === 0 && !this.isRetried && !this.client.isClosed
  }

  // On a new connection, because another idle connection may be stale too.
  private replace(): void {
    this.isRetried = true
    this.client.connect(this, true)
  }

  private readUnmeasured(connection: Connection, framing: "chunked" | "connection", rest: Buffer): boolean {
    const body = new Unmeasured(this, connection, framing, this.request.verifiesBody === true)
    this.unmeasured = connection.receiver = body
    this.leftBytes = 1
    this.answered = Effect.succeed(this)
    if (this.to?.onHead(this) === true) {
      return body.onBytes(rest, rest.length)
    }
    this.to = undefined
    body.keep(rest)
    return true
  }

  pause(defect?: { readonly cause: unknown }): void {
    if (defect === undefined) {
      this.to = undefined
    } else {
      this.failed = Effect.die(defect.cause)
      this.stop()
    }
  }

  end(): void {
    const { connection, to } = this
    this.leftBytes = 0
    if (connection !== undefined) {
      this.finish(connection)
    }
    if (to !== undefined) {
      this.tellEnd(to)
    }
  }

  drop(): void {
    this.connection = undefined
  }

  private readBody(connection: Connection, buffer: Buffer, bytes: number): boolean {
    const takenBytes = Math.min(bytes, this.leftBytes)
    if (takenBytes < bytes) {
      // More than was announced: never read as the next response.
      connection.isSpoiled = true
    }
    if (takenBytes === 0) {
      return false
    }
    const chunk = view(buffer, 0, takenBytes)
    const { to } = this
    if (to === undefined) {
      this.leftBytes -= takenBytes
      this.early ??= []
      this.early.push(chunk.slice())
      return false
    }
    return this.push(connection, to, chunk)
  }

  private push(connection: Connection, to: Transport.Receiver, chunk: Uint8Array): boolean {
    this.leftBytes -= chunk.length
    let isMore = false
    try {
      isMore = to.onChunk(chunk)
    } catch (defect) {
      this.failed = Effect.die(defect)
      this.stop()
    }
    if (isMore) {
      return this.pushed(connection, to)
    }
    this.to = undefined
    if (connection.needsSpare) {
      connection.spare()
    } else if (this.leftBytes === 0) {
      connection.leaveLarge()
    }
    return false
  }

  private pushed(connection: Connection, to: Transport.Receiver): boolean {
    connection.expect(this.leftBytes)
    if (this.leftBytes === 0) {
      this.finish(connection)
      this.tellEnd(to)
    }
    return true
  }

  private tellEnd(to: Transport.Receiver): void {
    this.client.soon(() => {
      // It may have been given up meanwhile.
      if (this.to === to) {
        this.to = undefined
        to.onEnd()
      }
    })
  }

  // What is there already; undefined where it has to be waited for.
  private give(onChunk: (chunk: Uint8Array) => boolean): Effect.Effect<Step, TransportError> | undefined {
    const { connection, held, unmeasured } = this
    if (unmeasured !== undefined) {
      return unmeasured.give(onChunk) ? paused : this.leftBytes === 0 ? ended : this.failed
    }
    if (held !== undefined) {
      this.held = undefined
      if (!onChunk(held)) {
        return paused
      }
    }
    for (let chunk = this.early?.shift(); chunk !== undefined; chunk = this.early?.shift()) {
      if (!onChunk(chunk)) {
        return paused
      }
    }
    if (this.status !== 0 && this.leftBytes === 0) {
      if (connection !== undefined) {
        this.finish(connection)
      }
      return ended
    }
    return this.failed
  }

  private wait(onChunk: (chunk: Uint8Array) => boolean): Effect.Effect<Step, TransportError> {
    let to: Transport.Receiver | undefined
    return Effect.onInterrupt(
      Effect.async<Step, TransportError>((resume) => {
        // Something may have come since, where other fibers ran in between.
        const given = this.give(onChunk)
        if (given !== undefined) {
          resume(given)
          return
        }
        to = untilPause(onChunk, resume, () => this.failed ?? paused)
        this.to = to
        this.connection?.resume()
      }),
      () =>
        Effect.sync(() => {
          if (this.to === to) {
            this.to = undefined
          }
        })
    )
  }

  private finish(connection: Connection): void {
    connection.expect(0)
    this.connection = undefined
    this.client.release(this, connection, this.keepAliveMillis)
  }

  /** Has `response` give this. */
  private answer(effect: Effect.Effect<TransportResponse, TransportError>): void {
    this.answered = effect
    this.stop()
  }

  private stop(): void {
    const { to } = this
    this.to = undefined
    to?.onStop()
  }
}

/** Whether the bytes may contain an empty line. */
const mayEndHead = (bytes: Buffer): boolean =>
  bytes.includes("\n\r\n", 0, "latin1") || bytes.includes("\n\n", 0, "latin1")

// No `Buffer`: its `slice` is no copy, and whoever wants to keep a chunk takes it for one.
const view = (buffer: Buffer, offsetBytes: number, bytes: number): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset + offsetBytes, bytes)
