// The part of the run that the charts show: a range of time and a range of rows. Charts follow it, and change it.

export interface Range {
  readonly min: number
  readonly max: number
}

/** Moves a range into its limits, and limits its length. */
const within = (range: Range, limits: Range, shortest: number): Range => {
  const length = Math.min(limits.max - limits.min, Math.max(shortest, range.max - range.min))
  const middle = (range.min + range.max) / 2
  const min = Math.min(limits.max - length, Math.max(limits.min, middle - length / 2))
  return { min, max: min + length }
}

const shortestMillis = 5
const fewestRows = 5

export class View {
  time: Range
  /** Positions in `list`. */
  rows: Range
  /** The rows that have something in the time that is shown. */
  list: ReadonlyArray<number>
  /** The transfer that is shown in detail. */
  selected: number | undefined
  private readonly listeners: Array<() => void> = []
  private readonly allTime: Range

  constructor(
    elapsedMillis: number,
    /** Returns the rows that have something in a time, in their order. */
    private readonly rowsIn: (time: Range) => ReadonlyArray<number>
  ) {
    // A margin keeps the last mark in the picture.
    this.allTime = { min: 0, max: Math.max(shortestMillis, elapsedMillis * 1.01) }
    this.time = this.allTime
    this.list = rowsIn(this.time)
    this.rows = this.allRows
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  reset(): void {
    this.show(this.allTime, this.allRows)
  }

  show(time: Range, rows: Range): void {
    const isWhole = rows.min <= 0 && rows.max >= this.list.length
    const first = this.list[Math.max(0, Math.floor(rows.min))] ?? 0
    const last = this.list[Math.ceil(rows.max) - 1] ?? Number.POSITIVE_INFINITY
    const before = this.time
    this.time = within(time, this.allTime, Math.min(shortestMillis, this.allTime.max))
    if (before.min !== this.time.min || before.max !== this.time.max) {
      this.list = this.rowsIn(this.time)
      const inside = { min: lowerBound(this.list, first), max: lowerBound(this.list, last + 1) }
      this.rows = isWhole ? this.allRows : within(inside, this.allRows, this.fewest)
    } else {
      this.rows = within(rows, this.allRows, this.fewest)
    }
    this.changed()
  }

  private get allRows(): Range {
    return { min: 0, max: Math.max(1, this.list.length) }
  }

  private get fewest(): number {
    return Math.min(fewestRows, this.allRows.max)
  }

  /** Below 1, a factor shows less time around the point, which is from 0 to 1. */
  zoomTime(factor: number, point = 0.5): void {
    this.show(scaled(this.time, factor, point), this.rows)
  }

  zoomRows(factor: number, point = 0.5): void {
    this.show(this.time, scaled(this.rows, factor, point))
  }

  /** Moves by parts of what is shown. */
  pan(time: number, rows: number): void {
    this.show(moved(this.time, time), moved(this.rows, rows))
  }

  /** Returns true if there are rows above or below in the direction. */
  canPanRows(direction: number): boolean {
    return direction < 0 ? this.rows.min > this.allRows.min : this.rows.max < this.allRows.max
  }

  /** Shows a transfer in detail, and brings it into the picture. */
  select(transfer: number, row: number, time: Range): void {
    this.selected = transfer
    if (time.max < this.time.min || time.min > this.time.max) {
      const middle = (time.min + time.max) / 2
      const length = this.time.max - this.time.min
      this.show({ min: middle - length / 2, max: middle + length / 2 }, this.rows)
    }
    const position = lowerBound(this.list, row)
    const length = this.rows.max - this.rows.min
    const isShown = position >= this.rows.min && position + 1 <= this.rows.max
    this.show(this.time, isShown ? this.rows : { min: position + 0.5 - length / 2, max: position + 0.5 + length / 2 })
  }

  private changed(): void {
    for (const listener of this.listeners) {
      listener()
    }
  }
}

const scaled = ({ max, min }: Range, factor: number, point: number): Range => {
  const at = min + (max - min) * point
  return { min: at - (at - min) * factor, max: at + (max - at) * factor }
}

const moved = ({ max, min }: Range, part: number): Range => {
  const distance = (max - min) * part
  return { min: min + distance, max: max + distance }
}

/** The first position whose value is not below a limit, in a sorted list. */
const lowerBound = (list: ReadonlyArray<number>, limit: number): number => {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] ?? 0) < limit) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
}
