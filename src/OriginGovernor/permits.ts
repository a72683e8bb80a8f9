/**
 * Decides which ticket gets the next permit, with synchronous calls and without a timer.
 *
 * Tickets of one origin and one gate wait in a lane, first come first served. A lane is in one place: in the queue of ready
 * lanes, or in the queue of the origin or gate that has no room for it. A released permit moves only as many lanes as it makes
 * room for, so its cost does not grow with the number of waiting tickets.
 *
 * @internal
 */
import { AdaptiveLimit } from "./adaptiveLimit.js"
import { Heap } from "./heap.js"
import { LinkedList, type Node } from "./linkedList.js"
import { Pace } from "./rateLimit.js"

export interface Gate {
  readonly limit: number
  used: number
}

export interface Report {
  readonly signal: "success" | "overload" | "neutral"
  readonly beganAtMillis: number
  readonly pauseMillis?: number | undefined
}

export interface Limits {
  readonly concurrency: number
  readonly perOrigin: number
  readonly isAdaptive: boolean
  readonly requestsPerSecond: number | undefined
  readonly requestsPerSecondPerOrigin: number | undefined
  readonly bytesPerSecond: number | undefined
  readonly bytesPerSecondPerOrigin: number | undefined
}

/** An origin or a gate, with the lanes that wait until it has room. */
interface Blocking {
  readonly blocked: Heap<Lane>
  /** The number of its lanes in the queue of ready lanes. */
  readyLanes: number
}

export interface Origin extends Blocking {
  readonly name: string
  used: number
  /** The number of tickets that have a permit or wait for one. */
  known: number
  pausedUntil: number
  readonly limit: AdaptiveLimit
  readonly requests: Pace
  readonly bytes: Pace
  /** Lanes by their gates. */
  readonly lanes: Map<Gate | undefined, Lane>
  /** When the origin has room by time alone, if that is planned. */
  dueAt: number
  readonly spares: LinkedList<Ticket>
}

interface GateState extends Blocking {
  readonly gate: Gate
  lanes: number
}

interface Lane {
  readonly origin: Origin
  readonly gate: GateState | undefined
  readonly tickets: LinkedList<Ticket>
  place: "ready" | "origin" | "gate" | undefined
  /** The number of tickets whose `onParked` was not called for their wait. */
  untold: number
}

export class Ticket {
  isGranted = false
  isParked = false
  /** Whether this ticket has already requested the permit of an optional holder. */
  hasWanted = false
  /** Called when the ticket has its permit. */
  onGranted: (() => void) | undefined
  lane: Lane | undefined
  inLane: Node<Ticket> | undefined
  inAll: Node<Ticket> | undefined
  inOriginSpares: Node<Ticket> | undefined
  inSpares: Node<Ticket> | undefined
  order = 0

  constructor(
    readonly origin: Origin,
    readonly gate: Gate | undefined,
    /** Called with true when the ticket has to wait because of its origin, and with false when that ends. */
    readonly onParked?: ((is: boolean) => void) | undefined,
    /** Called when another ticket has to wait for a permit that this optional holder could release. */
    readonly onWanted?: (() => void) | undefined
  ) {}

  park(is: boolean): void {
    if (is !== this.isParked) {
      this.isParked = is
      if (this.lane !== undefined) {
        this.lane.untold += is ? -1 : 1
      }
      this.onParked?.(is)
    }
  }
}

export class Permits {
  used = 0
  readonly bytes: Pace
  private readonly requests: Pace
  private readonly origins = new Map<string, Origin>()
  private readonly gates = new Map<Gate, GateState>()
  private readonly ready = new Heap<Lane>()
  /** Origins by the time at which they may have room. */
  private readonly due = new Heap<Origin>()
  private readonly waiting = new LinkedList<Ticket>()
  private readonly spares = new LinkedList<Ticket>()
  private order = 0
  private forgetAt = fewOrigins

  constructor(private readonly limits: Limits) {
    this.requests = new Pace(limits.requestsPerSecond, "requestsPerSecond")
    this.bytes = new Pace(limits.bytesPerSecond, "bytesPerSecond")
    // Invalid limits throw now, and not with the first origin.
    this.originOf("", 0)
    this.origins.clear()
  }

  find(name: string): Origin | undefined {
    return this.origins.get(name)
  }

