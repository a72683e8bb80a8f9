/**
 * The port through which bytes come in: it sends one request and gives the status, the headers and the body.
 *
 * It judges nothing and follows nothing: what a status, a redirect or a length means is decided above it, once for all
 * backends. Backends: `Node/Transport` on sockets, `Transport/HttpClient` over any `HttpClient` of
 * `@effect/platform`, and the simulated origin of `halyard/testing`.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AddressRefused, Connection, InvalidRequest, Protocol, Timeout, Truncated } from "./DownloadError.js"

/**
 * What a transport can fail with.
 *
 * @category models
 * @since 0.1.0
 */
export type TransportError = AddressRefused | Connection | InvalidRequest | Protocol | Timeout | Truncated

/**
 * One GET, to be sent as it is.
 *
 * @category models
 * @since 0.2.0
 */
export interface TransportRequest {
  /** Absolute, `http:` or `https:`, without credentials and fragment. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * True if a redirect led here from another origin. A transport that adds secrets to a request (a token, cookies) must
   * not add them to this one. Default false.
   */
  readonly isCrossOrigin?: boolean | undefined
  /**
   * Maximum time for a new connection, in milliseconds. Default: the transport's own limit, which also holds if a transport
   * cannot set it for a request (`Transport/HttpClient`).
   */
  readonly connectMillis?: number | undefined
  /**
   * True if the caller can detect a truncated body by its digest or size. Then a body without a length may end with a TLS
   * connection that ends without `close_notify`; otherwise it fails with `Truncated`. Default false.
   */
  readonly verifiesBody?: boolean | undefined
  /**
   * Called for each informational response (1xx, RFC 9110 §15.2) before the final one, if the transport can see them. Must not
   * throw.
   */
  readonly onInformational?: (() => void) | undefined
  /**
   * Called with true if the request has to wait in this process for a file descriptor, and with false when it goes on: the
   * server is not asked meanwhile, and the limit for the response's head starts then. Must not throw.
   */
  readonly onHeld?: ((isHeld: boolean) => void) | undefined
}

/**
 * One response, whatever its status.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransportResponse {
  readonly status: number
  /** By lower-case name; of several fields of one name, the values with commas between them (RFC 9110 §5.3). */
  readonly headers: Readonly<Record<string, string | undefined>>
  /**
   * Pushes the content, as it was sent (no content coding is undone), chunk by chunk into `onChunk`, from where an
   * earlier call left off. A chunk is taken in any case; `onChunk` says whether more may come: the effect goes on while
   * it says true, and is `"Paused"` after the first false. `"Ended"` after the last chunk of a complete body.
   *
   * A chunk's memory may be used again after `onChunk` said true, or when `drive` is called again. Interrupting it leaves
   * the body paused. One call at a time, inside the scope of `open`.
   */
  readonly drive: (onChunk: (chunk: Uint8Array) => boolean) => Effect.Effect<"Ended" | "Paused", TransportError>
}

/**
 * A request that its caller closes.
 *
 * @category models
 * @since 0.2.0
 */
export interface Exchange {
  /** As of `open`; run at most once. */
  readonly response: Effect.Effect<TransportResponse, TransportError>
  /**
   * What closing the scope of `open` does. To be run once at the end, also where `response` failed, was interrupted or
   * never run.
   */
  readonly close: Effect.Effect<void>
}

/**
 * Who is pushed a response, by calls one after the other and none inside `dispatch`. After `onEnd`, `onStop`, or an answer
 * of false there are no more.
 *
 * @category models
 * @since 0.2.0
 */
export interface Receiver {
  /** Whether the body is to be pushed, from now on. */
  readonly onHead: (response: TransportResponse) => boolean
  /** As of `drive`: whether more may come. */
  readonly onChunk: (chunk: Uint8Array) => boolean
  /** That was the whole body, and nothing is left to be closed. */
  readonly onEnd: () => void
  /** It does not go on by calls: it failed, or has to wait. The `response` of the exchange says what, or, after a head, `drive`. */
  readonly onStop: () => void
}

