/**
 * An exchange whose request may be sent on a connection before earlier requests are answered.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { Connection } from "../connection.js"
import { Exchange } from "../exchange.js"
import { KeptBytes } from "../keptBytes.js"
import { BodyReader } from "../response/bodyReader.js"
import type { Head } from "../response/responseHead.js"

interface Pipeline {
  readonly remove: (exchange: PipelinedExchange) => Connection | undefined
}

export class PipelinedExchange extends Exchange {
  // Until the exchange has its connection for itself, or its response.
  private pipeline: Pipeline | undefined
  // The request was sent in a pipeline, and is sent again.
  private isSentAgain = false

  /** False after the request was sent once. */
  get mayJoin(): boolean {
    return !this.isSentAgain && !this.isRepeated
  }

  /** Waits until a pipeline is sent. A request behind another one waits for its response as well. */
  join(pipeline: Pipeline, isBehind: boolean): void {
    this.pipeline = pipeline
    this.hold(isBehind, "pipeline")
  }

  /** Takes the connection, because the request of the pipeline is the only one. */
  leave(connection: Connection): void {
    this.pipeline = undefined
    this.attach(connection)
  }

  /** Returns the request, which the pipeline sends on this connection. */
  sendOn(connection: Connection): string {
    this.sentOn = connection
    this.isReused = true
    return this.head
  }

  /** Delivers a response that a pipeline has received to its end. Returns false if the exchange still reads the memory later. */
  receive(head: Head, bytes: Uint8Array): boolean {
    this.pipeline = undefined
    if (this.isOver) {
      return true
    }
    this.hold(false)
    const body = new BodyReader(head)
    this.body = body
    this.isPaused = !this.receiver.onHead(head)
    const readBytes = this.deliver(body, bytes)
    if (readBytes < bytes.length) {
      this.kept = new KeptBytes()
      this.kept.push(bytes.subarray(readBytes))
    }
    if (!this.isPaused && !this.isOver) {
      this.client.scheduleEnd(this)
    }
    return !this.isPaused
  }

  /** Continues alone on the connection of a pipeline, with the first bytes of its response. As `onBytes`. */
  takeOver(connection: Connection, bytes: Buffer): boolean {
    this.pipeline = undefined
    if (this.isOver) {
      connection.destroy()
      return false
    }
    this.hold(false)
    this.attached = connection
    connection.reader = this
    return bytes.length === 0 || this.onBytes(bytes, bytes.length)
  }

  /** Sends the request again alone, as if it had not been sent in a pipeline. */
  sendAgain(): void {
    this.pipeline = undefined
    this.isSentAgain = true
    if (!this.isOver) {
      this.client.connect(this, false)
    }
  }

  protected override closed(): Effect.Effect<void> {
    const { pipeline } = this
    if (pipeline !== undefined) {
      this.pipeline = undefined
      this.isClosed = true
      this.attached = pipeline.remove(this)
    }
    return super.closed()
  }
}
