/**
 * The state of a run of `halyard get` or `halyard flags`, as rows for a terminal and as a line.
 */
import * as Effect from "effect/Effect"
import type * as Download from "../Download.js"
import { type DownloadEvent, Finished, Started } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import * as RunView from "../RunView.js"
import { StatusLine } from "../StatusLine.js"
import type { Content } from "./display.js"

export interface RunDisplay extends Content {
  readonly event: (event: DownloadEvent) => void
  /** Counts the outcome of an item for which no transfer was started. */
  readonly refused: (outcome: Download.Failed) => void
  /** Sets the number of items, when it becomes known. */
  readonly expect: (items: number) => void
}

const rowsOnTerminal = 8

export const make = (options: {
  /** If it is false, events cost nothing. */
  readonly isShown: boolean
  /** The text before anything is known. */
  readonly label: string
  /** The number of items, if it is known at the start. */
  readonly expected?: number | undefined
}): Effect.Effect<RunDisplay, never, StatusLine> =>
  Effect.map(Effect.all([RunView.make(options), StatusLine, Effect.clock]), ([view, statusLine, clock]) => {
    const isUnknown = ({ done, inFlight }: RunView.Snapshot): boolean =>
      options.expected === undefined && done + inFlight === 0
    return {
      event: options.isShown ? view.receive : () => {},
      refused: (outcome) => {
        const atMillis = clock.unsafeCurrentTimeMillis()
        view.receive(Unvalidated.make(Started, { request: outcome.request, atMillis }))
        view.receive(Unvalidated.make(Finished, { outcome, atMillis }))
      },
      expect: view.expect,
      rows: (frame) => {
        const rowsAtMost = Math.max(1, Math.min(rowsOnTerminal, statusLine.rows() - 2))
        const snapshot = view.snapshot({ transfersAtMost: rowsAtMost })
        return isUnknown(snapshot)
          ? `${frame} ${options.label}`
          : RunView.rows(snapshot, {
              columns: statusLine.columns() - 1,
              rowsAtMost,
              frame,
              hasColors: statusLine.hasColors
            }).join("\n")
      },
      tabProgress: () => RunView.tabProgress(view.snapshot({ transfersAtMost: 0 })),
      line: () => {
        const snapshot = view.snapshot()
        const [line = ""] = RunView.rows(snapshot, { columns: Number.POSITIVE_INFINITY, hasBar: false })
        return isUnknown(snapshot) ? options.label : `${options.label}: ${line}`
      }
    }
  })
