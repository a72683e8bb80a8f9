/**
 * The permits that are held for optional work, oldest first.
 */
import type { Ticket } from "./queues.js"

export class IdlePermits {
  private readonly held: Array<Ticket> = []

  add(ticket: Ticket): void {
    this.held.push(ticket)
  }

  remove(ticket: Ticket): void {
    const index = this.held.lastIndexOf(ticket)
    if (index >= 0) {
      this.held.splice(index, 1)
    }
  }

  /** Asks the holder of an idle permit that this ticket could use, once a ticket. The newest holder has the least to lose. */
  askFor(ticket: Ticket, isFull: boolean, now: number): void {
    const { limit, origin } = ticket
    if (this.held.length === 0 || ticket.hasAsked || origin.opensAt > now) {
      return
    }
    const isOriginFull = origin.isFull(now)
    const isLimitFull = limit !== undefined && limit.used >= limit.limit
    if (!(isFull || isOriginFull || isLimitFull)) {
      // The ticket waits for a time, and not for a permit.
      return
    }
    const found = this.held.findLast(
      (idle) => (!isOriginFull || idle.origin === origin) && (!isLimitFull || idle.limit === limit)
    )
    if (found !== undefined) {
      ticket.hasAsked = true
      this.remove(found)
      found.onWanted?.()
    }
  }
}
