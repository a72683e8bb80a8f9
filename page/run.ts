// The run of the page: its data, and what can be looked up in it.
import { longWaitSentence } from "../src/internal/text/longWaitText.js"
import { type Outcome, outcomes, type RunData } from "../src/RunRecord/data.js"
import { byId } from "./dom.js"
import type { Range } from "./view.js"
import { transfers, type Words } from "./words.js"

/** A row of the waterfall: a transfer, or the heading of an origin. */
export type Row = { readonly transfer: number } | { readonly origin: number }

export class Run {
  readonly rows: ReadonlyArray<Row>
  /** For each transfer, the position of its row. */
  readonly rowOf: ReadonlyArray<number>
  private readonly exchanges: Positions
  private readonly delays: Positions

  constructor(
    readonly data: RunData,
    readonly words: Words
  ) {
    this.exchanges = positionsOf(data.exchanges.transfer, data.transfers.began.length)
    this.delays = positionsOf(data.delays.transfer, data.transfers.began.length)
    const rows: Array<Row> = []
    const rowOf = new Array<number>(data.transfers.began.length).fill(0)
    const ofOrigin = new Map<number, Array<number>>()
    for (const [transfer, origin] of data.transfers.origin.entries()) {
      const found = ofOrigin.get(origin)
      if (found === undefined) {
        ofOrigin.set(origin, [transfer])
      } else {
        found.push(transfer)
      }
    }
    for (const [origin, transfers] of ofOrigin) {
      rows.push({ origin })
      for (const transfer of transfers) {
        rowOf[transfer] = rows.push({ transfer }) - 1
      }
    }
    this.rows = rows
    this.rowOf = rowOf
  }

  /** The number of transfers that have a row. */
  get length(): number {
    return this.data.transfers.began.length
  }

  outcome(transfer: number): Outcome {
    return outcomes[this.data.transfers.outcome[transfer] ?? 0] ?? "unfinished"
  }

  text(position: number | undefined): string {
    return this.data.texts[position ?? -1] ?? ""
  }

  origin(position: number | undefined): string {
    return this.data.origins[position ?? -1]?.origin || "other origins"
  }

  /** Why a transfer has waited for long. Undefined if it has not. */
  longWait(transfer: number): string | undefined {
    const wait = this.data.longWaits[this.data.transfers.longWait[transfer] ?? -1]
    return wait === undefined ? undefined : longWaitSentence(wait)
  }

  /** The URL of a transfer, in the form in which it may be shown. */
  url(transfer: number): string {
    const path = this.data.transfers.path[transfer] ?? ""
    const origin = this.data.origins[this.data.transfers.origin[transfer] ?? -1]?.origin ?? ""
    return path.startsWith("/") ? origin + path : path
  }

  /** The last segment of a path, as a name. */
  name(transfer: number): string {
    const path = this.data.transfers.path[transfer] ?? ""
    const file = this.data.transfers.file[transfer] ?? ""
    return (file === "" ? path : file).replace(/^.*[/\\](?=.)/s, "") || path || "–"
  }

  duration(transfer: number): number {
    return (this.data.transfers.ended[transfer] ?? 0) - (this.data.transfers.began[transfer] ?? 0)
  }

  /** The rows of the transfers in a time, and of their origins. */
  rowsIn({ max, min }: Range): ReadonlyArray<number> {
    const { began, ended } = this.data.transfers
    const found: Array<number> = []
    let heading: number | undefined
    for (const [row, content] of this.rows.entries()) {
      if ("origin" in content) {
        heading = row
      } else if ((began[content.transfer] ?? 0) <= max && (ended[content.transfer] ?? 0) >= min) {
        if (heading !== undefined) {
          found.push(heading)
          heading = undefined
        }
        found.push(row)
      }
    }
    return found
  }

  /** The number of transfers in the first rows of a list, which has headings too. */
  transfersIn(list: ReadonlyArray<number>, length: number): number {
    let sum = 0
    for (let position = 0; position < Math.min(length, list.length); position++) {
      const row = this.rows[list[position] ?? -1]
      sum += row !== undefined && "transfer" in row ? 1 : 0
    }
    return sum
  }

  exchangesOf(transfer: number): ReadonlyArray<number> {
    return this.exchanges(transfer)
  }

  delaysOf(transfer: number): ReadonlyArray<number> {
    return this.delays(transfer)
  }
}

type Positions = (transfer: number) => ReadonlyArray<number>

/** For each transfer, the positions of its rows in another table. */
const positionsOf = (column: ReadonlyArray<number>, transfers: number): Positions => {
  const found = new Array<Array<number> | undefined>(transfers)
  for (const [position, transfer] of column.entries()) {
    const list = found[transfer]
    if (list === undefined) {
      found[transfer] = [position]
    } else {
      list.push(position)
    }
  }
  return (transfer) => found[transfer] ?? none
}

const none: ReadonlyArray<number> = []

/** Reads the run that the page has in it. */
export const read = (): Run => new Run(JSON.parse(byId("run").textContent ?? ""), transfers)
