/**
 * Which ticket gets the next permit: by calls, without waiting and without a timer.
 *
 * Tickets of one origin and one gate wait in a lane, first come first served. A lane stands in one place: among the
 * ready ones, or with the origin or the gate that has no room for it. A permit that is given back moves as many lanes as
 * it makes room for, so its cost does not grow with the number of tickets that wait.
 *
 * @internal
 */
import { AdaptiveLimit } from "./adaptive.js"
import { Heap } from "./heap.js"
import { LinkedList, type Node } from "./linkedList.js"
import { Pace } from "./pace.js"

export interface Gate {
  readonly limit: number
  used: number
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

/** Lanes that wait for room. */
interface Blocking {
  readonly blocked: Heap<Lane>
  /** How many of its lanes are among the ready ones. */
  readyLanes: number
}

export interface Origin extends Blocking {
  readonly name: string
  used: number
  /** Tickets that have a permit or wait for one. */
  known: number
  pausedUntil: number
  readonly limit: AdaptiveLimit
  readonly requests: Pace
  readonly bytes: Pace
  /** By their gates. */
  readonly lanes: Map<Gate | undefined, Lane>
  /** When there may be room by time alone, if that is planned. */
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
  /** Tickets that were not told that their origin makes them wait. */
  untold: number
}

export class Ticket {
  isGranted = false
  isParked = false
  /** Whether it has asked for a permit that can be done without. */
  hasWanted = false
  /** Called when it has got its permit. */
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
    /** Called when its origin makes it wait, and when that is over. */
    readonly onParked?: ((is: boolean) => void) | undefined,
    /** Called when another ticket has to wait, and this one's permit would do. */
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
  /** Origins that may have room by then. */
  private readonly due = new Heap<Origin>()
  private readonly waiting = new LinkedList<Ticket>()
  private readonly spares = new LinkedList<Ticket>()
  private order = 0
  private forgetAt = fewOrigins

  constructor(private readonly limits: Limits) {
    this.requests = new Pace(limits.requestsPerSecond, "requestsPerSecond")
    this.bytes = new Pace(limits.bytesPerSecond, "bytesPerSecond")
    // Wrong limits are refused now, and not with the first origin.
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

  /** Gives the ticket a permit, if there is one at this moment that no other ticket waits for. */
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

  /** Puts the ticket behind those that wait, where it may get its permit at once. */
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

  /** Gives back its permit, or its place among those that wait. */
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

  /** Leaves the origin alone until then. */
  pause(origin: Origin, until: number, now: number): void {
    origin.pausedUntil = Math.max(origin.pausedUntil, until)
    origin.limit.coolUntil(origin.pausedUntil)
    this.parkAll(origin, now)
    this.pump(now)
  }

  report(origin: Origin, signal: "success" | "overload" | "neutral", now: number, beganAt?: number): void {
    origin.limit.report(signal, origin.used, now, beganAt)
    if (signal === "overload") {
      this.parkAll(origin, now)
    }
    this.openOrigin(origin, now)
    this.pump(now)
  }

  /** Counts received bytes, and says when their receiver may go on. */
  receive(origin: Origin, count: number, now: number): number {
    const before = origin.limit.current(now)
    origin.limit.received(count, now)
    if (origin.limit.current(now) > before) {
      this.openOrigin(origin, now)
      this.pump(now)
    }
    return restUntil(this.bytes, origin.bytes, count, now)
  }

  /** Counts one more request with a permit that is held, if one may be sent at this moment. */
  tryAgain(origin: Origin, now: number): boolean {
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

  /** When there is something to do by time alone; infinity if there is nothing. */
  get dueAt(): number {
    const paced =
      this.ready.size > 0 && this.used < this.limits.concurrency ? this.requests.nextAt : Number.POSITIVE_INFINITY
    return Math.min(this.due.leastKey, paced)
  }

  /** Does what is due. */
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

  /** The last one of those that wait. */
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

  /** A lane that was taken from the ready ones. */
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
      // The ticket that it was ready with has left.
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

  /** A lane that is empty. */
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

  /** Makes lanes ready that the origin has room for. */
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
          // Its origin makes it wait no more.
          head?.park(false)
          this.want(head, now)
        }
      }
    }
  }

  /** Remembers when the origin may have room without a permit that is given back. */
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

  /** Asks for a permit back that can be done without, once: the newest one, which has the least to lose. */
  private want(ticket: Ticket | undefined, now: number): void {
    if (ticket === undefined || ticket.hasWanted || this.spares.last === undefined) {
      return
    }
    const { gate, origin } = ticket
    const isOriginFull = origin.used >= origin.limit.current(now)
    const isGateFull = isFull(gate)
    if (opensAt(origin) > now || !(isOriginFull || isGateFull || this.used >= this.limits.concurrency)) {
      // It waits for a time, and not for a permit.
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

  /** A million origins are no million entries; but what an origin has shown is not forgotten because of others. */
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
    // As many again have to come first, so that the look at all of them costs each one little.
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
