/**
 * Receives responses of a transport in tests: the head first, and then the body, up to where the test pauses it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { Waiter } from "../../../src/internal/waiter.js"
import {
  type Exchange,
  type Receiver,
  type ResponseHead,
  Transport,
  type TransportError,
  type TransportRequest
} from "../../../src/Transport.js"

export interface Response extends ResponseHead {
  /**
   * Receives the body from where the last call stopped, until its end or until `onChunk` returns false. An interruption does not
   * pause the body by itself: the next chunk does.
   */
  readonly drive: (onChunk: (chunk: Uint8Array) => boolean) => Effect.Effect<"Ended" | "Paused", TransportError>
}

type Sender = typeof Transport.Service

export interface Options {
  readonly onHeld?: (isHeld: boolean) => void
  readonly onInformational?: () => void
}

/** Sends a request, and waits for the head. The body is paused. */
export const openWith = (
  { send }: Sender,
  request: TransportRequest,
  options: Options = {}
): Effect.Effect<Response, TransportError, Scope.Scope> => {
  const receiver = new Recorder(options)
  return Effect.flatMap(
    Effect.acquireRelease(send(request, receiver), ({ close }) => close),
    (exchange) =>
      Effect.map(receiver.awaitHead, ({ headers, status }) => ({
        status,
        headers,
        drive: (onChunk) => receiver.drive(exchange, onChunk)
      }))
  )
}

export const open = (
  request: TransportRequest,
  options?: Options
): Effect.Effect<Response, TransportError, Transport | Scope.Scope> =>
  Effect.flatMap(Transport, (transport) => openWith(transport, request, options))

/** The whole body, one character a byte. */
export const collect = ({ drive }: Response): Effect.Effect<string, TransportError> =>
  Effect.suspend(() => {
    const chunks: Array<Buffer> = []
    return Effect.map(
      drive((chunk) => {
        chunks.push(Buffer.from(chunk))
        return true
      }),
      () => Buffer.concat(chunks).toString("latin1")
    )
  })

/** The whole body. It is paused after each so-many-th chunk, which is read a moment later, just before the body is resumed. */
export const collectPausing = ({ drive }: Response, pauseEvery: number): Effect.Effect<Buffer, TransportError> =>
  Effect.gen(function* () {
    const received: Array<Buffer> = []
    let chunks = 0
    for (;;) {
      let last: Uint8Array | undefined
      const how = yield* drive((chunk) => {
        if (++chunks % pauseEvery === 0) {
          last = chunk
          return false
        }
        received.push(Buffer.from(chunk))
        return true
      })
      yield* Effect.yieldNow()
      if (last !== undefined) {
        received.push(Buffer.from(last))
      }
      if (how === "Ended") {
        return Buffer.concat(received)
      }
    }
  })

/** The body of a URL. */
export const get = (url: string): Effect.Effect<string, TransportError, Transport> =>
  Effect.scoped(Effect.flatMap(open({ url, headers: {} }), collect))

export const getWith = (transport: Sender, url: string): Effect.Effect<string, TransportError> =>
  Effect.scoped(Effect.flatMap(openWith(transport, { url, headers: {} }), collect))

/** Receives this number of bytes, interrupts the reading fiber, and gives the server time to send more. */
export const interruptAfter = ({ drive }: Response, bytes: number): Effect.Effect<string> =>
  Effect.gen(function* () {
    let received = ""
    const fiber = yield* Effect.fork(
      drive((chunk) => {
        received += Buffer.from(chunk).toString("latin1")
        return true
      })
    )
    yield* until(() => received.length === bytes)
    yield* Fiber.interrupt(fiber)
    yield* Effect.sleep("80 millis")
    return received
  })

/** Waits until something is so, for at most five minutes. The caller asserts it then. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(Effect.sleep("5 millis"), { until: isSo, times: 60_000 }))

class Recorder implements Receiver {
  private head: ResponseHead | undefined
  private exit: Exit.Exit<void, TransportError> | undefined
  private take: ((chunk: Uint8Array) => boolean) | undefined
  private kept: Uint8Array | undefined
  private readonly waiter = new Waiter()
  private isPaused = true

  constructor(private readonly options: Options) {}

  readonly onInformational = (): void => this.options.onInformational?.()

  readonly onHeld = (isHeld: boolean): void => this.options.onHeld?.(isHeld)

  readonly onHead = (head: ResponseHead): boolean => {
    this.head = head
    this.waiter.wake()
    return false
  }

  readonly onChunk = (chunk: Uint8Array): boolean => {
    if (this.take === undefined) {
      this.kept = new Uint8Array(chunk)
      this.isPaused = true
    } else {
      this.isPaused = !this.take(chunk)
    }
    this.waiter.wake()
    return !this.isPaused
  }

  readonly onEnd = (exit: Exit.Exit<void, TransportError>): void => {
    this.exit = exit
    this.waiter.wake()
  }

  get awaitHead(): Effect.Effect<ResponseHead, TransportError> {
    return this.waiter.until(() =>
      this.head === undefined ? this.exit && Effect.zipRight(this.exit, Effect.never) : Effect.succeed(this.head)
    )
  }

  drive(
    exchange: Exchange,
    onChunk: (chunk: Uint8Array) => boolean
  ): Effect.Effect<"Ended" | "Paused", TransportError> {
    return Effect.suspend(() => {
      const { kept } = this
      this.kept = undefined
      if (kept !== undefined && !onChunk(kept)) {
        return Effect.succeed("Paused" as const)
      }
      this.take = onChunk
      if (this.isPaused) {
        this.isPaused = false
        exchange.resume()
      }
      return Effect.ensuring(
        this.waiter.until(() =>
          this.isPaused ? Exit.succeed("Paused" as const) : this.exit && Exit.as(this.exit, "Ended" as const)
        ),
        Effect.sync(() => {
          this.take = undefined
        })
      )
    })
  }
}
