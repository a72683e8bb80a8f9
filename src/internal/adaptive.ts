/**
 * How much an origin bears: additive increase, multiplicative decrease, and a look at whether more helps.
 *
 * @internal
 */

/** What an attempt showed of its origin. */
export type Signal = "success" | "overload" | "neutral"

export interface Adaptive {
  readonly current: () => number
  readonly report: (signal: Signal, used: number, nowMillis: number) => void
}

// Of one overload many transfers tell.
const onceWithinMillis = 1000

// More permits help where they raise the rate by this much; where not, it is tried again after so many epochs.
const helps = 1.05
const restEpochs = 8

export const make = (ceiling: number, adaptive: boolean): Adaptive => {
  if (!adaptive) {
    return { current: () => ceiling, report: () => {} }
  }
  let limit = ceiling
  let reducedAt = Number.NEGATIVE_INFINITY
  let successes = 0
  let epochAt: number | undefined
  let rateBefore = 0
  let rest = 0

  const begin = (nowMillis: number): void => {
    successes = 0
    epochAt = nowMillis
  }

  return {
    current: () => limit,
    report: (signal, used, nowMillis) => {
      if (signal === "overload") {
        if (nowMillis - reducedAt >= onceWithinMillis) {
          limit = Math.max(1, Math.floor(Math.min(limit, Math.max(1, used)) / 2))
          reducedAt = nowMillis
          rateBefore = 0
          rest = 0
          begin(nowMillis)
        }
        return
      }
      if (signal !== "success" || limit >= ceiling) {
        return
      }
      successes++
      if (successes < limit) {
        return
      }
      const rate = successes / Math.max(1, nowMillis - (epochAt ?? nowMillis))
      if (rest > 0) {
        rest--
      } else if (rateBefore === 0 || rate >= rateBefore * helps) {
        limit = Math.min(ceiling, limit + 1)
        rateBefore = rate
      } else {
        rest = restEpochs
        rateBefore = 0
      }
      begin(nowMillis)
    }
  }
}
