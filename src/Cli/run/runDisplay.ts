/**
 * The state of a run of `halyard get` or `halyard flags`, as rows for a terminal and as a line.
 */
import * as Effect from "effect/Effect"
import type * as Download from "../../Download.js"
import { Finished, Started } from "../../DownloadEvent.js"
import * as Unvalidated from "../../internal/unvalidated.js"
import type { StatusLine } from "../../StatusLine.js"
import * as TerminalProgress from "../../TerminalProgress.js"

export interface RunDisplay extends TerminalProgress.TerminalProgress {
  /** Counts the outcome of an item for which no transfer was started. */
  readonly refused: (outcome: Download.Failed) => void
}

export const make = (
  options: TerminalProgress.Options & {
    /** If it is false, events cost nothing. */
    readonly isShown: boolean
  }
): Effect.Effect<RunDisplay, never, StatusLine> =>
  Effect.map(Effect.all([TerminalProgress.make(options), Effect.clock]), ([display, clock]) => ({
    ...display,
    receive: options.isShown ? display.receive : () => {},
    refused: (outcome) => {
      const atMillis = clock.unsafeCurrentTimeMillis()
      display.receive(Unvalidated.make(Started, { request: outcome.request, atMillis }))
      display.receive(Unvalidated.make(Finished, { outcome, atMillis }))
    }
  }))
