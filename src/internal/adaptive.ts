/**
 * How many requests at a time an origin bears: additive increase, multiplicative decrease, and a look at whether more
 * helps.
 *
 * A lowered limit rises with what is received, and with time alone: a transfer that holds a permit for hours, and ends
 * nothing meanwhile, keeps no other from its turn.
 *
 * @internal
 */
// More permits help where they raise the rate by this much; where not, it is tried again after so many epochs.
const helps = 1.02
const restEpochs = 8

// After an overload the limit rises by one in this time, and as long the number that was too many is not tried again;
// twice as long after each further overload.
const shortestStepMillis = 1000
const longestStepMillis = 600_000

// An overload that comes so many steps after the last one is a new one.
const rememberedSteps = 10

// So many bytes count as much as a request that went well.
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

  /** When the limit will be larger by time alone; infinity if it is as large as it may be. */
  risesAt(): number {
    return this.limit >= this.ceiling
      ? Number.POSITIVE_INFINITY
      : Math.max(this.grownAt + this.stepMillis, this.notBefore())
  }

  /** Whether there is nothing to remember. */
  isInitial(nowMillis: number): boolean {
    return this.current(nowMillis) >= this.ceiling && nowMillis - this.reducedAt > rememberedSteps * this.stepMillis
  }

  report(
    signal: "success" | "overload" | "neutral",
    used: number,
    nowMillis: number,
    beganAtMillis: number = nowMillis
  ): void {
    // Of one overload many transfers tell, all that were under way.
    if (signal === "overload" && beganAtMillis > this.reducedAt && this.isAdaptive) {
      this.reduce(Math.min(this.current(nowMillis), used), nowMillis)
    } else if (signal === "success") {
      this.succeed(1, nowMillis)
    }
  }

  /** Bytes have come: the origin bears what it has. */
  received(bytes: number, nowMillis: number): void {
    if (this.limit < this.ceiling) {
      this.succeed(bytes / bytesPerSuccess, nowMillis)
    }
  }

  /** The origin is left alone until then, and its time for a larger limit begins there. */
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
      // It bears more than what was too many once.
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
    } else if (nowMillis >= this.notBefore() && (this.rateBefore === 0 || rate >= this.rateBefore * helps)) {
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
