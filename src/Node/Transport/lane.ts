/**
 * What an exchange asks of the lane that it is in.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { TransportError, TransportResponse } from "../../Transport.js"
import type { Connection } from "./connection.js"

export interface Lane<Exchange> {
  readonly connectMillis: number
  readonly isClosed: boolean
  /** Finds a connection, now or later; a new one where that is asked for. */
  readonly connect: (exchange: Exchange, isNew: boolean) => void
  /** It wants none any more. */
  readonly forget: (exchange: Exchange) => void
  /** A connection whose response was read to its end; undefined: nothing is said of how long it may be kept. */
  readonly release: (exchange: Exchange, connection: Connection, keepAliveMillis: number | undefined) => void
  /** Does it in this turn of the event loop, or in one of the next where much is done in this one already. */
  readonly soon: (act: () => void) => void
  /** What becomes of one that has failed before there was a head. */
  readonly failed: (exchange: Exchange, error: TransportError) => Effect.Effect<TransportResponse, TransportError>
  /** Sends the request through the backend that understands everything; so with all to this origin, if it is foreign. */
  readonly handOver: (exchange: Exchange, isForeign: boolean) => Effect.Effect<TransportResponse, TransportError>
}