/**
 * The exchange of any transport.
 *
 * @category combinators
 * @since 0.2.0
 */
export const begin = (
  transport: Pick<typeof Transport.Service, "open" | "begin">,
  request: TransportRequest
): Exchange => {
  if (transport.begin !== undefined) {
    return transport.begin(request)
  }
  let scope: Scope.CloseableScope | undefined
  return {
    response: Effect.flatMap(Scope.make(), (made) => {
      scope = made
      return Scope.extend(transport.open(request), made)
    }),
    close: Effect.suspend(() => (scope === undefined ? Effect.void : Scope.close(scope, Exit.void)))
  }
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
     * Sends a GET and waits for the head of the final response; a redirect is one. Closing the scope, or an
     * interruption, gives the connection back where the body was read to its end, and closes it where not.
     */
    readonly open: (request: TransportRequest) => Effect.Effect<TransportResponse, TransportError, Scope.Scope>
    /**
     * The same for a caller that closes by itself, where a backend has it: a scope for each request costs more than all
     * the rest of a small one.
     */
    readonly begin?: (request: TransportRequest) => Exchange
    /**
     * Sends a GET at once, and pushes its response: no fiber waits for it. Where the receiver has said false, or was told
     * `onStop`, the exchange goes on as if it had been begun, from there. To be closed unless `onEnd` was told. Undefined
     * where that cannot be for this request; nothing was sent then.
     */
    readonly dispatch?: (request: TransportRequest, receiver: Receiver) => Exchange | undefined
  }
>() {}

/**
 * A response over a stream, for backends whose clients have one. The stream is run in the scope of `open`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromStream = (response: {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Stream.Stream<Uint8Array, TransportError>
}): Effect.Effect<TransportResponse, never, Scope.Scope> =>
  Effect.gen(function* () {
    type Pull = Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<TransportError>>
    const pull: Pull = yield* Stream.toPull(response.body)
    // Begun at once: a body that nobody listens to yet loses its error, and would look like one that has ended.
    const first = yield* Effect.forkScoped(Effect.interruptible(pull))
    let isFirst = true
    let pulled: Iterator<Uint8Array> = [].values()
    const more: Pull = Effect.suspend(() =>
      isFirst
        ? Effect.tap(Fiber.join(first), () => {
            isFirst = false
          })
        : pull
    )
    const push = (
      onChunk: (chunk: Uint8Array) => boolean
    ): Effect.Effect<"Ended" | "Paused", Option.Option<TransportError>> =>
      Effect.suspend(() => {
        for (let next = pulled.next(); next.done !== true; next = pulled.next()) {
          if (!onChunk(next.value)) {
            return Effect.succeed("Paused" as const)
          }
        }
        return Effect.flatMap(more, (chunks) => {
          pulled = chunks[Symbol.iterator]()
          return push(onChunk)
        })
      })
    return {
      status: response.status,
      headers: response.headers,
      drive: (onChunk) =>
        Effect.catchAll(
          push(onChunk),
          Option.match({ onNone: () => Effect.succeed("Ended" as const), onSome: Effect.fail })
        )
    }
  })

/**
 * The content of a response as a stream, to be run once and inside the scope of `open`.
 *
 * @category combinators
 * @since 0.2.0
 */
export const toStream = (response: TransportResponse): Stream.Stream<Uint8Array, TransportError> =>
  Stream.paginateChunkEffect(undefined, () => {
    let chunk: Uint8Array | undefined
    return Effect.map(
      response.drive((next) => {
        // A copy, because its memory may be used again; the `slice` of a `Buffer` would be none.
        chunk = new Uint8Array(next)
        return false
      }),
      (how) => [
        chunk === undefined ? Chunk.empty() : Chunk.of(chunk),
        how === "Ended" ? Option.none() : Option.some(undefined)
      ]
    )
  })
