/**
 * Reports unfinished parts in the directory that a run writes to.
 */
import * as Effect from "effect/Effect"
import * as Printable from "../internal/text/printable.js"
import { StatusLine } from "../StatusLine.js"
import { Host } from "./Host.js"

/** Writes a line if there are any. It must run before the run opens its first part. */
export const report = Effect.fnUntraced(function* (directory: string) {
  const { unfinishedParts } = yield* Host
  const count = yield* unfinishedParts(directory)
  if (count > 0) {
    const { line } = yield* StatusLine
    const parts = count === 1 ? "1 unfinished part" : `${count} unfinished parts`
    line(`${Printable.line(directory)} has ${parts} (.halyard-….part), of a run that was killed or that still runs`)
  }
})
