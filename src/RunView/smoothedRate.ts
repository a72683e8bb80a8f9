/**
 * The smoothed rate of a stream of bytes: an exponential moving average over the time in which bytes could arrive.
 *
 * @internal
 */

/** After this time, bytes have 37 % (1/e) of the weight of new bytes. */
const timeConstantMillis = 5000

/** The time that one value of the average covers while bytes arrive. Bytes that arrive within less are added up. */
const windowMillis = 200

/** The time without bytes after which the average begins to fall. `Advanced` events are 200 ms apart. */
const silenceMillis = 1000

export class SmoothedRate {
  private bytes = 0
  private millis = 0
  private average = 0
  // The sum of all weights so far. It approaches 1. Without it, the rate would begin at 0 and rise.
  private weight = 0

  /** Lets time pass in which bytes could have arrived. */
  elapse(millis: number): void {
    this.millis += millis
  }

  /** Adds bytes that arrived in the time that has passed. */
  add(bytes: number): void {
    this.bytes += bytes
    if (this.millis >= windowMillis) {
      const kept = Math.exp(-this.millis / timeConstantMillis)
      this.average = this.average * kept + (this.bytes / this.millis) * 1000 * (1 - kept)
      this.weight = this.weight * kept + 1 - kept
      this.bytes = 0
      this.millis = 0
    }
  }

  /** Undefined while there was too little time for a rate. */
  perSecond(): number | undefined {
    if (this.weight === 0) {
      return undefined
    }
    const kept = this.millis < silenceMillis ? 1 : Math.exp(-this.millis / timeConstantMillis)
    return (this.average * kept) / (this.weight * kept + 1 - kept)
  }
}
