/**
 * Reports unfinished parts in the directory that a run writes to.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { displaySize } from "../../internal/text/displaySize.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import { Host } from "../Host.js"

// Reading more entries would delay the first request.
const entriesAtMost = 100_000

/** Writes a line if there are any that no process uses. It must run before the run opens its first part. */
export const report = Effect.fnUntraced(function* (directory: string) {
  const { unfinishedParts } = yield* Host
  const { bytes, count } = yield* Stream.runFold(
    unfinishedParts(directory, { entriesAtMost }),
    { bytes: 0, count: 0 },
    (sum, found) =>
      found._tag === "Unreadable" || found.use !== "none"
        ? sum
        : { bytes: sum.bytes + found.sizeBytes, count: sum.count + 1 }
  )
  if (count > 0) {
    const { line } = yield* StatusLine
    const parts = count === 1 ? "1 unfinished part" : `${count} unfinished parts`
    line(
      `${Printable.line(directory)} has ${parts} of earlier runs, ${displaySize(bytes)}; 'halyard clean' removes what is left`
    )
  }
})
