/**
 * Decides which ticket gets the next permit, with synchronous calls and without a timer.
 *
 * A queue with tickets is either ready, or waits until its origin or its `ConcurrencyLimit` has room. A released permit makes
 * only as many queues ready as it makes room for, so its cost does not grow with the number of waiting tickets.
 */
import { Heap } from "./heap.js"
import { IdlePermits } from "./idlePermits.js"
import { LinkedList } from "./linkedList.js"
import {
  type Bottleneck,
  type ConcurrencyLimit,
  LimitState,
  type Origin,
  type OriginLimits,
  Origins,
  type PermitObstacle,
  type Queue,
  type Report,
  type Ticket
} from "./queues.js"
import { RateLimit } from "./rateLimit.js"
import { Share } from "./share.js"

interface Limits extends OriginLimits {
  readonly concurrency: number
  readonly requestsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
}

export class Permits {
  used = 0
  readonly origins: Origins
  private readonly share = new Share()
  private readonly requests: RateLimit
  private readonly bytes: RateLimit
  private readonly limits = new Map<ConcurrencyLimit, LimitState>()
  /** Queues by the order of their first tickets. */
  private readonly ready = new Heap<Queue>()
  /** Origins by the time at which they may have room. */
  private readonly due = new Heap<Origin>()
  private readonly waiting = new LinkedList<Ticket>()
  private readonly idle = new IdlePermits()
  private readonly concurrency: number
  private order = 0

  constructor(limits: Limits) {
    this.concurrency = limits.concurrency
    this.requests = new RateLimit(limits.requestsPerSecond, "requestsPerSecond")
    this.bytes = new RateLimit(limits.bytesPerSecond, "bytesPerSecond")
    // Invalid limits throw now, and not with the first origin.
    new Origins(limits, this.share).get("", 0)
    this.origins = new Origins(limits, this.share)
  }

  /** Grants the ticket a permit if one is free at this moment and no other ticket waits for it. */
  tryGrant(ticket: Ticket, now: number): boolean {
    const { limit, origin } = ticket
    if (
      this.ready.size > 0 ||
      origin.blocked.size > 0 ||
      origin.queues.has(limit) ||
      this.isFull ||
      this.requests.nextAt > now ||
      isFull(limit) ||
      origin.isBlocked(now)
    ) {
      return false
    }
    origin.tickets++
    this.grant(ticket, now)
    if (ticket.onWanted !== undefined) {
      this.idle.add(ticket)
    }
    return true
  }

  /** Adds the ticket to the end of its queue. It may get its permit during this call. */
  enqueue(ticket: Ticket, now: number): void {
    const { limit, origin } = ticket
    origin.tickets++
    this.tick(now)
    const known = origin.queues.get(limit)
    const queue = known ?? this.addQueue(origin, limit)
    ticket.order = this.order++
    ticket.queue = queue
    ticket.inQueue = queue.tickets.push(ticket)
    ticket.inAll = this.waiting.push(ticket)
    queue.unparked++
    if (known === undefined) {
      this.makeReady(queue)
    }
    this.grantReady(now)
    if (!ticket.isGranted) {
      ticket.park(origin.isBlocked(now))
      this.idle.askFor(ticket, this.isFull, now)
    }
  }

  /** Releases the ticket's permit, or removes the ticket from its queue. */
  leave(ticket: Ticket, now: number): void {
    const { limit, origin } = ticket
    origin.tickets--
    if (!ticket.isGranted) {
      dequeue(ticket, this.waiting)
      return
    }
    if (ticket.onWanted !== undefined) {
      this.idle.remove(ticket)
    }
    ticket.isGranted = false
    this.used--
    origin.used--
    if (limit !== undefined) {
      limit.used--
    }
    this.refill(origin, limit === undefined ? undefined : this.limits.get(limit), now)
    this.grantReady(now)
  }

