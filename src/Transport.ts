/**
 * The port that sends requests and receives responses.
 *
 * A transport sends one request and delivers the response by calls: informational responses, the head, the chunks of the body, the
 * end. It follows no redirect and checks no length: the engine does that, in the same way for all backends. Backends:
 * `Node/Transport` on sockets, `Transport/HttpClient` over any `HttpClient` of `@effect/platform`, and the simulated origin of
 * `halyard/testing`.
 *
 * @since 0.1.0
 */
import type * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AddressRefused, Connection, InvalidRequest, Protocol, Timeout, Truncated } from "./DownloadError.js"
import { Waiter } from "./internal/waiter.js"

/**
 * The errors of a transport.
 *
 * @category models
 * @since 0.1.0
 */
export type TransportError = AddressRefused | Connection | InvalidRequest | Protocol | Timeout | Truncated

/**
 * One request.
 *
 * @category models
 * @since 0.2.0
 */
export interface TransportRequest {
  /** Absolute, `http:` or `https:`, without credentials and fragment. */
  readonly url: string
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Default: `GET`. A request whose method is not idempotent (RFC 9110 §9.2.2) must not be sent a second time after the server may
   * have received it.
   */
  readonly method?: string | undefined
  /** The content of the request, which the transport sends with its length. Default: none. */
  readonly body?: Uint8Array | undefined
  /**
   * True if a redirect led here from another origin. A transport that adds secrets to requests (a token, cookies) must not add
   * them to this one. Default: false.
   */
  readonly isCrossOrigin?: boolean | undefined
  /**
   * Maximum time for a new connection, in milliseconds. Default: the transport's own limit, which also holds if a transport
   * cannot set it for a request (`Transport/HttpClient`).
   */
  readonly connectMillis?: number | undefined
  /**
   * True if the caller can detect a truncated body by its digest or size. Then a body without a length may end with a TLS
   * connection that ends without `close_notify`. Otherwise such a body fails with `Truncated`. Default: false.
   */
  readonly verifiesBody?: boolean | undefined
  /**
   * True if the transport may send the request on a connection before the response to an earlier request has arrived (pipelining,
   * RFC 9112 §9.3.2). The downloader allows it for the first request of a file: a `GET` for the whole content, without a condition
   * and without credentials. Default: false.
   */
  readonly mayPipeline?: boolean | undefined
}

/**
 * The head of a response.
 *
 * @category models
 * @since 0.2.0
 */
