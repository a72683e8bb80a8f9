/**
 * A run in intervals. If the run becomes too long for them, each two become one.
 *
 * @internal
 */
import type * as Data from "./data.js"

const intervalsAtMost = 4096

export class Timeline {
  private intervalMillis = 1
  private readonly bytes = new Float64Array(intervalsAtMost)
  private readonly openMillis = new Float64Array(intervalsAtMost)
  /** The requests that were opened in each interval, without those that have ended in it. */
  private readonly opened = new Float64Array(intervalsAtMost)
  private readonly ended = new Float64Array(intervalsAtMost)
  private readonly failed = new Float64Array(intervalsAtMost)

  /** A transfer has ended. */
  end(at: number, isFailed: boolean): void {
    add(this.ended, this.indexOf(at), 1)
    add(this.failed, this.indexOf(at), isFailed ? 1 : 0)
  }

  /** Transfers have ended between two times. */
  endBetween(from: number, to: number, ended: number, failed: number): void {
    this.spread(this.ended, from, to, ended)
    this.spread(this.failed, from, to, failed)
  }

  /** Bytes have arrived between two times. */
  receive(from: number, to: number, bytes: number): void {
    this.spread(this.bytes, from, to, bytes)
  }

  /** A request was open between two times. */
  open(from: number, to: number): void {
    if (to > from) {
      this.spread(this.openMillis, from, to, to - from)
      add(this.opened, this.indexOf(to), -1)
      add(this.opened, this.indexOf(from), 1)
    }
  }

  /** The most requests that were open at the end of an interval. */
  get openAtMost(): number {
    let open = 0
    let most = 0
    for (const opened of this.opened) {
      open += opened
      most = Math.max(most, open)
    }
    return most
  }

  data(elapsedMillis: number): Data.Timeline {
    const length = this.indexOf(elapsedMillis) + 1
    const of = (values: Float64Array) => rounded(values.subarray(0, length))
    return {
      intervalMillis: this.intervalMillis,
      bytes: of(this.bytes),
      openMillis: of(this.openMillis),
      ended: of(this.ended),
      failed: of(this.failed)
    }
  }

  private indexOf(at: number): number {
    while (at >= this.intervalMillis * intervalsAtMost) {
      this.intervalMillis *= 2
      for (const values of [this.bytes, this.openMillis, this.opened, this.ended, this.failed]) {
        for (let index = 0; index < intervalsAtMost; index++) {
          values[index] = (values[2 * index] ?? 0) + (values[2 * index + 1] ?? 0)
        }
      }
    }
    return Math.floor(at / this.intervalMillis)
  }

  private spread(values: Float64Array, from: number, to: number, amount: number): void {
    const last = this.indexOf(Math.max(from, to - 1))
    const first = this.indexOf(from)
    if (first === last) {
      add(values, first, amount)
      return
    }
    const perMilli = amount / (to - from)
    for (let index = first; index <= last; index++) {
      const begin = Math.max(from, index * this.intervalMillis)
      const end = Math.min(to, (index + 1) * this.intervalMillis)
      add(values, index, perMilli * (end - begin))
    }
  }
}

const add = (values: Float64Array, index: number, amount: number): void => {
  values[index] = (values[index] ?? 0) + amount
}

/** Whole numbers with the same sum. */
const rounded = (values: Float64Array): Array<number> => {
  let sum = 0
  let before = 0
  return Array.from(values, (value) => {
    sum += value
    const difference = Math.round(sum) - before
    before += difference
    return difference
  })
}
