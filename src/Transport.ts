/**
 * The port through which bytes come in: it opens one request and gives the status, the headers and the body.
 *
 * It judges nothing but redirects: what a status or a length means is the `Downloader`'s decision. Backends:
 * `Transport/HttpClient` over any `HttpClient` of `@effect/platform`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Connection, InvalidRequest, Protocol, Timeout, Truncated } from "./DownloadError.js"

/**
 * What a transport can fail with.
 *
 * @category models
 * @since 0.1.0
 */
export type TransportError = Connection | InvalidRequest | Protocol | Timeout | Truncated

/**
 * The final response, after redirects.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransportResponse {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The content as it was sent: no content coding is undone. To be read once, inside the scope of `open`. */
  readonly body: Stream.Stream<Uint8Array, TransportError>
}

/**
 * Opens requests.
 *
 * @category tags
 * @since 0.1.0
 */
export class Transport extends Context.Tag("halyard/Transport")<
  Transport,
  {
    /**
     * Sends a GET for an absolute URL and waits for the response's head. At most 10 redirects are followed, never from
     * `https:` to `http:`. Closing the scope, or an interruption, gives the connection up or back.
     */
    readonly open: (url: string) => Effect.Effect<TransportResponse, TransportError, Scope.Scope>
  }
>() {}
