/**
 * A table of whole numbers that grows by blocks, so that rows are never copied.
 *
 * @internal
 */

const blockRows = 1024

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
    const block = this.blocks[Math.floor(row / blockRows)]
    if (block !== undefined) {
      block[(row % blockRows) * this.columns + column] = value
    }
  }

  get(row: number, column: number): number {
    return this.blocks[Math.floor(row / blockRows)]?.[(row % blockRows) * this.columns + column] ?? 0
  }

  column(column: number): Array<number> {
    return Array.from({ length: this.rows }, (_, row) => this.get(row, column))
  }
}

// Two columns of 31 bits keep a number of bytes, which may exceed one.
const half = 2 ** 30

export const setLarge = (table: Table, row: number, column: number, value: number): void => {
  table.set(row, column, value % half)
  table.set(row, column + 1, Math.floor(value / half))
}

export const largeColumn = (table: Table, column: number): Array<number> =>
  Array.from({ length: table.length }, (_, row) => table.get(row, column) + table.get(row, column + 1) * half)
