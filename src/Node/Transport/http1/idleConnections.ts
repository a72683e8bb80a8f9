/**
 * The idle connections of all origins. They are closed when their time is over, or when there are too many.
 *
 * @internal
 */
import type { Connection } from "./connection.js"

const sweepEveryMillis = 1000
// The maximum number of idle connections of all origins together.
const atMost = 64

export class IdleConnections {
  // Least recently used first.
  private readonly all = new Set<Connection>()
  private sweeping: NodeJS.Timeout | undefined

  add(connection: Connection): void {
    connection.ref(false)
    this.all.add(connection)
    // Real time, because the servers count their keep-alive time. Ends with the layer, and does not keep the process alive.
    this.sweeping ??= setTimeout(this.sweep, sweepEveryMillis).unref()
  }

  /** Returns false if the connection is not idle. */
  delete(connection: Connection): boolean {
    return this.all.delete(connection)
  }

  /** Closes the connection that was used least recently. Returns false if there is none. */
  closeOne(): boolean {
    const isAny = this.all.size > 0
    this.trim(Math.max(0, this.all.size - 1))
    return isAny
  }

  /** Closes the idle connections that were used least recently. */
  trim(count: number = atMost): void {
    for (const connection of this.all) {
      if (this.all.size <= count) {
        return
      }
      connection.destroy()
    }
  }

  /** Ends the timer. */
  stop(): void {
    clearTimeout(this.sweeping)
  }

  private readonly sweep = (): void => {
    this.sweeping = undefined
    this.trim()
    const now = performance.now()
    for (const connection of this.all) {
      if (connection.expiresAtMillis <= now) {
        connection.destroy()
      }
    }
    if (this.all.size > 0) {
      // Real time, for the same reason. Ends in the same way.
      this.sweeping = setTimeout(this.sweep, sweepEveryMillis).unref()
    }
  }
}
