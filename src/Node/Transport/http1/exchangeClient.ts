/**
 * What an exchange asks of its client.
 *
 * @internal
 */
import type { TransportError } from "../../../Transport.js"
import type { Connection } from "./connection.js"
import type { Verdict } from "./pipelineDepth.js"
import type { Head } from "./response/responseHead.js"
import type { Route } from "./target.js"

/** The operations of a client that its exchanges use. */
export interface Client<Exchange> {
  readonly connectMillis: number
  /** Attaches a connection, now or later: an idle one, or a new one if `isNew`. */
  readonly connect: (exchange: Exchange, isNew: boolean) => void
  /** Ends the wait for a connection. */
  readonly cancel: (exchange: Exchange) => void
  /** Takes back a connection whose response was received to its end. `keepAliveMillis` is as in `Head`. */
  readonly release: (exchange: Exchange, connection: Connection, keepAliveMillis: number | undefined) => void
  /** Calls `deliverEnd` in this turn of the event loop, or in a later turn if this turn has already delivered several ends. */
  readonly scheduleEnd: (exchange: Exchange) => void
  /** What a response says about its origin. Undefined if no requests are sent ahead. */
  readonly judge: (route: Route, head: Head, isHttp11: boolean, hasInformational: boolean) => Verdict | undefined
  /** A request was sent, and its response failed. */
  readonly onFlaw: (route: Route) => void
  /** Connects again later, if no descriptor was free. Returns false if the request fails with this error. */
  readonly connectLater: (exchange: Exchange, error: TransportError) => boolean
}
