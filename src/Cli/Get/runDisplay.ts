/**
 * The state of a run of `halyard get`, as rows for a terminal and as a line.
 */
import * as Effect from "effect/Effect"
import type * as Download from "../../Download.js"
import { type DownloadEvent, Finished, Started } from "../../DownloadEvent.js"
import * as Unvalidated from "../../internal/unvalidated.js"
import * as RunView from "../../RunView.js"
import { StatusLine } from "../../StatusLine.js"
import type { Content } from "../display.js"

export interface RunDisplay extends Content {
  readonly event: (event: DownloadEvent) => void
  /** Counts the outcome of an item for which no transfer was started. */
  readonly refused: (outcome: Download.Failed) => void
  /** Sets the number of items, when it becomes known. */
  readonly expect: (items: number) => void
}

const rowsOnTerminal = 8

/** If `isShown` is false, events cost nothing. */
export const make = (isShown: boolean): Effect.Effect<RunDisplay, never, StatusLine> =>
  Effect.map(Effect.all([RunView.make(), StatusLine]), ([view, statusLine]) => ({
    event: isShown ? view.receive : () => {},
    refused: (outcome) => {
      view.receive(Unvalidated.make(Started, { request: outcome.request }))
      view.receive(Unvalidated.make(Finished, { outcome }))
    },
    expect: view.expect,
    rows: (frame) => {
      const rowsAtMost = Math.max(1, Math.min(rowsOnTerminal, statusLine.rows() - 2))
      const snapshot = view.snapshot({ transfersAtMost: rowsAtMost })
      return isIdle(snapshot)
        ? `${frame} downloading`
        : // The line end keeps the cursor out of the row, also if there is only one.
          `${RunView.rows(snapshot, { columns: statusLine.columns() - 1, rowsAtMost, frame }).join("\n")}\n`
    },
    line: () => {
      const snapshot = view.snapshot()
      const [line = ""] = RunView.rows(snapshot, { columns: Number.POSITIVE_INFINITY, hasBar: false })
      return isIdle(snapshot) ? "downloading" : `downloading: ${line}`
    }
  }))

const isIdle = ({ done, inFlight }: RunView.Snapshot): boolean => done + inFlight === 0
