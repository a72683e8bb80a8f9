/**
 * Measures calls that block the event loop, to decide whether they are fast enough to be made on it.
 *
 * @internal
 */

export interface SyncWriteProbe {
  /** True if the next call may block the event loop: always while calls are fast, and once in 256 times while they are slow. */
  readonly isFast: () => boolean
  /** Makes the call and measures its duration. */
  readonly measure: <A>(call: () => A) => A
}

// Waking a thread of the pool takes a tenth of this. A frame of a spinner takes 200 times as long.
const fastMillis = 0.5

// A longer call counts as if it had taken this long, because the system may not schedule the process for a moment.
const maxCountedMillis = 4 * fastMillis

// A call that takes longer is slow, however rare it is.
const slowMillis = 20

// The weight of one call in the moving average.
const weight = 1 / 8

// The number of calls that are not made on the event loop before one is tried again.
const retryAfter = 256

export const make = (nowMillis: () => number): SyncWriteProbe => {
  let averageMillis = 0
  let callsUntilRetry = 0
  return {
    isFast: () => {
      if (averageMillis <= fastMillis) {
        return true
      }
      callsUntilRetry--
      return callsUntilRetry < 0
    },
    measure: (call) => {
      const before = nowMillis()
      try {
        return call()
      } finally {
        const millis = nowMillis() - before
        if (millis > slowMillis) {
          averageMillis = maxCountedMillis
        } else if (averageMillis > fastMillis && millis <= fastMillis) {
          // The call that was tried again was fast.
          averageMillis = fastMillis
        } else {
          averageMillis += (Math.min(maxCountedMillis, millis) - averageMillis) * weight
        }
        if (averageMillis > fastMillis) {
          callsUntilRetry = retryAfter
        }
      }
    }
  }
}
