/**
 * Requests that are sent together on one connection, before the first of them is answered (RFC 9112 §9.3.2).
 *
 * A response belongs to a request only by its place, so nothing is delivered until it is certain that every request has its own
 * response: all responses were received to their ends, and the event loop has polled once more without another byte. Bytes
 * before the requests are sent, after the last response, or between two responses prove that the responses are out of step. Then
 * none of them is used, and each request is sent again alone.
 *
 * The first response that is not small, or not of a kind that can be trusted in such a place, ends the pipeline. It is read by its
 * own exchange, like any other. The requests behind it are sent again on other connections, as if they had never been sent, and so
 * are those that are lost with the connection.
 *
 * @internal
 */
import type { Connection, Reader } from "../connection.js"
import { view } from "../keptBytes.js"
import { judge, type PipelineDepth } from "../pipelineDepth.js"
import * as Head from "../response/responseHead.js"
import type { PipelinedExchange } from "./pipelinedExchange.js"

/** What a pipeline asks of its client. */
interface Owner {
  /** All responses were received. Calls `deliver` after the event loop has polled once more. */
  readonly onReceived: () => void
  /** The pipeline has no request to send. Its connection is idle. */
  readonly onUnused: () => void
  /** The pipeline uses its connection no more. */
  readonly onOver: () => void
  /** Memory for the responses. It is given back if nothing reads it any more. */
  readonly takeMemory: () => Buffer
  readonly giveMemory: (memory: Buffer) => void
}

interface Response {
  readonly head: Head.Head
  /** Where its body starts in the received bytes. */
  readonly bodyAt: number
}

// A longer head is no small response.
const smallHeadAtMostBytes = 16 * 1024
/** The size of the memory of a pipeline, which gets more if its responses are large. */
export const memoryBytes: number = 64 * 1024

const noBytes = Buffer.alloc(0)

export class Pipeline implements Reader {
  private readonly exchanges: Array<PipelinedExchange> = []
  /** The responses that were received, in the order of the requests. */
  private readonly responses: Array<Response> = []
  private received: Buffer = noBytes
  private sizeBytes = 0
  // Where the response starts that is being received, and its head.
  private startBytes = 0
  private head: Head.Head | undefined
  private isSent = false
  private isOver = false
  // The number of requests whose time has ended.
  private held = 0
  // The number of responses at the last call of `endIfStuck`.
  private seen = -1

  constructor(
    readonly connection: Connection,
    private readonly depth: PipelineDepth,
    private readonly owner: Owner
  ) {
    connection.reader = this
  }

  /** True if one more request may be added. */
  get hasRoom(): boolean {
    return !this.isSent && !this.isOver && this.exchanges.length < this.depth.on(this.connection.served)
  }

  /** The time for which the connection may be kept, by its last response. */
  get keepAliveMillis(): number | undefined {
    return this.responses.at(-1)?.head.keepAliveMillis
  }

  /** Adds a request. Call it before `send`. */
  add(exchange: PipelinedExchange): void {
    this.exchanges.push(exchange)
    exchange.join(this, this.exchanges.length > 1)
  }

  /** Sends the requests in one write. Returns false if there is at most one, which uses the connection as if there were no pipeline. */
  send(): boolean {
    const { connection, exchanges } = this
    if (this.isOver) {
      return false
    }
    // The depth may have become 1 since they were added.
    sendAgain(exchanges.splice(this.depth.on(connection.served)))
    const [first] = exchanges
    if (first === undefined || exchanges.length === 1) {
      this.end()
      if (first === undefined) {
        this.owner.onUnused()
      } else {
        first.leave(connection)
      }
      return false
    }
    this.isSent = true
    connection.send(exchanges.map((exchange) => exchange.sendOn(connection)).join(""))
    return true
  }

  onConnect(): void {}

  onBytes(buffer: Buffer, bytes: number): boolean {
    if (!this.isSent || this.isReceived) {
      return this.desynchronized()
    }
    this.append(buffer, bytes)
    let found = this.read()
    while (found === "received" && !this.isReceived) {
      found = this.read()
    }
    this.hold()
    if (found === "incomplete") {
      return true
    }
    if (found === "other") {
      return this.handOver()
    }
    if (found === "out of step" || this.startBytes < this.sizeBytes) {
      return this.desynchronized()
    }
    this.owner.onReceived()
    return true
  }

  onLost(cause: unknown): void {
    const { connection, exchanges, responses } = this
    if (this.isReceived) {
      this.deliver()
      return
    }
    this.depth.refuse()
    const rest = this.unread
    const front = rest.length === 0 ? undefined : exchanges[responses.length]
    const lost = exchanges.slice(responses.length + (front === undefined ? 0 : 1))
    this.deliver()
    if (front !== undefined) {
      // A part of its response was received.
      front.takeOver(connection, rest)
      front.onLost(cause)
    }
    sendAgain(lost)
  }