  report(origin: Origin, { beganAtMillis, pauseMillis = 0, signal }: Report, now: number): void {
    origin.limit.report(signal, origin.used, now, beganAtMillis)
    if (pauseMillis > 0) {
      origin.pausedUntil = Math.max(origin.pausedUntil, now + pauseMillis)
      origin.limit.coolUntil(origin.pausedUntil)
    }
    if ((signal === "overload" || pauseMillis > 0) && origin.isBlocked(now)) {
      for (const queue of origin.queues.values()) {
        parkAll(queue)
      }
    }
    this.refill(origin, undefined, now)
    this.grantReady(now)
  }

  /** Changes the part of the limits of each origin. Permits beyond it stay until they are released. */
  setShare(members: number, place: number, turn: number, now: number): void {
    this.share.set(members, place, turn)
    for (const origin of this.origins.all) {
      this.refill(origin, undefined, now)
    }
    this.grantReady(now)
  }

  /** Counts received bytes, and returns when the receiver may continue. */
  receive(origin: Origin, count: number, now: number): number {
    const before = origin.limit.current(now)
    origin.limit.received(count, now)
    if (origin.limit.current(now) > before) {
      this.refill(origin, undefined, now)
      this.grantReady(now)
    }
    const until = Math.max(this.bytes.take(count, now), origin.bytes.take(count * this.share.weight, now))
    if (until > now) {
      this.bytes.noteWaiter()
      origin.bytes.noteWaiter()
    }
    return until
  }

  /** Counts one more request under a permit that is held, if the origin allows it at this moment. */
  tryReuse({ isGranted, origin }: Ticket, now: number): boolean {
    if (
      !isGranted ||
      origin.used > origin.permits(now) ||
      origin.opensAt > now ||
      this.requests.nextAt > now ||
      origin.blocked.size > 0 ||
      this.ready.size > 0
    ) {
      return false
    }
    this.requests.take(1, now)
    origin.requests.take(this.share.weight, now)
    return true
  }

  /** Why a ticket of the origin, or of any origin, has to wait. Undefined if nothing but other tickets is before it. */
  obstacle(origin: Origin | undefined, now: number): PermitObstacle | undefined {
    return (
      origin?.obstacle(now) ??
      (this.requests.nextAt > now ? "rate" : undefined) ??
      (this.isFull ? "concurrency" : undefined)
    )
  }

  /** When `tick` is due next; infinity if it is not needed. */
  get dueAt(): number {
    const paced = this.ready.size > 0 && !this.isFull ? this.requests.nextAt : Number.POSITIVE_INFINITY
    return Math.min(this.due.leastKey, paced)
  }

  /** Makes queues ready whose origins have room by time alone. */
  tick(now: number): void {
    while (this.due.leastKey <= now) {
      const found = this.due.pop()
      if (found !== undefined && found.value.dueAt === found.key) {
        found.value.dueAt = Number.POSITIVE_INFINITY
        this.refill(found.value, undefined, now)
      }
    }
    this.grantReady(now)
  }

  /** The last waiting ticket. */
  get lastWaiting(): Ticket | undefined {
    return this.waiting.last?.value
  }

  private get isFull(): boolean {
    return this.used >= this.concurrency
  }

  private grantReady(now: number): void {
    while (!this.isFull && this.ready.size > 0) {
      if (this.requests.nextAt > now) {
        this.requests.noteWaiter()
        return
      }
      const found = this.ready.pop()
      if (found !== undefined) {
        this.serve(found.value, found.key, now)
      }
    }
  }

  /** Serves a queue that was ready. */
  private serve(queue: Queue, order: number, now: number): void {
    const { limit, origin, tickets } = queue
    const head = tickets.first?.value
    origin.readyQueues--
    if (limit !== undefined) {
      limit.readyQueues--
    }
    if (head === undefined) {
      this.removeQueue(queue, now)
    } else if (head.order !== order) {
      // The ticket for which the queue was ready has left.
      this.makeReady(queue)
    } else if (origin.isBlocked(now)) {
      parkAll(queue)
      this.block(queue, origin, head, now)
    } else if (limit !== undefined && isFull(limit.limit)) {
      head.park(false)
      this.block(queue, limit, head, now)
    } else {
      dequeue(head, this.waiting)
      this.grant(head, now)
      if (tickets.first === undefined) {
        this.removeQueue(queue, now)
      } else {
        this.makeReady(queue)
      }
      head.wake()
    }
  }