export interface ResponseHead {
  readonly status: number
  /** The names are in lower case. The values of several fields with one name are joined with commas (RFC 9110 §5.3), those of `set-cookie` with line feeds, because a comma may be part of a cookie. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * Why a request waits in this process before it is sent.
 *
 * - `descriptor`: as many files and connections are open as the system allows.
 * - `pipeline`: the requests before it on its connection have no response yet.
 *
 * @category models
 * @since 0.2.0
 */
export type HeldBy = "descriptor" | "pipeline"

/**
 * The callbacks that a caller of `send` provides. They must not throw.
 *
 * The calls come one after the other, and none comes before `send` has returned. After `onHead` or `onChunk` has returned false,
 * the next call comes after `Exchange.resume`. No call comes after `onEnd`, or after `Exchange.close` has started.
 *
 * @category models
 * @since 0.2.0
 */
export interface Receiver {
  /** An informational response (1xx, RFC 9110 §15.2) arrived, if the transport can see it. The final response follows. */
  readonly onInformational: () => void
  /** True: the request waits in this process. False: it continues. `by` is what it waits for. Default: `descriptor`. */
  readonly onHeld: (isHeld: boolean, by?: HeldBy) => void
  /** The head of the final response, whatever its status. A redirect is a final response. False pauses the body. */
  readonly onHead: (head: ResponseHead) => boolean
  /**
   * The next bytes of the body as they were sent: no content coding is undone. False pauses the body; the chunk is taken in any
   * case. The transport may use the memory of the chunk again after this returns true, or when `resume` or `close` is called.
   */
  readonly onChunk: (chunk: Uint8Array) => boolean
  /** The last call: the whole body was received, or the request failed, before or after the head. */
  readonly onEnd: (exit: Exit.Exit<void, TransportError>) => void
}

/**
 * The connection of a request, and how long it took to make it.
 *
 * @category models
 * @since 0.2.0
 */
export interface ConnectionInfo {
  /** Identifies the connection within its transport. */
  readonly id: number
  /** Whether an earlier request was sent on it. Then the times are undefined. */
  readonly isReused: boolean
  /** The IP address and the port of the server, or of the proxy: `192.0.2.1:443`, `[2001:db8::1]:443`. */
  readonly remoteAddress: string | undefined
  /** The time in which the name was looked up. */
  readonly lookupMillis: number | undefined
  /** The time in which the connection was made, after the look-up and without TLS. It includes the time to connect through a proxy. */
  readonly connectMillis: number | undefined
  /** The time of the TLS handshake with the server. Undefined without TLS. */
  readonly tlsMillis: number | undefined
}

/**
 * A request that was sent.
 *
 * @category models
 * @since 0.2.0
 */
export interface Exchange {
  /**
   * The connection on which the request was sent last. Undefined before that, and if the transport cannot see connections. It is
   * still there after `onEnd` and `close`.
   */
  readonly connection: ConnectionInfo | undefined
  /** Continues a paused body. Calls of the receiver may come during this call. Does nothing if the body is not paused. */
  readonly resume: () => void
  /**
   * Ends the exchange. Gives the connection back if the response was received to its end; otherwise closes the connection and
   * waits until it is closed. Safe to run more than once, and after `onEnd`.
   */
  readonly close: Effect.Effect<void>
}

/**
 * Sends requests.
 *
 * @category tags
 * @since 0.1.0
 */
export class Transport extends Context.Tag("halyard/Transport")<
  Transport,
  {
    /**
     * Sends a request. A request that cannot be sent fails by `onEnd`; `send` itself does not fail.
     *
     * Run it as an acquisition: uninterruptible, and with `close` of the exchange as the release. A transport that has finished
     * when the call returns gives an `Exit`, so that its caller need not suspend. A fiber of the exchange belongs to a scope
     * (`Effect.forkIn`): the fiber that runs `send` may end before the exchange.
     */
    readonly send: (request: TransportRequest, receiver: Receiver) => Effect.Effect<Exchange>
  }
>() {}

/**
 * A response whose body is a stream.
 *
 * @category models
 * @since 0.2.0
 */
export interface StreamResponse extends ResponseHead {
  /** Can be run once, inside the scope of the response. */
  readonly body: Stream.Stream<Uint8Array, TransportError>
}

/**
 * Derives a transport from a function that gives a response with a stream.
 *
 * `open` sends the request and waits for the head. It runs in a fiber that has the context, the `FiberRef`s and the span of the
 * caller of `send`. The fiber also runs the stream, and closes the scope of `open` before `onEnd`. A defect of `open` or of the
 * stream is delivered by `onEnd`. `close` interrupts the fiber and waits until it has ended. A backend that sees informational
 * responses, or that waits for descriptors, calls `events`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: {
  readonly open: (
    request: TransportRequest,
    events: Pick<Receiver, "onInformational" | "onHeld">
  ) => Effect.Effect<StreamResponse, TransportError, Scope.Scope>
}): typeof Transport.Service =>
  Transport.of({
    send: (request, receiver) =>
      Effect.flatMap(Scope.make(), (scope) => {
        const exchange = new StreamExchange(receiver, scope)
        const response = Effect.suspend(() => options.open(request, exchange))
        return Effect.as(Effect.forkIn(exchange.receive(response), scope), exchange)
      })
  })

/**
 * Sends a request with the transport in the context, and gives the response with its body as a stream. An interruption, and the end
 * of the scope, close the exchange.
 *
 * @category combinators
 * @since 0.2.0
 */
export const open = (
  request: TransportRequest
): Effect.Effect<StreamResponse, TransportError, Transport | Scope.Scope> =>
  Effect.flatMap(Transport, ({ send }) => {
    const receiver = new StreamReceiver()
    return Effect.flatMap(
      Effect.acquireRelease(send(request, receiver), ({ close }) => close),
      (exchange) =>
        Effect.map(receiver.head, (head) => ({
          status: head.status,
          headers: head.headers,
          body: Stream.repeatEffectOption(receiver.next(exchange))
        }))
    )
  })

/** Runs a response with a stream, and calls a receiver. */
class StreamExchange implements Exchange, Pick<Receiver, "onInformational" | "onHeld"> {
  // A stream does not show its connection.
  readonly connection = undefined
  private isClosed = false
  private isPaused = false
  private continue: (() => void) | undefined

  constructor(
    private readonly receiver: Receiver,
    private readonly scope: Scope.CloseableScope
  ) {}

