/**
 * The connections of one route, and the exchanges that wait for them.
 *
 * @internal
 */
import type { Connection } from "./connection.js"
import type { Exchange } from "./exchange.js"
import type { PipelineDepth } from "./pipelineDepth.js"
import type { Route } from "./target.js"

export class Pool {
  readonly idle: Array<Connection> = []
  /** Connections that are about to be idle. */
  readonly resting = new Set<Connection>()
  readonly waiting: Array<Exchange> = []
  connections = 0

  constructor(
    readonly route: Route,
    /** Undefined if each request is sent when the one before is answered. */
    readonly depth: PipelineDepth | undefined
  ) {}

  /** The number of exchanges that can wait for the connections that are about to be idle. */
  get room(): number {
    return this.resting.size * (this.depth?.mostly ?? 1)
  }

  /** Removes the exchange that has waited longest, if there are more than can wait. */
  takeOverdue(): Exchange | undefined {
    return this.waiting.length > this.room ? this.waiting.shift() : undefined
  }

  /** Removes a connection that is closed. Returns false if it was in use. */
  delete(connection: Connection): boolean {
    const at = this.idle.indexOf(connection)
    if (at !== -1) {
      this.idle.splice(at, 1)
    }
    return this.resting.delete(connection)
  }
}
