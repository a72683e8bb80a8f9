/**
 * The tickets of a governor, the queues in which they wait, and the origins and limits for which the queues wait.
 */
import { AdaptiveLimit } from "./adaptiveLimit.js"
import { Heap } from "./heap.js"
import type { LinkedList, Node } from "./linkedList.js"
import { RateLimit } from "./rateLimit.js"
import type { Share } from "./share.js"

/**
 * An additional limit for some of the permits of a governor. Each run has one.
 *
 * @category models
 * @since 0.2.0
 */
export interface ConcurrencyLimit {
  readonly limit: number
  /** The number of permits that count against this limit. Only the governor changes it. */
  used: number
}

/**
 * The result of an attempt, as far as it concerns the load of its origin.
 *
 * @category models
 * @since 0.2.0
 */
export type Signal = "success" | "overload" | "neutral"

/**
 * The report of an attempt.
 *
 * @category models
 * @since 0.2.0
 */
export interface Report {
  readonly signal: Signal
  /**
   * When the attempt began, in milliseconds of the clock's nanoseconds. An overload of an attempt that began before the limit of
   * the origin was last lowered does not lower it again.
   */
  readonly beganAtMillis: number
  /** The governor grants no permits for this origin during this time. A pause does not shorten an earlier pause. */
  readonly pauseMillis?: number | undefined
}

/** Why a ticket waits. */
export type PermitObstacle = "origin" | "overload" | "pause" | "rate" | "concurrency"

/** The limits of each origin. */
export interface OriginLimits {
  readonly perOrigin: number
  /** Default: true. */
  readonly adaptive?: boolean | undefined
  readonly requestsPerSecondPerOrigin?: number | undefined
  readonly bytesPerSecondPerOrigin?: number | undefined
}

/** An origin or a `ConcurrencyLimit`, with the queues that wait until it has room. */
export interface Bottleneck {
  readonly blocked: Heap<Queue>
  /** The number of its queues that are ready. */
  readyQueues: number
  /** The number of permits that it allows now. */
  readonly room: (now: number) => number
}

/** The waiting tickets of one origin and one `ConcurrencyLimit`, first come first served. */
export interface Queue {
  readonly origin: Origin
  readonly limit: LimitState | undefined
  readonly tickets: LinkedList<Ticket>
  /** The number of tickets that are not parked. */
  unparked: number
}

export class Origin implements Bottleneck {
  used = 0
  /** The number of tickets that hold a permit or wait for one. */
  tickets = 0
  pausedUntil = 0
  /** When the origin will have room by time alone, if that is planned. */
  dueAt = Number.POSITIVE_INFINITY
  readyQueues = 0
  readonly blocked = new Heap<Queue>()
  readonly queues = new Map<ConcurrencyLimit | undefined, Queue>()
  readonly limit: AdaptiveLimit
  readonly requests: RateLimit
  readonly bytes: RateLimit

  constructor(
    readonly name: string,
    private readonly limits: OriginLimits,
    readonly share: Share
  ) {
    this.limit = new AdaptiveLimit(limits.perOrigin, limits.adaptive ?? true)
    this.requests = new RateLimit(limits.requestsPerSecondPerOrigin, "requestsPerSecondPerOrigin")
    this.bytes = new RateLimit(limits.bytesPerSecondPerOrigin, "bytesPerSecondPerOrigin")
  }

  /** When the origin allows the next request. */
  get opensAt(): number {
    return Math.max(this.pausedUntil, this.requests.nextAt)
  }

  /** The permits at this moment. */
  permits(now: number): number {
    return Math.min(this.limit.current(now), this.share.permits(this.limits.perOrigin))
  }

  isFull(now: number): boolean {
    return this.used >= this.permits(now)
  }

  isBlocked(now: number): boolean {
    if (this.isFull(now) || this.pausedUntil > now) {
      return true
    }
    if (this.requests.nextAt > now) {
      if (this.queues.size > 0) {
        this.requests.noteWaiter()
      }
      return true
    }
    return false
  }

  obstacle(now: number): PermitObstacle | undefined {
    if (this.pausedUntil > now) {
      return "pause"
    }
    if (this.isFull(now)) {
      return this.limit.isLowered(now) ? "overload" : "origin"
    }
    return this.requests.nextAt > now ? "rate" : undefined
  }

  room(now: number): number {
    return this.isBlocked(now) ? 0 : this.permits(now) - this.used
  }

  /** True if the origin is in its initial state. */
  isInitial(now: number): boolean {
    return (
      this.tickets === 0 &&
      this.queues.size === 0 &&
      this.opensAt <= now &&
      this.bytes.nextAt <= now &&
      this.limit.isInitial(now)
    )
  }
}

const fewOrigins = 1024

/**
 * The origins by their names. Origins in their initial state are forgotten, so that a million origins do not take a million
 * entries.
 */
export class Origins {
  private readonly byName = new Map<string, Origin>()
  private forgetAt = fewOrigins

  constructor(
    private readonly limits: OriginLimits,
    private readonly share: Share
  ) {}

  get all(): Iterable<Origin> {
    return this.byName.values()
  }

  find(name: string): Origin | undefined {
    return this.byName.get(name)
  }

  get(name: string, now: number): Origin {
    const found = this.byName.get(name)
    if (found !== undefined) {
      return found
    }
    if (this.byName.size >= this.forgetAt) {
      this.forgetInitial(now)
    }
    const made = new Origin(name, this.limits, this.share)
    this.byName.set(name, made)
    return made
  }

  private forgetInitial(now: number): void {
    for (const origin of this.byName.values()) {
      if (origin.isInitial(now)) {
        this.byName.delete(origin.name)
      }
    }
    // The next check comes after as many new origins, so that the cost for each origin is small.
    this.forgetAt = Math.max(fewOrigins, 2 * this.byName.size)
  }
}

export class LimitState implements Bottleneck {
  queues = 0
  readyQueues = 0
  readonly blocked = new Heap<Queue>()

  constructor(readonly limit: ConcurrencyLimit) {}

  room(): number {
    return this.limit.limit - this.limit.used
  }
}

/** A permit, or a caller that waits for one. */
export class Ticket {
  isGranted = false
  isParked = false
  /** True if this ticket has already asked for an idle permit. */
  hasAsked = false
  order = 0
  /** Undefined if the ticket does not wait. */
  queue: Queue | undefined
  inQueue: Node<Ticket> | undefined
  inAll: Node<Ticket> | undefined
  isWoken = false
  onWake: (() => void) | undefined

  constructor(
    readonly origin: Origin,
    readonly limit: ConcurrencyLimit | undefined,
    /** Called with true when the ticket has to wait because of its origin, and with false when that ends. */
    readonly onParked?: ((isParked: boolean) => void) | undefined,
    /** Called when another ticket has to wait for this idle permit. */
    readonly onWanted?: (() => void) | undefined
  ) {}

  /** Continues the fiber that waits for the permit, or that is about to wait. */
  wake(): void {
    this.isWoken = true
    this.onWake?.()
  }

  park(isParked: boolean): void {
    if (isParked !== this.isParked) {
      this.isParked = isParked
      if (this.queue !== undefined) {
        this.queue.unparked += isParked ? -1 : 1
      }
      this.onParked?.(isParked)
    }
  }
}
