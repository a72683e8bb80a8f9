/**
 * Estimates how many concurrent requests an origin can handle: by additive increase, multiplicative decrease, and by measuring if
 * more requests raise the rate.
 *
 * A lowered limit rises with received bytes and with time alone. Otherwise a transfer that holds the only permit for hours
 * would block all others.
 */
// More permits help if they raise the rate by this factor. If not, a higher limit is tried again after this number of epochs.
const minRateGain = 1.02
const restEpochs = 8

// After an overload the limit rises by one in this time, and the limit that was too high is not tried before it has passed.
// The time doubles with each further overload.
const shortestStepMillis = 1000
const longestStepMillis = 600_000

// After this number of steps, an overload counts as the first one again.
const rememberedSteps = 10

// This number of received bytes counts as one successful request.
const bytesPerSuccess = 1024 * 1024

export class AdaptiveLimit {
  private limit: number
  private tooMany = Number.POSITIVE_INFINITY
  private bannedUntil = 0
  private stepMillis = shortestStepMillis
  private reducedAt = Number.NEGATIVE_INFINITY
  private grownAt = 0
  private successes = 0
  private epochAt = 0
  private rateBefore = 0
  private rest = 0

  constructor(
    private readonly ceiling: number,
    private readonly isAdaptive: boolean
  ) {
    this.limit = ceiling
  }

  current(nowMillis: number): number {
    if (this.limit < this.ceiling) {
      this.grow(nowMillis)
    }
    return this.limit
  }

  /** When the limit will rise by time alone; infinity if it is at its maximum. */
  risesAt(): number {
    return this.limit >= this.ceiling
      ? Number.POSITIVE_INFINITY
      : Math.max(this.grownAt + this.stepMillis, this.notBefore())
  }

  /** True if an overload has lowered the limit. */
  isLowered(nowMillis: number): boolean {
    return this.current(nowMillis) < this.ceiling
  }

  /** True if the limit is in its initial state. */
  isInitial(nowMillis: number): boolean {
    return this.current(nowMillis) >= this.ceiling && nowMillis - this.reducedAt > rememberedSteps * this.stepMillis
  }

  report(
    signal: "success" | "overload" | "neutral",
    used: number,
    nowMillis: number,
    beganAtMillis: number = nowMillis
  ): void {
    // All transfers in flight report the same overload, so only the first report counts.
    if (signal === "overload" && beganAtMillis > this.reducedAt && this.isAdaptive) {
      this.reduce(Math.min(this.current(nowMillis), used), nowMillis)
    } else if (signal === "success") {
      this.succeed(1, nowMillis)
    }
  }

  /** Counts received bytes as successes: the origin can handle its present load. */
  received(bytes: number, nowMillis: number): void {
    if (this.limit < this.ceiling) {
      this.succeed(bytes / bytesPerSuccess, nowMillis)
    }
  }

  /** The origin is paused until then. The time for a higher limit starts at the end of the pause. */
  coolUntil(untilMillis: number): void {
    if (this.limit < this.ceiling) {
      this.grownAt = Math.max(this.grownAt, untilMillis - this.stepMillis)
    }
  }

  private reduce(used: number, nowMillis: number): void {
    const isRemembered = nowMillis - this.reducedAt <= rememberedSteps * this.stepMillis
    this.stepMillis = isRemembered ? Math.min(this.stepMillis * 2, longestStepMillis) : shortestStepMillis
    this.tooMany = Math.max(2, used)
    this.limit = Math.max(1, Math.floor(this.tooMany / 2))
    this.bannedUntil = nowMillis + this.stepMillis
    this.reducedAt = nowMillis
    this.grownAt = nowMillis
    this.rateBefore = 0
    this.rest = 0
    this.begin(nowMillis)
  }

  private notBefore(): number {
    return this.limit + 1 < this.tooMany ? Number.NEGATIVE_INFINITY : this.bannedUntil
  }

  private grow(nowMillis: number): void {
    while (this.risesAt() <= nowMillis) {
      const from = Math.max(this.grownAt, this.notBefore() - this.stepMillis)
      const due = Math.max(1, Math.floor((nowMillis - from) / this.stepMillis))
      const below = this.tooMany - 1 - this.limit
      const steps = below > 0 ? Math.min(due, below) : due
      this.grownAt = from + steps * this.stepMillis
      this.raise(steps)
    }
  }

  private raise(by: number): void {
    this.limit = Math.min(this.ceiling, this.limit + by)
    if (this.limit >= Math.min(this.ceiling, 2 * this.tooMany)) {
      // The origin can now handle more than the number that was once too many.
      this.limit = this.ceiling
      this.tooMany = Number.POSITIVE_INFINITY
    }
  }

  private succeed(count: number, nowMillis: number): void {
    if (this.limit >= this.ceiling) {
      return
    }
    this.successes += count
    if (this.successes >= this.limit) {
      this.endEpoch(nowMillis)
    }
  }

  private endEpoch(nowMillis: number): void {
    const rate = this.successes / Math.max(1, nowMillis - this.epochAt)
    if (this.rest > 0) {
      this.rest--
    } else if (nowMillis >= this.notBefore() && (this.rateBefore === 0 || rate >= this.rateBefore * minRateGain)) {
      this.rateBefore = rate
      this.grownAt = nowMillis
      this.raise(1)
    } else {
      this.rest = restEpochs
      this.rateBefore = 0
    }
    this.begin(nowMillis)
  }

  private begin(nowMillis: number): void {
    this.successes = 0
    this.epochAt = nowMillis
  }
}
