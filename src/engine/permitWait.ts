/**
 * Sends events about a wait for a permit, if the wait lasts.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import { PermitAcquired, PermitAwaited, type PermitObstacle } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { OriginGovernor, PermitOptions } from "../OriginGovernor.js"
import type { Due, EventTimer } from "./eventTimer.js"
import type { EventSink } from "./hooks.js"

const firstMillis = 1000
const againMillis = 5000

interface Waiting {
  readonly request: DownloadRequest
  readonly governor: typeof OriginGovernor.Service
  readonly permitOptions: PermitOptions | undefined
  readonly events: EventSink | undefined
  readonly atMillis: number
}

export class PermitWait implements Due {
  place = -1
  dueAt: number
  /** Whether the origin is tried by another transfer. */
  isUnreachable = false
  private sent: PermitAwaited | undefined
  private readonly beganAt: number

  constructor(
    private readonly timer: EventTimer,
    private readonly transfer: Waiting,
    private readonly origin: string,
    /** The time for which the transfer has already waited. */
    waitedMillis: number
  ) {
    this.beganAt = transfer.atMillis - Math.round(waitedMillis)
    this.dueAt = this.beganAt + firstMillis
    timer.add(this)
  }

  /** The transfer has its permit. */
  acquired(): void {
    this.end()
    if (this.sent !== undefined) {
      const { atMillis, events, request } = this.transfer
      const waitedMillis = atMillis - this.beganAt
      events?.send(Unvalidated.make(PermitAcquired, { request, atMillis, origin: this.origin, waitedMillis }))
    }
  }

  /** Sends no more events. */
  end(): void {
    this.timer.remove(this)
  }

  send(): void {
    const { atMillis, events, request } = this.transfer
    const why = this.obstacle
    const { sent } = this
    // A limit that changes often does not send an event for each transfer each time.
    const isDue = sent === undefined || atMillis - sent.atMillis >= againMillis
    if (why !== undefined && isDue && (sent?.obstacle !== why.obstacle || sent.limit !== why.limit)) {
      const waitedMillis = atMillis - this.beganAt
      this.sent = Unvalidated.make(PermitAwaited, { request, atMillis, origin: this.origin, waitedMillis, ...why })
      events?.send(this.sent)
    }
    this.dueAt = atMillis + firstMillis
    this.timer.add(this)
  }

  /** Undefined if the permit may come at any moment. */
  private get obstacle(): Why | undefined {
    const { governor, permitOptions } = this.transfer
    if (this.isUnreachable) {
      return { obstacle: "unreachable" }
    }
    const { limit, obstacle, pauseMillis } = governor.inUse(this.origin)
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
}

interface Why {
  readonly obstacle: PermitObstacle
  readonly limit?: number
  readonly pauseMillis?: number
}
