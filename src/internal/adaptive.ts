/**
 * How much an origin bears: additive increase, multiplicative decrease, and a look at whether more helps.
 *
 * @internal
 */

export interface Adaptive {
  readonly current: () => number
  readonly report: (
    signal: "success" | "overload" | "neutral",
    used: number,
    nowMillis: number,
    beganAtMillis?: number
  ) => void
}

// More permits help where they raise the rate by this much; where not, it is tried again after so many epochs.
const helps = 1.02
const restEpochs = 8

// How long the number that was too many is not tried again; twice as long each time it is too many again.
const shortestBanMillis = 10_000
const longestBanMillis = 600_000

export const make = (ceiling: number, adaptive: boolean): Adaptive => {
  if (!adaptive) {
    return { current: () => ceiling, report: () => {} }
  }
  let limit = ceiling
  let tooMany = Number.POSITIVE_INFINITY
  let bannedUntil = 0
  let banMillis = shortestBanMillis / 2
  let reducedAt = Number.NEGATIVE_INFINITY
  let successes = 0
  let epochAt = 0
  let rateBefore = 0
  let rest = 0

  const begin = (nowMillis: number): void => {
    successes = 0
    epochAt = nowMillis
  }

  const reduce = (used: number, nowMillis: number): void => {
    tooMany = Math.max(2, Math.min(limit, used))
    limit = Math.max(1, Math.floor(tooMany / 2))
    banMillis = Math.min(banMillis * 2, longestBanMillis)
    bannedUntil = nowMillis + banMillis
    reducedAt = nowMillis
    rateBefore = 0
    rest = 0
    begin(nowMillis)
  }

  const epoch = (nowMillis: number): void => {
    const rate = successes / Math.max(1, nowMillis - epochAt)
    const isAllowed = limit + 1 < tooMany || nowMillis >= bannedUntil
    if (rest > 0) {
      rest--
    } else if (isAllowed && (rateBefore === 0 || rate >= rateBefore * helps)) {
      limit = Math.min(ceiling, limit + 1)
      rateBefore = rate
    } else {
      rest = restEpochs
      rateBefore = 0
    }
    begin(nowMillis)
  }

  return {
    current: () => limit,
    report: (signal, used, nowMillis, beganAtMillis = nowMillis) => {
      // Of one overload many transfers tell, all that were under way.
      if (signal === "overload" && beganAtMillis > reducedAt) {
        reduce(used, nowMillis)
      } else if (signal === "success" && limit < ceiling && ++successes >= limit) {
        epoch(nowMillis)
      }
    }
  }
}