  readonly onInformational = (): void => {
    if (!this.isClosed) {
      this.receiver.onInformational()
    }
  }

  readonly onHeld = (isHeld: boolean, by?: HeldBy): void => {
    if (!this.isClosed) {
      this.receiver.onHeld(isHeld, by)
    }
  }

  readonly resume = (): void => {
    this.isPaused = false
    this.continue?.()
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    return Scope.close(this.scope, Exit.void)
  })

  receive(response: Effect.Effect<StreamResponse, TransportError, Scope.Scope>): Effect.Effect<void> {
    const received = Effect.scoped(Effect.flatMap(response, (opened) => this.deliver(opened)))
    return Effect.uninterruptible(
      Effect.map(Effect.exit(Effect.interruptible(received)), (exit) => {
        if (!this.isClosed) {
          this.receiver.onEnd(exit)
        }
      })
    )
  }

  private deliver(response: StreamResponse): Effect.Effect<void, TransportError, Scope.Scope> {
    type Pull<A> = Effect.Effect<A, Option.Option<TransportError>>
    return Effect.flatMap(Stream.toPull(response.body), (pull: Pull<Chunk.Chunk<Uint8Array>>) => {
      const deliverAll = (chunks: Iterator<Uint8Array>): Pull<never> =>
        Effect.suspend(() => {
          for (let next = chunks.next(); next.done !== true; next = chunks.next()) {
            this.isPaused = this.isClosed || !this.receiver.onChunk(next.value)
            if (this.isPaused) {
              return Effect.zipRight(this.resumed, deliverAll(chunks))
            }
          }
          return Effect.flatMap(pull, (pulled) => deliverAll(pulled[Symbol.iterator]()))
        })
      this.isPaused = this.isClosed || !this.receiver.onHead(response)
      const body = this.isPaused
        ? // The stream starts while the body is paused: a client's body that no stream reads yet can lose its error.
          Effect.flatMap(Effect.forkScoped(Effect.interruptible(pull)), (first) =>
            Effect.zipRight(
              this.resumed,
              Effect.flatMap(Fiber.join(first), (pulled) => deliverAll(pulled[Symbol.iterator]()))
            )
          )
        : deliverAll([].values())
      return Effect.catchAll(body, Option.match({ onNone: () => Effect.void, onSome: Effect.fail }))
    })
  }

  /** Suspends until the body is not paused. */
  private readonly resumed: Effect.Effect<void> = Effect.async((resume) => {
    this.continue = () => resume(Effect.void)
    if (!this.isPaused) {
      this.continue()
    }
  })
}

/** Receives a response for a stream, one chunk at a time. */
class StreamReceiver implements Receiver {
  private received: ResponseHead | undefined
  private chunk: Uint8Array | undefined
  private exit: Exit.Exit<void, TransportError> | undefined
  private readonly waiter = new Waiter()

  readonly onInformational = (): void => {}

  readonly onHeld = (): void => {}

  readonly onHead = (head: ResponseHead): false => {
    this.received = head
    this.waiter.wake()
    return false
  }

  readonly onChunk = (chunk: Uint8Array): false => {
    // A copy, because the transport may use the memory again. The `slice` of a `Buffer` is not a copy.
    this.chunk = new Uint8Array(chunk)
    this.waiter.wake()
    return false
  }

  readonly onEnd = (exit: Exit.Exit<void, TransportError>): void => {
    this.exit = exit
    this.waiter.wake()
  }

  /** Suspends until the head was received. */
  readonly head: Effect.Effect<ResponseHead, TransportError> = Effect.suspend(() =>
    this.waiter.until(() =>
      this.received === undefined
        ? this.exit && Effect.zipRight(this.exit, Effect.dieMessage("a response without a head"))
        : Effect.succeed(this.received)
    )
  )

  /** Resumes the body, and suspends until the next chunk or the end. */
  next(exchange: Exchange): Effect.Effect<Uint8Array, Option.Option<TransportError>> {
    const next = Effect.suspend(() => {
      if (this.chunk === undefined && this.exit === undefined) {
        exchange.resume()
      }
      return this.waiter.until(() => {
        const { chunk, exit } = this
        this.chunk = undefined
        return chunk === undefined ? exit && Effect.as(exit, undefined) : Effect.succeed(chunk)
      })
    })
    return Effect.flatMap(Effect.mapError(next, Option.some), (chunk) =>
      chunk === undefined ? Effect.fail(Option.none()) : Effect.succeed(chunk)
    )
  }
}
