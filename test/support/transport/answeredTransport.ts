/**
 * A transport whose responses a test sends by calls, so that it decides what happens between two steps of the engine.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import {
  type ConnectionInfo,
  type Exchange,
  type HeldBy,
  type Receiver,
  Transport,
  type TransportError,
  type TransportRequest
} from "../../../src/Transport.js"

const mebibyte = 1024 * 1024

/** The file of all responses. */
export const content = Uint8Array.from({ length: 4 * mebibyte }, (_, index) => (index * 31 + (index >> 12) * 7) & 0xff)

/** One request, which the test answers. */
export class Sent implements Exchange {
  connection: ConnectionInfo | undefined
  isPaused = false
  /** True when the response has ended, or the receiver has closed the exchange. */
  isClosed = false
  readonly range: { readonly startBytes: number; readonly endBytes: number }

  constructor(
    readonly request: TransportRequest,
    private readonly receiver: Receiver
  ) {
    const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "") ?? []
    this.range = {
      startBytes: Number(start ?? 0),
      endBytes: end === undefined || end === "" ? content.length : Number(end) + 1
    }
  }

  resume(): void {
    this.isPaused = false
  }

  get close(): Effect.Effect<void> {
    return this.isClosed
      ? Exit.void
      : Effect.sync(() => {
          this.isClosed = true
        })
  }

  hold(isHeld: boolean, by?: HeldBy): void {
    this.receiver.onHeld(isHeld, by)
  }

  fail(error: TransportError): void {
    this.isClosed = true
    this.receiver.onEnd(Exit.fail(error))
  }

  head(
    status = this.request.headers["range"] === undefined ? 200 : 206,
    lengthBytes = this.range.endBytes - this.range.startBytes
  ): void {
    const { endBytes, startBytes } = this.range
    this.isPaused = !this.receiver.onHead({
      status,
      headers: {
        "content-length": `${lengthBytes}`,
        "accept-ranges": "bytes",
        etag: '"1"',
        ...(status === 206 ? { "content-range": `bytes ${startBytes}-${endBytes - 1}/${content.length}` } : {})
      }
    })
  }

  /** Sends the bytes from one position of the file to another, unless the receiver has closed the exchange. */
  bytes(fromBytes: number, toBytes: number): void {
    if (!this.isClosed) {
      assert.isFalse(this.isPaused)
      this.isPaused = !this.receiver.onChunk(content.slice(fromBytes, toBytes))
    }
  }

  end(): void {
    if (!this.isClosed) {
      this.isClosed = true
      this.receiver.onEnd(Exit.void)
    }
  }
}

type Send = (sent: Sent, index: number) => Effect.Effect<Exchange>

/** Adds each request to `sent`. `send`: what the transport gives back. */
export const transport = (sent: Array<Sent>, send: Send = Exit.succeed): Layer.Layer<Transport> =>
  Layer.succeed(Transport, {
    send: (request, receiver) => {
      const one = new Sent(request, receiver)
      sent.push(one)
      return send(one, sent.length - 1)
    }
  })
