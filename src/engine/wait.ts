/**
 * The time limits of one wait: for a permit, for the head of a response, and for its body.
 *
 * Times are milliseconds of the Clock's nanoseconds, so changes of the wall clock do not affect them.
 *
 * @internal
 */

/** Time limits of one attempt, in milliseconds. */
export interface Limits {
  /** Maximum time for a new connection. Default: the transport's own limit. */
  readonly connectMillis: number | undefined
  /** Maximum time from the request, its connection included, to the end of the response's head. */
  readonly headersMillis: number
  readonly stall: Stall
}

export interface Stall {
  /** The minimum number of bytes in `millis`. */
  readonly bytes: number
  /** The time in which fewer than `bytes` are a stall. A stall is detected up to a quarter of this time later. */
  readonly millis: number
}

/** The limit that expired. */
export type Phase = "headers" | "stall" | "total" | "deadline"

// The time of a stall is divided into this number of parts, and checked at the end of each part.
const parts = 5

// No stall is reported before the whole time of a stall has passed.
const unknownBytes: ReadonlyArray<number> = Array.from({ length: parts - 1 }, () => Number.POSITIVE_INFINITY)

// A limit, because an origin may send informational responses without end.
const extensionsAtMost = 20

// Minimum number of checks before a limit expires.
const checksAtLeast = 8

const unlimited: Limits = {
  connectMillis: undefined,
  headersMillis: Number.POSITIVE_INFINITY,
  stall: { bytes: 0, millis: Number.POSITIVE_INFINITY }
}

export class Wait {
  /** `permit`: no request was sent. Only the deadline applies. */
  phase: "permit" | "headers" | "body" = "headers"
  headersAt: number
  /** Maximum time between two checks. A shorter standstill of this process may go unnoticed. */
  checkMillis: number
  /** How much longer the limits of this phase may get because the event loop was blocked. The deadline gets no longer. */
  spareMillis: number
  /** The same for the present part of a stall's time. */
  spareWindowMillis = 0
  /** When the present part of a stall's time began, and the bytes received since. */
  windowAt: number
  windowBytes = 0
  /** True while the receiver pauses the sender. The time of a stall does not advance then. */
  isPaused = false
  private extensionsLeft = extensionsAtMost
  /** The bytes received in the earlier parts that count, the latest first. */
  private earlierBytes = unknownBytes

  /**
   * A wait that begins now, when the request is sent.
   *
   * @param beganAt When the wait began, plus the time for which this process has stood still since.
   * @param totalAt The time limit of the attempt.
   * @param deadlineAt The deadline of the request with all its attempts.
   */
  constructor(
    readonly limits: Limits,
    public beganAt: number,
    public totalAt: number,
    public deadlineAt: number
  ) {
    this.headersAt = beganAt + limits.headersMillis
    this.checkMillis = Math.min(limits.headersMillis, totalAt - beganAt, deadlineAt - beganAt) / checksAtLeast
    this.spareMillis = checksAtLeast * this.checkMillis
    this.windowAt = beganAt
  }

  static forPermit(now: number, deadlineAt: number): Wait {
    const wait = new Wait(unlimited, now, Number.POSITIVE_INFINITY, deadlineAt)
    wait.phase = "permit"
    return wait
  }

  /** Restarts the time for the head after an informational response (1xx), which shows that the origin is working. */
  extendHeaders(now: number): void {
    if (this.phase === "headers" && this.extensionsLeft > 0) {
      this.extensionsLeft--
      this.headersAt = now + this.limits.headersMillis
    }
  }

  /** Suspends the time for the head while the request waits in this process, and starts it when the request continues. */
  holdHeaders(isHeld: boolean, now: number): void {
    if (this.phase === "headers") {
      this.headersAt = isHeld ? Number.POSITIVE_INFINITY : now + this.limits.headersMillis
    }
  }

  /** Starts the wait for the body when the head was received. */
  beginBody(now: number): void {
    this.phase = "body"
    this.checkMillis = Math.min(this.totalAt - now, this.deadlineAt - now) / checksAtLeast
    this.spareMillis = checksAtLeast * this.checkMillis
    this.spareWindowMillis = this.limits.stall.millis / parts
    this.windowAt = now
    this.windowBytes = 0
    this.earlierBytes = unknownBytes
  }

  /** Extends the limits by the time for which this process did not run. */
  excuse(lateMillis: number, stoodMillis: number): void {
    const isStandstill = stoodMillis > 0
    const millis = isStandstill ? stoodMillis : Math.min(lateMillis, this.spareMillis)
    const windowMillis = isStandstill ? stoodMillis : Math.min(lateMillis, this.spareWindowMillis)
    this.spareMillis -= isStandstill ? 0 : millis
    this.spareWindowMillis -= isStandstill ? 0 : windowMillis
    this.beganAt += stoodMillis
    this.deadlineAt += stoodMillis
    this.totalAt += millis
    this.headersAt += millis
    this.windowAt += this.isPaused ? 0 : windowMillis
  }

  /** Returns the limit that has expired, if any. Otherwise begins the next part of a stall's time if the present part is over. */
  expired(now: number): Phase | undefined {
    const { stall } = this.limits
    if (this.deadlineAt <= now) {
      return "deadline"
    }
    if (this.totalAt <= now) {
      return "total"
    }
    if (this.phase === "headers") {
      return this.headersAt <= now ? "headers" : undefined
    }
    if (this.phase === "body" && !this.isPaused && now - this.windowAt >= stall.millis / parts) {
      const { earlierBytes, windowBytes } = this
      if (earlierBytes.reduce((sum, bytes) => sum + bytes, windowBytes) < stall.bytes) {
        return "stall"
      }
      this.earlierBytes = [windowBytes, ...earlierBytes.slice(0, -1)]
      this.windowAt = now
      this.windowBytes = 0
      this.spareWindowMillis = stall.millis / parts
    }
    return undefined
  }

  /** The time of the next check. `isSparing`: ends of parts that are close to each other are checked together. */
  nextCheckAt(now: number, isSparing: boolean): number {
    const partMillis = this.limits.stall.millis / parts
    return Math.min(
      this.deadlineAt,
      this.totalAt,
      this.phase === "headers"
        ? this.headersAt
        : this.phase === "permit" || this.isPaused
          ? Number.POSITIVE_INFINITY
          : Math.max(this.windowAt + partMillis, now + (isSparing ? partMillis / 64 : 0)),
      // If a body begins or continues before the next check, its present part ends no earlier than this.
      now + partMillis,
      now + this.checkMillis
    )
  }
}
