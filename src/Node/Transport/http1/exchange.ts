/**
 * One request and its response: reads the bytes of a connection, and calls the receiver.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { isIdempotent } from "../../../internal/http/method.js"
import type * as Transport from "../../../Transport.js"
import type { TransportError, TransportRequest } from "../../../Transport.js"
import * as Failure from "../failure.js"
import type { Connection, Reader } from "./connection.js"
import type { Client } from "./exchangeClient.js"
import { Hold } from "./hold.js"
import { KeptBytes, view } from "./keptBytes.js"
import type { Verdict } from "./pipelineDepth.js"
import { BodyReader } from "./response/bodyReader.js"
import { HeadReader } from "./response/headReader.js"
import * as Head from "./response/responseHead.js"
import type { Route } from "./target.js"

export class Exchange implements Reader, Transport.Exchange {
  /** The number of connections for which the system has refused a descriptor. */
  refusals = 0
  /** What the response says about its origin, if that matters. */
  verdict: Verdict | undefined
  // The attached connection, until it is given back. A lost connection stays attached, for `close`.
  protected attached: Connection | undefined
  // True until the first calls of the receiver are allowed.
  private isStarting = true
  protected isClosed = false
  private exit: Exit.Exit<void, TransportError> | undefined
  private readonly waits: Hold
  protected isRepeated = false

  private readonly heads = new HeadReader()
  // Undefined until the final head was received.
  protected body: BodyReader | undefined
  private keepAliveMillis: number | undefined
  protected isPaused = false
  // The first of the kept bytes may be memory of the connection, which does not change it until the body is resumed.
  protected kept: KeptBytes | undefined
  // The connection was lost while the body was paused.
  private lost: { readonly isEnd: boolean; readonly cause: unknown } | undefined
  // The connection on which the request was sent last, and whether an earlier request was.
  protected sentOn: Connection | undefined
  protected isReused = false

  constructor(
    protected readonly client: Client<Exchange>,
    readonly route: Route,
    protected readonly request: TransportRequest,
    protected readonly head: string,
    protected readonly receiver: Transport.Receiver
  ) {
    this.waits = new Hold(receiver)
  }

  get connectMillis(): number {
    return this.request.connectMillis ?? this.client.connectMillis
  }

  /** Sends the request. Calls of the receiver come after this. */
  start(): void {
    // A request that cannot be repeated gets a new connection, because a kept one may break at any time.
    this.client.connect(this, !isIdempotent(this.request.method))
    if (this.waits.isHeld || this.exit !== undefined) {
      queueMicrotask(() => this.afterStart())
    } else {
      this.isStarting = false
    }
  }

  private afterStart(): void {
    this.isStarting = false
    this.reportHeld()
    if (this.exit !== undefined && !this.isClosed) {
      this.receiver.onEnd(this.exit)
    }
  }

  /** Uses this connection. If it is not connected yet, the request is sent in `onConnect`. */
  attach(connection: Connection): void {
    this.hold(false)
    this.attached = connection
    connection.reader = this
    if (connection.isConnected) {
      this.write(connection)
    }
  }

  /** True: the request waits for a descriptor, or in a pipeline. */
  hold(isHeld: boolean, by: Transport.HeldBy = "descriptor"): void {
    this.waits.set(isHeld ? by : undefined)
    if (!this.isStarting) {
      this.reportHeld()
    }
  }

  private reportHeld(): void {
    if (!this.isClosed) {
      this.waits.report()
    }
  }

  resume(): void {
    if (!this.isPaused || this.isClosed) {
      return
    }
    this.isPaused = false
    const { attached: connection, body, kept } = this
    if (body !== undefined) {
      kept?.drain((bytes) => this.deliver(body, bytes))
    }
    if (this.isPaused || this.isOver) {
      return
    }
    if (connection === undefined) {
      // It was received in a pipeline.
      this.client.scheduleEnd(this)
      return
    }
    if (body?.isWhole === true) {
      if (kept !== undefined && kept.sizeBytes > 0) {
        connection.onStray()
      }
      this.finish(connection)
    } else if (this.lost === undefined) {
      connection.resume()
    } else {
      this.endLost(this.lost)
    }
  }

  get isOver(): boolean {
    return this.isClosed || this.exit !== undefined
  }

  get close(): Effect.Effect<void> {
    return this.exit !== undefined && this.attached === undefined && !this.isStarting
      ? Exit.void
      : Effect.suspend(() => this.closed())
  }

  protected closed(): Effect.Effect<void> {
    const { attached: connection } = this
    if (!this.isClosed) {
      this.isClosed = true
      this.heads.clear()
      if (connection === undefined) {
        this.client.cancel(this)
      } else if (this.isReceived(connection)) {
        this.attached = undefined
        this.client.release(this, connection, this.keepAliveMillis)
      } else {
        connection.destroy()
      }
    }
    return this.attached?.awaitClosed ?? Exit.void
  }

  /** True if the whole response was received, although some of it was perhaps not delivered. */
  private isReceived(connection: Connection): boolean {
    const { body } = this
    if (body === undefined) {
      return false
    }
    const bytes = body.receivedBytes + (this.kept?.sizeBytes ?? 0)
    if (bytes > body.lengthBytes) {
      connection.onStray()
    }
    return body.isWhole || bytes >= body.lengthBytes
  }

  fail(cause: unknown): void {
    const { body } = this
    if (this.sentOn !== undefined) {
      this.client.onFlaw(this.route)
    }
    const received = body && {
      receivedBytes: body.receivedBytes,
      expectedBytes: Number.isFinite(body.lengthBytes) ? body.lengthBytes : undefined
    }
    const error = Failure.failure(this.request.url, cause, this.connectMillis, received)
    if (body === undefined && this.client.connectLater(this, error)) {
      this.attached = undefined
    } else {
      this.end(Exit.fail(error))
    }
  }

  private end(exit: Exit.Exit<void, TransportError>): void {
    if (!this.isClosed && this.exit === undefined) {
      this.exit = exit
      if (!this.isStarting) {
        this.receiver.onEnd(exit)
      }
    }
  }

  /** Delivers the end of a body that was received. */
  deliverEnd(): void {
    this.end(Exit.void)
  }

  onConnect(): void {
    if (this.attached !== undefined) {
      this.write(this.attached)
    }
  }

  private write(connection: Connection): void {
    this.sentOn = connection
    this.isReused = connection.served > 0
    connection.write(this.head, this.request.body)
  }

  get connection(): Transport.ConnectionInfo | undefined {
    return this.sentOn?.info(this.isReused)
  }

  onBytes(buffer: Buffer, bytes: number): boolean {
    const { attached: connection } = this
    if (connection === undefined) {
      return false
    }
    const { body } = this
    if (body === undefined) {
      return this.readHead(connection, buffer, bytes)
    }
    const chunk = view(buffer, 0, bytes)
    if (!this.isPaused) {
      return this.readBody(connection, body, chunk)
    }
    if (body.isWhole) {
      connection.onStray()
    } else {
      this.kept ??= new KeptBytes()
      this.kept.push(chunk.slice())
    }
    return false
  }

  onLost(cause: unknown): void {
    const { attached: connection, body } = this
    if (connection === undefined || this.isClosed || body?.isWhole === true) {
      return
    }
    if (body !== undefined) {
      const isEnd = cause === undefined && this.isEndOfBody(connection, body)
      this.lost = { isEnd, cause: cause ?? Failure.closedByPeer }
      if (!isEnd) {
        this.client.onFlaw(this.route)
      }
      if (!this.isPaused) {
        this.endLost(this.lost)
      }
    } else if (!this.heads.hasPart && this.isRepeatable(connection)) {
      this.repeat()
    } else {
      this.fail(cause ?? Failure.closedByPeer)
    }
  }

  /** True if the end of the connection is the end of the body. */
  private isEndOfBody({ hasEnded, isEndAnnounced }: Connection, { isFramed }: BodyReader): boolean {
    return !isFramed && hasEnded && (isEndAnnounced || this.request.verifiesBody === true)
  }

  private endLost({ cause, isEnd }: { readonly isEnd: boolean; readonly cause: unknown }): void {
    if (isEnd) {
      this.attached = undefined
      this.client.scheduleEnd(this)
    } else {
      this.fail(cause)
    }
  }

  private readHead(connection: Connection, buffer: Buffer, bytes: number): boolean {
    const { heads } = this
    const head = heads.read(buffer, bytes)
    if (head === "incomplete") {
      return true
    }
    if (head instanceof Error) {
      return this.refuse(connection, head)
    }
    const { buffer: all = buffer, endBytes } = heads
    if (head.framing === "interim") {
      return this.skipInterim(connection, all.subarray(head.endBytes, endBytes))
    }
    if (head.status === 408 && this.isRepeatable(connection)) {
      // The server sent 408 for the idle connection while the request was in transit (RFC 9110 §15.5.9).
      connection.destroy()
      this.repeat()
      return false
    }
    const refusal = Failure.refusalOfProxy(this.route.proxy, head)
    if (refusal !== undefined) {
      return this.refuse(connection, refusal)
    }
    this.verdict = this.client.judge(this.route, head, Head.isHttp11(all, 0), heads.informational > 0)
    heads.clear()
    const body = new BodyReader(this.request.method === "HEAD" ? Head.withoutBody(head) : head)
    this.body = body
    this.keepAliveMillis = head.keepAliveMillis
    if (!body.isFramed && this.request.verifiesBody !== true) {
      connection.watchEnd()
    }
    this.isPaused = !this.receiver.onHead(head)
    return this.readBody(connection, body, view(all, head.endBytes, endBytes - head.endBytes))
  }

  private skipInterim(connection: Connection, rest: Buffer): boolean {
    this.receiver.onInformational()
    return !this.isClosed && (rest.length === 0 || this.readHead(connection, rest, rest.length))
  }

  private refuse(connection: Connection, cause: Error): false {
    connection.destroy()
    this.fail(cause)
    return false
  }

  /** True if the request may be sent once more: the connection was kept, and ended before the request arrived. */
  private isRepeatable({ served }: Connection): boolean {
    return served > 0 && this.heads.informational === 0 && !this.isRepeated && isIdempotent(this.request.method)
  }

  /** Sends the request on a new connection, because another idle connection may have ended too. */
  private repeat(): void {
    this.isRepeated = true
    this.attached = undefined
    this.client.connect(this, true)
  }

  /** Reads the bytes of a body inside `onBytes`. */
  private readBody(connection: Connection, body: BodyReader, bytes: Uint8Array): boolean {
    const readBytes = this.deliver(body, bytes)
    if (this.isOver) {
      return false
    }
    if (body.isWhole) {
      if (readBytes < bytes.length) {
        connection.onStray()
      }
      connection.endBody()
    } else if (readBytes < bytes.length) {
      this.kept ??= new KeptBytes()
      this.kept.push(bytes.subarray(readBytes))
    }
    if (this.isPaused) {
      connection.keepBytes()
      return false
    }
    if (body.isWhole) {
      this.finish(connection)
    } else if (body.lengthBytes !== Number.POSITIVE_INFINITY) {
      connection.expect(body.lengthBytes - body.receivedBytes)
    }
    return true
  }

  /** Calls the receiver with the content of `bytes`, until it pauses the body. Returns the number of bytes that were read. */
  protected deliver(body: BodyReader, bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.length && !this.isPaused && !body.isWhole && !this.isOver) {
      const found = body.find(bytes, at)
      if (found === "malformed") {
        this.attached?.destroy()
        this.fail(Failure.malformed)
        break
      }
      at = body.endBytes
      if (found === "content") {
        const isAll = body.endBytes - body.startBytes === bytes.length
        this.isPaused = !this.receiver.onChunk(isAll ? bytes : bytes.subarray(body.startBytes, body.endBytes))
      }
    }
    return at
  }

  /** Gives the connection back after a whole body, and delivers the end. */
  private finish(connection: Connection): void {
    // Trailers may be meant for a proxy that keeps the connection.
    connection.mustClose ||= this.body?.hasTrailers === true
    this.attached = undefined
    this.client.release(this, connection, this.keepAliveMillis)
    this.client.scheduleEnd(this)
  }
}
