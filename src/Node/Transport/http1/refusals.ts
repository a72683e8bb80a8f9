/**
 * Exchanges whose connections were refused a file descriptor by the system, and which connect again later.
 *
 * @internal
 */
import type { Exchange } from "./exchange.js"

// The request waits for about a minute. Connections leave room for files, and idle connections and files are closed, so a longer
// wait is a fault. The pauses grow from 50 milliseconds to a second.
const refusalsAtMost = 66
const pauseMillis = (refusals: number): number => Math.min(1000, 50 * 1.5 ** refusals)

export class Refusals {
  private readonly timers = new Map<Exchange, NodeJS.Timeout>()

  /** Calls `connect` after a pause. Returns false if the exchange was refused too often. */
  connectLater(exchange: Exchange, connect: () => void): boolean {
    if (exchange.refusals === refusalsAtMost) {
      return false
    }
    exchange.hold(true)
    const again = () => {
      this.timers.delete(exchange)
      connect()
    }
    // Real time, because other parts of the system must close a descriptor. Ends with the exchange.
    this.timers.set(exchange, setTimeout(again, pauseMillis(exchange.refusals++)))
    return true
  }

  delete(exchange: Exchange): void {
    clearTimeout(this.timers.get(exchange))
    this.timers.delete(exchange)
  }

  /** Removes all exchanges, and returns them. */
  clear(): ReadonlyArray<Exchange> {
    const exchanges = [...this.timers.keys()]
    for (const exchange of exchanges) {
      this.delete(exchange)
    }
    return exchanges
  }
}