  /** Delivers the responses that were received. */
  deliver(): void {
    const { exchanges, received, responses } = this
    if (this.isOver) {
      return
    }
    this.end()
    this.depth.onSmall(responses.filter(({ head }) => head.status === 200).length)
    let isFree = this.isReceived
    responses.forEach(({ bodyAt, head }, at) => {
      const isRead = exchanges[at]?.receive(head, view(received, bodyAt, head.lengthBytes)) !== false
      isFree &&= isRead
    })
    if (isFree) {
      this.owner.giveMemory(received)
    }
  }

  /**
   * Removes a request whose exchange is closed. If it was sent, its response is received and dropped, because others are behind
   * it. Returns the connection if it was closed, because no exchange is left.
   */
  remove(exchange: PipelinedExchange): Connection | undefined {
    const { connection, exchanges } = this
    if (!this.isSent) {
      exchanges.splice(exchanges.indexOf(exchange), 1)
      exchanges[0]?.hold(false)
      return undefined
    }
    if (this.isOver || exchanges.some(({ isOver }) => !isOver)) {
      return undefined
    }
    this.end()
    connection.destroy()
    return connection
  }

  /** Call it from time to time. Ends the pipeline if no response was received since the last call. */
  endIfStuck(): void {
    const { length } = this.responses
    if (this.isReceived || length !== this.seen) {
      this.seen = length
    } else {
      this.depth.setBack()
      this.handOver()
    }
  }

  private get isReceived(): boolean {
    return this.isSent && this.responses.length === this.exchanges.length
  }

  /** The bytes of the response that is being received. */
  private get unread(): Buffer {
    return this.received.subarray(this.startBytes, this.sizeBytes)
  }

  /** Starts the time of the request whose response is next, and ends that of the requests whose responses were received. */
  private hold(): void {
    const { exchanges, responses } = this
    for (; this.held < responses.length; this.held++) {
      exchanges[this.held]?.hold(true, "pipeline")
    }
    exchanges[this.held]?.hold(false)
  }

  private append(buffer: Buffer, bytes: number): void {
    const sizeBytes = this.sizeBytes + bytes
    if (sizeBytes > this.received.length) {
      const larger = sizeBytes > memoryBytes ? Buffer.allocUnsafeSlow(2 * sizeBytes) : this.owner.takeMemory()
      this.received.copy(larger, 0, 0, this.sizeBytes)
      this.received = larger
    }
    buffer.copy(this.received, this.sizeBytes, 0, bytes)
    this.sizeBytes = sizeBytes
  }

  /** Reads the next response, if all of it was received. `other`: its own exchange must read it. */
  private read(): "received" | "incomplete" | "other" | "out of step" {
    const { received, sizeBytes, startBytes } = this
    if (this.head === undefined) {
      if (startBytes === sizeBytes) {
        return "incomplete"
      }
      const bytes = sizeBytes - startBytes
      const head = Head.parse(received.subarray(startBytes, sizeBytes), bytes)
      if (head === "incomplete") {
        return bytes > smallHeadAtMostBytes ? "other" : "incomplete"
      }
      if (head instanceof Error) {
        // After another response, these may be bytes of that one.
        return this.responses.length > 0 ? "out of step" : "other"
      }
      if (!this.isTrusted(head, startBytes)) {
        return "other"
      }
      this.head = head
    }
    const { endBytes, lengthBytes } = this.head
    const bodyAt = startBytes + endBytes
    if (bodyAt + lengthBytes > sizeBytes) {
      return "incomplete"
    }
    this.responses.push({ head: this.head, bodyAt })
    this.startBytes = bodyAt + lengthBytes
    this.head = undefined
    return "received"
  }

  /** True if the response may have others behind it. Otherwise tells the depth why not. */
  private isTrusted(head: Head.Head, startBytes: number): boolean {
    const verdict = judge(head, Head.isHttp11(this.received, startBytes), false)
    if (verdict === "large" && this.responses.length + 1 < this.exchanges.length) {
      this.depth.setBack()
    }
    // A server may send a body after a 204 or a 304, and the requests have no condition.
    const hasNoBody = head.status === 204 || head.status === 304
    if (hasNoBody || verdict === "flawed") {
      this.depth.refuse()
    }
    return !hasNoBody && (verdict === "small" || verdict === "other")
  }

  /** Gives the connection to the exchange of the next response, and sends the requests behind it again. */
  private handOver(): boolean {
    const { connection, exchanges, responses } = this
    const front = exchanges[responses.length]
    const behind = exchanges.slice(responses.length + 1)
    const rest = this.unread
    this.deliver()
    if (behind.length > 0) {
      connection.cut()
    }
    const isMore = front?.takeOver(connection, rest) === true
    sendAgain(behind)
    return isMore
  }

  private desynchronized(): false {
    const { connection, exchanges } = this
    this.depth.refuse()
    this.end()
    connection.destroy()
    sendAgain(exchanges)
    return false
  }

  private end(): void {
    if (!this.isOver) {
      this.isOver = true
      this.connection.reader = undefined
      this.connection.served += this.responses.length
      this.owner.onOver()
    }
  }
}

const sendAgain = (exchanges: ReadonlyArray<PipelinedExchange>): void => {
  for (const exchange of exchanges) {
    exchange.sendAgain()
  }
}