  originOf(name: string, now: number): Origin {
    const found = this.origins.get(name)
    if (found !== undefined) {
      return found
    }
    if (this.origins.size >= this.forgetAt) {
      this.forgetInitial(now)
    }
    const { limits } = this
    const made: Origin = {
      name,
      used: 0,
      known: 0,
      pausedUntil: 0,
      limit: new AdaptiveLimit(limits.perOrigin, limits.isAdaptive),
      requests: new Pace(limits.requestsPerSecondPerOrigin, "requestsPerSecondPerOrigin"),
      bytes: new Pace(limits.bytesPerSecondPerOrigin, "bytesPerSecondPerOrigin"),
      lanes: new Map(),
      blocked: new Heap(),
      readyLanes: 0,
      dueAt: Number.POSITIVE_INFINITY,
      spares: new LinkedList()
    }
    this.origins.set(name, made)
    return made
  }

  /** Grants the ticket a permit if one is free at this moment and no other ticket waits for it. */
  tryGrant(ticket: Ticket, now: number): boolean {
    const { gate, origin } = ticket
    if (
      this.ready.size > 0 ||
      origin.blocked.size > 0 ||
      origin.lanes.has(gate) ||
      this.used >= this.limits.concurrency ||
      this.requests.nextAt > now ||
      isFull(gate) ||
      isOriginBlocked(origin, now)
    ) {
      return false
    }
    origin.known++
    this.grant(ticket, now)
    if (ticket.onWanted !== undefined) {
      ticket.inSpares = this.spares.push(ticket)
      ticket.inOriginSpares = origin.spares.push(ticket)
    }
    return true
  }

  /** Adds the ticket to the end of its lane. It may get its permit during this call. */
  enqueue(ticket: Ticket, now: number): void {
    const { gate, origin } = ticket
    origin.known++
    this.tick(now)
    const lane = origin.lanes.get(gate) ?? this.laneOf(origin, gate)
    ticket.order = this.order++
    ticket.lane = lane
    ticket.inLane = lane.tickets.push(ticket)
    ticket.inAll = this.waiting.push(ticket)
    lane.untold++
    if (lane.place === undefined) {
      this.makeReady(lane, ticket.order)
    }
    this.pump(now)
    if (!ticket.isGranted) {
      ticket.park(isOriginBlocked(origin, now))
      this.want(ticket, now)
    }
  }

  /** Releases the ticket's permit, or removes the ticket from its lane. */
  leave(ticket: Ticket, now: number): void {
    const { gate, origin } = ticket
    origin.known--
    this.unlist(ticket)
    this.removeSpare(ticket)
    if (!ticket.isGranted) {
      return
    }
    ticket.isGranted = false
    this.used--
    origin.used--
    if (gate !== undefined) {
      gate.used--
      const state = this.gates.get(gate)
      if (state !== undefined) {
        this.refill(state, gate.limit - gate.used, now)
      }
    }
    this.openOrigin(origin, now)
    this.pump(now)
  }

  report(origin: Origin, { beganAtMillis, pauseMillis = 0, signal }: Report, now: number): void {
    origin.limit.report(signal, origin.used, now, beganAtMillis)
    if (pauseMillis > 0) {
      origin.pausedUntil = Math.max(origin.pausedUntil, now + pauseMillis)
      origin.limit.coolUntil(origin.pausedUntil)
    }
    if (signal === "overload" || pauseMillis > 0) {
      this.parkAll(origin, now)
    }
    this.openOrigin(origin, now)
    this.pump(now)
  }

  /** Counts received bytes, and returns when the receiver may continue. */
  receive(origin: Origin, count: number, now: number): number {
    const before = origin.limit.current(now)
    origin.limit.received(count, now)
    if (origin.limit.current(now) > before) {
      this.openOrigin(origin, now)
      this.pump(now)
    }
    return restUntil(this.bytes, origin.bytes, count, now)
  }

  /** Counts one more request under a permit that is held, if the origin allows it at this moment. */
  tryReuse(origin: Origin, now: number): boolean {
    if (
      origin.used > origin.limit.current(now) ||
      opensAt(origin) > now ||
      this.requests.nextAt > now ||
      origin.blocked.size > 0 ||
      this.ready.size > 0
    ) {
      return false
    }
    this.requests.take(1, now)
    origin.requests.take(1, now)
    return true
  }

