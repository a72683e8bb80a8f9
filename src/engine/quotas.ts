/**
 * Pauses an origin whose response says that the quota of its client is used up.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Quota from "../internal/http/quota.js"
import type { OriginGovernor } from "../OriginGovernor.js"
import type { ResponseHead } from "../Transport.js"

/** The transfer whose response was received. */
interface Receiver {
  readonly clock: Clock.Clock
  /** Milliseconds of the Clock's nanoseconds. */
  readonly now: () => number
  readonly onPaused: (origin: string, pauseMillis: number) => void
}

// Pauses that have passed are forgotten when there are more.
const rememberedAtMost = 1024

// Responses of one moment say the same in whole seconds.
const sameMillis = 1000

export class Quotas {
  /** For each origin, when its last pause ends. */
  private readonly pausedUntil = new Map<string, number>()

  constructor(
    private readonly governor: typeof OriginGovernor.Service,
    /** A longer pause is not obeyed. */
    private readonly longestMillis: number
  ) {}

  /** Pauses the origin if its quota is used up. Of several responses that say the same, the first one is reported. */
  pause(
    origin: string,
    headers: ResponseHead["headers"],
    beganAtMillis: number,
    receiver: Receiver
  ): Effect.Effect<void> {
    const asked = Quota.usedUpMillis(headers, receiver.clock.unsafeCurrentTimeMillis())
    if (asked === undefined) {
      return Exit.void
    }
    const pauseMillis = Math.min(asked, this.longestMillis)
    const now = receiver.now()
    if (now + pauseMillis > (this.pausedUntil.get(origin) ?? 0) + sameMillis) {
      this.forget(now)
      this.pausedUntil.set(origin, now + pauseMillis)
      receiver.onPaused(origin, pauseMillis)
    }
    return this.governor.report(origin, { signal: "neutral", beganAtMillis, pauseMillis })
  }

  private forget(now: number): void {
    if (this.pausedUntil.size >= rememberedAtMost) {
      for (const [origin, until] of this.pausedUntil) {
        if (until <= now) {
          this.pausedUntil.delete(origin)
        }
      }
    }
  }
}
