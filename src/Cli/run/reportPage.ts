/**
 * The file of `--report`: a page that shows a run. It is written when the run ends, however it ends.
 */
import * as Effect from "effect/Effect"
import { type DownloadEvent, type Finished, Started } from "../../DownloadEvent.js"
import * as Printable from "../../internal/text/printable.js"
import * as Unvalidated from "../../internal/unvalidated.js"
import type { Shards } from "../../RunRecord/shards.js"
import * as RunRecord from "../../RunRecord.js"
import { StatusLine } from "../../StatusLine.js"
import { Host } from "../Host.js"
import { UsageError } from "../UsageError.js"
import * as Pictures from "./pictures.js"
import * as ReplacedFile from "./replacedFile.js"

export interface ReportPage {
  readonly receive: (event: DownloadEvent) => void
  /** Adds to the number of files of the run. Those that the run has not taken from its input are not started. */
  readonly expect: (files: number) => void
  /** Records an item for which no request is sent. */
  readonly refused: (event: Finished) => void
  /** Says in the page that the events are those of failed files only. */
  readonly failuresOnly: () => void
  /** Shows the shards of a batch, whose failed files are the items that were refused. */
  readonly ofBatch: (shards: Shards) => void
  /** Writes the page, with what helps against the failures. Returns false, and prints why, if it could not be written. */
  readonly save: (hints: () => ReadonlyArray<string>) => Effect.Effect<boolean>
}

/** Checks the file before the run. */
export const open = Effect.fnUntraced(function* (
  option: string,
  file: string,
  options: {
    readonly hasSecrets: boolean
    /** Whether the events are of this process. The paths of other events may be those of another machine, and are not followed. */
    readonly isOwnRun: boolean
  }
) {
  const { hasSecrets, isOwnRun } = options
  const target = yield* ReplacedFile.check(option, file, { hasSecrets })
  // Loaded before the run, after which there is a report to print.
  const { withData } = yield* Effect.promise(() => import("../../RunRecord/page.js"))
  const html = yield* Effect.mapError(
    (yield* Host).reportPage,
    ({ explanation, reason }) =>
      new UsageError({
        message: `${option} ${Printable.line(file)}: report.html of halyard ${reason === "missing" ? "is missing" : `cannot be read: ${explanation}`}`
      })
  )
  const { line } = yield* StatusLine
  const record = RunRecord.make()
  const context = yield* Effect.context<ReplacedFile.Requirements>()
  let hasFailuresOnly = false
  let batch: Shards | undefined
  const write = Effect.fnUntraced(function* (hints: () => ReadonlyArray<string>) {
    const pictures = isOwnRun ? yield* Pictures.read(record) : []
    const options = { hasFailuresOnly, hasSecrets, hints: hints(), pictures }
    const data = record.data(options)
    const text = withData(html, batch === undefined ? data : batch.of(data))
    yield* target.replace((file) => file.writeAll(new TextEncoder().encode(text)))
  })
  const page: ReportPage = {
    receive: (event) => {
      record.receive(event)
      if (isOwnRun) {
        target.receive(event)
      }
    },
    expect: record.expect,
    refused: (event) => {
      const { atMillis, outcome } = event
      record.receive(Unvalidated.make(Started, { request: outcome.request, atMillis }))
      record.receive(event)
    },
    failuresOnly: () => {
      hasFailuresOnly = true
    },
    ofBatch: (shards) => {
      batch = shards
    },
    save: (hints) =>
      write(hints).pipe(
        Effect.as(true),
        Effect.catchAll(({ message }) =>
          Effect.sync(() => {
            line(`${option} ${Printable.line(file)}: ${message}`)
            return false
          })
        ),
        Effect.provide(context)
      )
  }
  return page
})