  /** When `tick` is due next; infinity if it is not needed. */
  get dueAt(): number {
    const paced =
      this.ready.size > 0 && this.used < this.limits.concurrency ? this.requests.nextAt : Number.POSITIVE_INFINITY
    return Math.min(this.due.leastKey, paced)
  }

  /** Makes lanes ready whose origins have room by time alone. */
  tick(now: number): void {
    while (this.due.leastKey <= now) {
      const found = this.due.pop()
      if (found !== undefined && found.value.dueAt === found.key) {
        found.value.dueAt = Number.POSITIVE_INFINITY
        this.openOrigin(found.value, now)
      }
    }
    this.pump(now)
  }

  /** The last waiting ticket. */
  get lastWaiting(): Ticket | undefined {
    return this.waiting.last?.value
  }

  private pump(now: number): void {
    while (this.used < this.limits.concurrency && this.ready.size > 0) {
      if (this.requests.nextAt > now) {
        this.requests.await()
        return
      }
      const found = this.ready.pop()
      if (found !== undefined) {
        this.serve(found.value, found.key, now)
      }
    }
  }

  /** Serves a lane that was taken from the queue of ready lanes. */
  private serve(lane: Lane, order: number, now: number): void {
    const { gate, origin, tickets } = lane
    const head = tickets.first?.value
    lane.place = undefined
    origin.readyLanes--
    if (gate !== undefined) {
      gate.readyLanes--
    }
    if (head === undefined) {
      this.drop(lane, now)
    } else if (head.order !== order) {
      // The ticket for which the lane was ready has left.
      this.makeReady(lane, head.order)
    } else if (isOriginBlocked(origin, now)) {
      this.block(lane, "origin", now)
    } else if (isFull(gate?.gate)) {
      this.block(lane, "gate", now)
    } else {
      this.unlist(head)
      this.grant(head, now)
      const next = tickets.first?.value
      if (next === undefined) {
        this.drop(lane, now)
      } else {
        this.makeReady(lane, next.order)
      }
      head.onGranted?.()
    }
  }

  private grant(ticket: Ticket, now: number): void {
    const { gate, origin } = ticket
    ticket.isGranted = true
    this.used++
    origin.used++
    if (gate !== undefined) {
      gate.used++
    }
    this.requests.take(1, now)
    origin.requests.take(1, now)
    ticket.park(false)
  }

  private laneOf(origin: Origin, gate: Gate | undefined): Lane {
    let state: GateState | undefined
    if (gate !== undefined) {
      state = this.gates.get(gate)
      if (state === undefined) {
        state = { gate, lanes: 0, blocked: new Heap(), readyLanes: 0 }
        this.gates.set(gate, state)
      }
      state.lanes++
    }
    const lane: Lane = { origin, gate: state, tickets: new LinkedList(), place: undefined, untold: 0 }
    origin.lanes.set(gate, lane)
    return lane
  }

  private makeReady(lane: Lane, order: number): void {
    lane.place = "ready"
    lane.origin.readyLanes++
    if (lane.gate !== undefined) {
      lane.gate.readyLanes++
    }
    this.ready.push(order, lane)
  }

  private block(lane: Lane, place: "origin" | "gate", now: number): void {
    const { gate, origin, tickets } = lane
    const head = tickets.first?.value
    lane.place = place
    if (place === "origin") {
      origin.blocked.push(head?.order ?? 0, lane)
      tellAll(lane)
      this.plan(origin, now)
      if (gate !== undefined) {
        this.refill(gate, gate.gate.limit - gate.gate.used, now)
      }
    } else {
      gate?.blocked.push(head?.order ?? 0, lane)
      head?.park(false)
      this.openOrigin(origin, now)
    }
    this.want(head, now)
  }

  /** Removes an empty lane. */
  private drop(lane: Lane, now: number): void {
    const { gate, origin } = lane
    origin.lanes.delete(gate?.gate)
    if (gate !== undefined) {
      gate.lanes--
      if (gate.lanes === 0) {
        this.gates.delete(gate.gate)
      } else {
        this.refill(gate, gate.gate.limit - gate.gate.used, now)
      }
    }
    this.openOrigin(origin, now)
  }

  /** Makes lanes ready for which the origin has room. */
  private openOrigin(origin: Origin, now: number): void {
    if (origin.blocked.size > 0) {
      if (isOriginBlocked(origin, now)) {
        this.plan(origin, now)
      } else {
        this.refill(origin, origin.limit.current(now) - origin.used, now)
      }
    }
  }