  private grant(ticket: Ticket, now: number): void {
    const { limit, origin } = ticket
    ticket.isGranted = true
    this.used++
    origin.used++
    if (limit !== undefined) {
      limit.used++
    }
    this.requests.take(1, now)
    origin.requests.take(this.share.weight, now)
    ticket.park(false)
  }

  private addQueue(origin: Origin, limit: ConcurrencyLimit | undefined): Queue {
    const state = limit === undefined ? undefined : (this.limits.get(limit) ?? new LimitState(limit))
    if (state !== undefined) {
      state.queues++
      this.limits.set(state.limit, state)
    }
    const queue: Queue = { origin, limit: state, tickets: new LinkedList(), unparked: 0 }
    origin.queues.set(limit, queue)
    return queue
  }

  /** Removes an empty queue. */
  private removeQueue({ limit, origin }: Queue, now: number): void {
    origin.queues.delete(limit?.limit)
    if (limit !== undefined) {
      limit.queues--
      if (limit.queues === 0) {
        this.limits.delete(limit.limit)
      }
    }
    this.refill(origin, limit, now)
  }

  private makeReady(queue: Queue): void {
    queue.origin.readyQueues++
    if (queue.limit !== undefined) {
      queue.limit.readyQueues++
    }
    this.ready.push(queue.tickets.first?.value.order ?? 0, queue)
  }

  private block(queue: Queue, until: Bottleneck, head: Ticket, now: number): void {
    until.blocked.push(head.order, queue)
    this.refill(queue.origin, queue.limit, now)
    this.idle.askFor(head, this.isFull, now)
  }

  /** Makes queues ready for which their origin or their limit has room. */
  private refill(origin: Origin, limit: LimitState | undefined, now: number): void {
    if (limit !== undefined) {
      this.refillFrom(limit, now)
    }
    this.refillFrom(origin, now)
    if (origin.blocked.size > 0 && origin.isBlocked(now)) {
      this.plan(origin, now)
    }
  }

  private refillFrom(bottleneck: Bottleneck, now: number): void {
    const room = bottleneck.blocked.size > 0 ? bottleneck.room(now) : 0
    while (bottleneck.blocked.size > 0 && bottleneck.readyQueues < room) {
      const queue = bottleneck.blocked.pop()?.value
      if (queue !== undefined) {
        this.makeReady(queue)
        const head = queue.tickets.first?.value
        if (this.isFull && head !== undefined) {
          // The ticket no longer waits because of its origin.
          head.park(false)
          this.idle.askFor(head, true, now)
        }
      }
    }
  }

  /** Records when the origin will have room by time alone. */
  private plan(origin: Origin, now: number): void {
    const at = Math.max(origin.opensAt, origin.isFull(now) ? origin.limit.risesAt() : 0)
    if (at < origin.dueAt) {
      origin.dueAt = at
      this.due.push(at, origin)
    }
  }
}

const isFull = (limit: ConcurrencyLimit | undefined): boolean => limit !== undefined && limit.used >= limit.limit

const dequeue = (ticket: Ticket, waiting: LinkedList<Ticket>): void => {
  const { inAll, inQueue, queue } = ticket
  if (queue !== undefined && inQueue !== undefined && inAll !== undefined) {
    queue.tickets.remove(inQueue)
    queue.unparked -= ticket.isParked ? 0 : 1
    waiting.remove(inAll)
    ticket.queue = undefined
  }
}

const parkAll = (queue: Queue): void => {
  // Mostly the first one alone is not parked: the others need not be looked at for each failure.
  for (let node = queue.tickets.first; node !== undefined && queue.unparked > 0; node = node.next) {
    node.value.park(true)
  }
}
