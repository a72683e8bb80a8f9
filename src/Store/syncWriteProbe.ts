/**
 * Whether calls come back quickly enough to be waited for on the spot.
 *
 * @internal
 */

export interface Quickness {
  /** Whether to try: always while they are quick, and one time in many while they are not. */
  readonly isQuick: () => boolean
  /** Makes the call and takes note of how long it took. */
  readonly measure: <A>(call: () => A) => A
}

// What a thread of the pool needs to be woken is a tenth of it; a frame of a spinner is two hundred times as long.
const quickMillis = 0.5

// One call counts for no more than this: a process that is not scheduled for a moment is no slow disk.
const longestMillis = 4 * quickMillis

// One call that takes this long is slow in itself, however seldom it is.
const slowMillis = 20

// The weight of one call in the average.
const weight = 1 / 8

// So often a slow one is not asked before it is tried again.
const retryAfter = 256

export const make = (nowMillis: () => number): Quickness => {
  let averageMillis = 0
  let left = 0
  return {
    isQuick: () => {
      if (averageMillis <= quickMillis) {
        return true
      }
      left--
      return left < 0
    },
    measure: (call) => {
      const before = nowMillis()
      try {
        return call()
      } finally {
        const millis = nowMillis() - before
        if (millis > slowMillis) {
          averageMillis = longestMillis
        } else if (averageMillis > quickMillis && millis <= quickMillis) {
          // The one that was tried again.
          averageMillis = quickMillis
        } else {
          averageMillis += (Math.min(longestMillis, millis) - averageMillis) * weight
        }
        if (averageMillis > quickMillis) {
          left = retryAfter
        }
      }
    }
  }
}
