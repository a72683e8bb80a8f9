/**
 * The rows of transfers, of their requests to servers, and of their waits between attempts.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import type { Exchanged } from "../DownloadEvent.js"
import { type Outcome, outcomes, type RunData } from "./data.js"
import { largeColumn, setLarge, Table } from "./table.js"

// The columns of the tables. A number of bytes has two.
const ofTransfer = {
  origin: 0,
  began: 1,
  ended: 2,
  outcome: 3,
  bytes: 4,
  retries: 6,
  error: 7,
  phase: 8,
  longWait: 9
}
const ofExchange = {
  transfer: 0,
  origin: 1,
  began: 2,
  permit: 3,
  lookup: 4,
  connect: 5,
  tls: 6,
  firstByte: 7,
  body: 8,
  attempt: 9,
  status: 10,
  bytes: 11,
  error: 13
}
const ofDelay = { transfer: 0, began: 1, delay: 2, attempt: 3, error: 4 }

/** The tables of requests and of waits have at most this number of rows for each transfer of the table of transfers. */
const partsPerTransfer = 4

export class Rows {
  private readonly transfers = new Table(10)
  private readonly exchanges = new Table(14)
  private readonly delays = new Table(5)
  private readonly urls: Array<string> = []
  private readonly files: Array<string> = []

  constructor(private readonly transfersAtMost: number) {}

  get isFull(): boolean {
    return this.transfers.length >= this.transfersAtMost
  }

  /** Returns the number of the row. */
  addTransfer(request: DownloadRequest, origin: number, began: number): number {
    const { transfers } = this
    const row = transfers.add()
    transfers.set(row, ofTransfer.origin, origin)
    transfers.set(row, ofTransfer.began, began)
    transfers.set(row, ofTransfer.ended, -1)
    transfers.set(row, ofTransfer.outcome, outcomes.indexOf("unfinished"))
    transfers.set(row, ofTransfer.error, -1)
    transfers.set(row, ofTransfer.phase, -1)
    transfers.set(row, ofTransfer.longWait, -1)
    this.urls.push(request.url)
    this.files.push(request.destination)
    return row
  }

  endTransfer(
    row: number,
    end: { readonly ended: number; readonly outcome: Outcome; readonly retries: number; readonly bytes: number }
  ): void {
    const { transfers } = this
    transfers.set(row, ofTransfer.ended, end.ended)
    transfers.set(row, ofTransfer.outcome, outcomes.indexOf(end.outcome))
    transfers.set(row, ofTransfer.retries, end.retries)
    setLarge(transfers, row, ofTransfer.bytes, end.bytes)
  }

  setFile(row: number, file: string): void {
    this.files[row] = file
  }

  setLongWait(row: number, longWait: number): void {
    this.transfers.set(row, ofTransfer.longWait, longWait)
  }

  /** Sets the texts of a failure. */
  setFailure(row: number, error: number, phase: number): void {
    this.transfers.set(row, ofTransfer.error, error)
    this.transfers.set(row, ofTransfer.phase, phase)
  }

  addExchange(event: Exchanged, transfer: number, origin: number, began: number, error: number): void {
    const { exchanges } = this
    if (exchanges.length >= partsPerTransfer * this.transfersAtMost) {
      return
    }
    const row = exchanges.add()
    exchanges.set(row, ofExchange.transfer, transfer)
    exchanges.set(row, ofExchange.origin, origin)
    exchanges.set(row, ofExchange.began, began)
    exchanges.set(row, ofExchange.permit, event.permitMillis)
    exchanges.set(row, ofExchange.lookup, event.lookupMillis ?? -1)
    exchanges.set(row, ofExchange.connect, event.connectMillis ?? -1)
    exchanges.set(row, ofExchange.tls, event.tlsMillis ?? -1)
    exchanges.set(row, ofExchange.firstByte, event.firstByteMillis ?? -1)
    exchanges.set(row, ofExchange.body, event.bodyMillis ?? -1)
    exchanges.set(row, ofExchange.attempt, event.attempt)
    exchanges.set(row, ofExchange.status, event.status ?? 0)
    setLarge(exchanges, row, ofExchange.bytes, event.bytes)
    exchanges.set(row, ofExchange.error, error)
  }

  addDelay(transfer: number, began: number, delay: number, attempt: number, error: number): void {
    const { delays } = this
    if (delays.length >= partsPerTransfer * this.transfersAtMost) {
      return
    }
    const row = delays.add()
    delays.set(row, ofDelay.transfer, transfer)
    delays.set(row, ofDelay.began, began)
    delays.set(row, ofDelay.delay, Math.round(delay))
    delays.set(row, ofDelay.attempt, attempt)
    delays.set(row, ofDelay.error, error)
  }

  /** Calls `take` with the saved files, in the order of their rows, until it returns false. */
  saved(take: (file: string, row: number) => boolean): void {
    for (let row = 0; row < this.transfers.length; row++) {
      const isSaved = outcomes[this.transfers.get(row, ofTransfer.outcome)] === "saved"
      if (isSaved && !take(this.files[row] ?? "", row)) {
        return
      }
    }
  }

  /** The columns. `pathOf` is the URL of a transfer without the origin. Transfers in flight end at `now`. */
  columns(
    pathOf: (url: string, origin: number) => string,
    now: number
  ): Pick<RunData, "transfers" | "exchanges" | "delays"> {
    const { delays, exchanges, transfers } = this
    return {
      transfers: {
        origin: transfers.column(ofTransfer.origin),
        path: this.urls.map((url, row) => pathOf(url, transfers.get(row, ofTransfer.origin))),
        file: this.files,
        began: transfers.column(ofTransfer.began),
        ended: transfers.column(ofTransfer.ended).map((ended) => (ended === -1 ? now : ended)),
        outcome: transfers.column(ofTransfer.outcome),
        bytes: largeColumn(transfers, ofTransfer.bytes),
        retries: transfers.column(ofTransfer.retries),
        error: transfers.column(ofTransfer.error),
        phase: transfers.column(ofTransfer.phase),
        longWait: transfers.column(ofTransfer.longWait)
      },
      exchanges: {
        transfer: exchanges.column(ofExchange.transfer),
        origin: exchanges.column(ofExchange.origin),
        began: exchanges.column(ofExchange.began),
        permit: exchanges.column(ofExchange.permit),
        lookup: exchanges.column(ofExchange.lookup),
        connect: exchanges.column(ofExchange.connect),
        tls: exchanges.column(ofExchange.tls),
        firstByte: exchanges.column(ofExchange.firstByte),
        body: exchanges.column(ofExchange.body),
        attempt: exchanges.column(ofExchange.attempt),
        status: exchanges.column(ofExchange.status),
        bytes: largeColumn(exchanges, ofExchange.bytes),
        error: exchanges.column(ofExchange.error)
      },
      delays: {
        transfer: delays.column(ofDelay.transfer),
        began: delays.column(ofDelay.began),
        delay: delays.column(ofDelay.delay),
        attempt: delays.column(ofDelay.attempt),
        error: delays.column(ofDelay.error)
      }
    }
  }
}
