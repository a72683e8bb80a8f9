/**
 * Spaces requests or bytes evenly, at a rate a second, with absolute times.
 *
 * A caller that waited for its time may wake late, because timers have a granularity of a millisecond and the process may be
 * busy. It then counts from the time at which it was due, so the delay does not lower the rate. Time without any caller is not
 * saved up.
 */
export class RateLimit {
  /** When the next unit is allowed, in milliseconds; 0 if there is no limit. */
  nextAt = 0
  /** The time for which the last waiting caller waited. */
  private awaitedAt = Number.NEGATIVE_INFINITY
  private readonly millisEach: number

  constructor(perSecond: number | undefined, name: string) {
    if (perSecond !== undefined && !(perSecond > 0)) {
      throw new RangeError(`${name} must be a number above 0, not ${perSecond}`)
    }
    this.millisEach = perSecond === undefined ? 0 : 1000 / perSecond
  }

  /** Counts units, and returns when the next one is allowed. */
  take(count: number, nowMillis: number): number {
    if (this.millisEach === 0) {
      return 0
    }
    const isLate = nowMillis - this.awaitedAt <= stillLateMillis
    const latestFrom = isLate ? nowMillis - longestLateMillis : nowMillis
    this.nextAt = Math.max(this.nextAt, latestFrom) + count * this.millisEach
    return this.nextAt
  }

  /** Notes that a caller waits for the next unit. */
  noteWaiter(): void {
    this.awaitedAt = this.nextAt
  }
}

// A delay counts up to this limit, so that a burst does not follow a standstill of the process.
const longestLateMillis = 250

// A caller that is later than this did not wait for its time.
const stillLateMillis = 1000
