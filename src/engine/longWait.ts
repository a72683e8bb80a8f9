/**
 * Sends events about a wait, if it lasts.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import { Blocked, type Obstacle, Unblocked } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { OriginGovernor, PermitOptions } from "../OriginGovernor.js"
import type { Due, EventTimer } from "./eventTimer.js"
import type { EventSink } from "./hooks.js"

const firstMillis = 1000
const againMillis = 5000

/** A request that waits, or its transfer. */
export interface Waiting {
  readonly request: DownloadRequest
  readonly events: EventSink | undefined
  readonly atMillis: number
}

export interface Why {
  readonly obstacle: Obstacle
  readonly limit?: number
  readonly pauseMillis?: number
}

/** A wait whose reason does not change. Undefined without a listener. */
export const begin = (
  timer: EventTimer,
  waiting: Waiting,
  origin: string,
  obstacle: Obstacle
): LongWait | undefined => {
  const why: Why = { obstacle }
  return waiting.events?.hasListener === true ? new LongWait(timer, waiting, origin, 0, () => why) : undefined
}

export class LongWait implements Due {
  place = -1
  dueAt: number
  private sent: Blocked | undefined
  private readonly beganAt: number

  constructor(
    private readonly timer: EventTimer,
    private readonly waiting: Waiting,
    private readonly origin: string,
    /** The time for which the transfer has already waited. */
    waitedMillis: number,
    /** Undefined if the wait may end at any moment. */
    private readonly why: () => Why | undefined
  ) {
    this.beganAt = waiting.atMillis - Math.round(waitedMillis)
    this.dueAt = this.beganAt + firstMillis
    timer.add(this)
  }

  /** The wait is over, and the transfer continues. */
  over(): void {
    this.end()
    if (this.sent !== undefined) {
      const { atMillis, events, request } = this.waiting
      const waitedMillis = atMillis - this.beganAt
      events?.send(Unvalidated.make(Unblocked, { request, atMillis, origin: this.origin, waitedMillis }))
    }
  }

  /** Sends no more events. */
  end(): void {
    this.timer.remove(this)
  }

  send(): void {
    const { atMillis, events, request } = this.waiting
    const why = this.why()
    const { sent } = this
    // A limit that changes often does not send an event for each transfer each time.
    const isDue = sent === undefined || atMillis - sent.atMillis >= againMillis
    if (why !== undefined && isDue && (sent?.obstacle !== why.obstacle || sent.limit !== why.limit)) {
      const waitedMillis = atMillis - this.beganAt
      this.sent = Unvalidated.make(Blocked, { request, atMillis, origin: this.origin, waitedMillis, ...why })
      events?.send(this.sent)
    }
    this.dueAt = atMillis + firstMillis
    this.timer.add(this)
  }
}

/** Why a permit for the origin is not free. Undefined if it may come at any moment. */
export const permitObstacle = (
  governor: typeof OriginGovernor.Service,
  permitOptions: PermitOptions | undefined,
  origin: string
): Why | undefined => {
  const { limit, obstacle, pauseMillis } = governor.inUse(origin)
  switch (obstacle) {
    case "pause":
      return { obstacle, pauseMillis: Math.ceil(pauseMillis) }
    case "rate":
      return { obstacle }
    case "origin":
    case "overload":
      return { obstacle, limit }
    case "concurrency":
      return { obstacle, limit: governor.inUse().limit }
    default: {
      const ofRun = permitOptions?.concurrencyLimit
      return ofRun === undefined || ofRun.used < ofRun.limit
        ? undefined
        : { obstacle: "concurrency", limit: ofRun.limit }
    }
  }
}
