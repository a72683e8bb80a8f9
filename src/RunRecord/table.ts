/**
 * A table of whole numbers that grows by blocks, so that rows are never copied.
 *
 * @internal
 */

// A power of two, so that a row is found by a shift: 10,000 transfers set half a million numbers.
const blockBits = 10
const blockRows = 1 << blockBits
const rowMask = blockRows - 1

export class Table {
  private readonly blocks: Array<Int32Array> = []
  private rows = 0

  constructor(private readonly columns: number) {}

  get length(): number {
    return this.rows
  }

  /** Adds a row of zeros. Returns its number. */
  add(): number {
    if (this.rows === this.blocks.length * blockRows) {
      this.blocks.push(new Int32Array(blockRows * this.columns))
    }
    return this.rows++
  }

  set(row: number, column: number, value: number): void {
    const block = this.blocks[row >> blockBits]
    if (block !== undefined) {
      block[(row & rowMask) * this.columns + column] = value
    }
  }

  get(row: number, column: number): number {
    return this.blocks[row >> blockBits]?.[(row & rowMask) * this.columns + column] ?? 0
  }

  column(column: number): Array<number> {
    // Of its final length: an array that grows is copied again and again.
    const values = new Array<number>(this.rows)
    let row = 0
    for (const block of this.blocks) {
      const end = Math.min(this.rows, row + blockRows)
      for (let index = column; row < end; index += this.columns) {
        values[row++] = block[index] ?? 0
      }
    }
    return values
  }
}

// Two columns of 31 bits keep a number of bytes, which may exceed one.
const half = 2 ** 30

export const setLarge = (table: Table, row: number, column: number, value: number): void => {
  table.set(row, column, value % half)
  table.set(row, column + 1, Math.floor(value / half))
}

export const largeColumn = (table: Table, column: number): Array<number> => {
  const high = table.column(column + 1)
  return table.column(column).map((low, row) => low + (high[row] ?? 0) * half)
}
