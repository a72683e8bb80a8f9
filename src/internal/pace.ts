/**
 * So many a second, evenly: when the next one may come, by absolute times.
 *
 * A taker that waited for its time and comes late (a timer has a granularity of a millisecond, and a busy process is
 * late) takes from when it was due, so that lateness costs nothing of the rate. Time in which there was no taker is
 * not saved up.
 *
 * @internal
 */
export class Pace {
  /** When the next one may come, in milliseconds; 0 if there is no limit. */
  nextAt = 0
  /** What the last taker waited for that had to wait. */
  private awaitedAt = Number.NEGATIVE_INFINITY
  private readonly millisEach: number

  constructor(perSecond: number | undefined, name: string) {
    if (perSecond !== undefined && !(perSecond > 0)) {
      throw new RangeError(`${name} must be a number above 0, not ${perSecond}`)
    }
    this.millisEach = perSecond === undefined ? 0 : 1000 / perSecond
  }

  /** Counts some, and says when the next one may come. */
  take(count: number, nowMillis: number): number {
    if (this.millisEach === 0) {
      return 0
    }
    const isLate = nowMillis - this.awaitedAt <= stillLateMillis
    const latestFrom = isLate ? nowMillis - longestLateMillis : nowMillis
    this.nextAt = Math.max(this.nextAt, latestFrom) + count * this.millisEach
    return this.nextAt
  }

  /** A taker waits until the next one may come. */
  await(): void {
    this.awaitedAt = this.nextAt
  }
}

// A taker that is later than this loses the rest: after a standstill there is no flood.
const longestLateMillis = 250

// One that comes later than this after its time has not waited for it.
const stillLateMillis = 1000
