/**
 * So many a second, evenly: when the next may come, and no store of what was not used (a leaky bucket).
 *
 * @internal
 */
export interface Pace {
  /** When the next may come, in milliseconds; 0 where there is no limit. */
  readonly nextAt: number
  /** Counts some, and says when the next may come. */
  readonly take: (count: number, nowMillis: number) => number
}

export const make = (perSecond: number | undefined): Pace => {
  if (perSecond === undefined || perSecond === Number.POSITIVE_INFINITY) {
    return { nextAt: 0, take: () => 0 }
  }
  if (!(perSecond > 0)) {
    throw new RangeError("a rate must be a number > 0")
  }
  const pace = {
    nextAt: 0,
    take: (count: number, nowMillis: number): number => {
      pace.nextAt = Math.max(pace.nextAt, nowMillis) + (count * 1000) / perSecond
      return pace.nextAt
    }
  }
  return pace
}