  private refill(from: Blocking, room: number, now: number): void {
    while (from.blocked.size > 0 && from.readyLanes < room) {
      const found = from.blocked.pop()
      if (found !== undefined) {
        const head = found.value.tickets.first?.value
        this.makeReady(found.value, head?.order ?? 0)
        if (this.used >= this.limits.concurrency) {
          // The ticket no longer waits because of its origin.
          head?.park(false)
          this.want(head, now)
        }
      }
    }
  }

  /** Records when the origin will have room by time alone. */
  private plan(origin: Origin, now: number): void {
    const isFull = origin.used >= origin.limit.current(now)
    const at = Math.max(opensAt(origin), isFull ? origin.limit.risesAt() : 0)
    if (at < origin.dueAt) {
      origin.dueAt = at
      this.due.push(at, origin)
    }
  }

  private parkAll(origin: Origin, now: number): void {
    if (isOriginBlocked(origin, now)) {
      for (const lane of origin.lanes.values()) {
        tellAll(lane)
      }
    }
  }

  private unlist(ticket: Ticket): void {
    const { inAll, inLane, lane } = ticket
    if (lane !== undefined && inLane !== undefined && inAll !== undefined) {
      lane.tickets.remove(inLane)
      lane.untold -= ticket.isParked ? 0 : 1
      this.waiting.remove(inAll)
      ticket.lane = undefined
      ticket.inLane = undefined
      ticket.inAll = undefined
    }
  }

  private removeSpare(ticket: Ticket): void {
    const { inOriginSpares, inSpares, origin } = ticket
    if (inSpares !== undefined && inOriginSpares !== undefined) {
      this.spares.remove(inSpares)
      origin.spares.remove(inOriginSpares)
      ticket.inSpares = undefined
      ticket.inOriginSpares = undefined
    }
  }

  /** Requests the permit of an optional holder, once. The newest holder has the least to lose. */
  private want(ticket: Ticket | undefined, now: number): void {
    if (ticket === undefined || ticket.hasWanted || this.spares.last === undefined) {
      return
    }
    const { gate, origin } = ticket
    const isOriginFull = origin.used >= origin.limit.current(now)
    const isGateFull = isFull(gate)
    if (opensAt(origin) > now || !(isOriginFull || isGateFull || this.used >= this.limits.concurrency)) {
      // The ticket waits for a time, and not for a permit.
      return
    }
    let node = isOriginFull ? origin.spares.last : this.spares.last
    while (node !== undefined && isGateFull && node.value.gate !== gate) {
      node = node.previous
    }
    if (node !== undefined) {
      const found = node.value
      ticket.hasWanted = true
      this.removeSpare(found)
      found.onWanted?.()
    }
  }

  /** Removes origins in their initial state, so that a million origins do not take a million entries. */
  private forgetInitial(now: number): void {
    for (const origin of this.origins.values()) {
      if (
        origin.known === 0 &&
        origin.lanes.size === 0 &&
        opensAt(origin) <= now &&
        origin.bytes.nextAt <= now &&
        origin.limit.isInitial(now)
      ) {
        this.origins.delete(origin.name)
      }
    }
    // The next check comes after as many new origins, so that the cost for each origin is small.
    this.forgetAt = Math.max(fewOrigins, 2 * this.origins.size)
  }
}

const fewOrigins = 1024

const opensAt = (origin: Origin): number => Math.max(origin.pausedUntil, origin.requests.nextAt)

const isFull = (gate: Gate | undefined): boolean => gate !== undefined && gate.used >= gate.limit

const isOriginBlocked = (origin: Origin, now: number): boolean => {
  if (origin.used >= origin.limit.current(now) || origin.pausedUntil > now) {
    return true
  }
  if (origin.requests.nextAt > now) {
    if (origin.lanes.size > 0) {
      origin.requests.await()
    }
    return true
  }
  return false
}

const tellAll = (lane: Lane): void => {
  if (lane.untold > 0) {
    for (let node = lane.tickets.first; node !== undefined; node = node.next) {
      node.value.park(true)
    }
  }
}

const restUntil = (all: Pace, own: Pace, count: number, now: number): number => {
  const until = Math.max(all.take(count, now), own.take(count, now))
  if (until > now) {
    all.await()
    own.await()
  }
  return until
}
