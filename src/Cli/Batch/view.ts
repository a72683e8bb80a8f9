/**
 * How far a batch is, as the rows and the line of a display.
 */
import * as Effect from "effect/Effect"
import type { BatchStatus } from "../../cluster/models.js"
import { displaySize } from "../../internal/text/displaySize.js"
import { clip } from "../../internal/text/displayWidth.js"
import * as Printable from "../../internal/text/printable.js"
import { SmoothedRate } from "../../RunView/smoothedRate.js"
import * as RunView from "../../RunView.js"
import { StatusLine } from "../../StatusLine.js"
import type { Content } from "../../TerminalProgress.js"
import { countsText, total } from "../Get/summary/sums.js"

export interface BatchView extends Content {
  /** Takes the newest status. */
  readonly update: (status: BatchStatus) => void
}

/** The display of a batch. `label` is the text before there is a status, and `text` the line after that. */
export const make = (
  label: string,
  text: (status: BatchStatus) => string
): Effect.Effect<BatchView, never, StatusLine> =>
  Effect.map(Effect.all([StatusLine, Effect.clock]), ([statusLine, clock]) => {
    const [bytesRate, filesRate] = [new SmoothedRate(), new SmoothedRate()]
    let status: BatchStatus | undefined
    let atMillis = 0

    const snapshotOf = (newest: BatchStatus): RunView.Snapshot => {
      const done = doneOf(newest)
      const filesPerSecond = filesRate.perSecond() ?? 0
      return {
        done,
        failed: newest.files.failed,
        inFlight: newest.shards.running,
        expected: newest.files.total,
        bytes: newest.bytes,
        totalBytes: undefined,
        isEstimate: true,
        bytesPerSecond: bytesRate.perSecond(),
        remainingMillis: filesPerSecond > 0 ? ((newest.files.total - done) / filesPerSecond) * 1000 : undefined,
        elapsedMillis: clock.unsafeCurrentTimeMillis() - newest.submittedMillis,
        retries: newest.attempts,
        waiting: 0,
        longWaits: [],
        transfers: []
      }
    }

    return {
      update: (newest) => {
        const nowMillis = clock.unsafeCurrentTimeMillis()
        if (status !== undefined) {
          for (const [rate, difference] of [
            [bytesRate, newest.bytes - status.bytes],
            [filesRate, doneOf(newest) - doneOf(status)]
          ] as const) {
            rate.elapse(nowMillis - atMillis)
            rate.add(Math.max(0, difference))
          }
        }
        atMillis = nowMillis
        status = newest
      },
      rows: (frame) => {
        if (status === undefined) {
          return `${frame} ${label}`
        }
        const columns = statusLine.columns() - 1
        const rowOptions = { columns, rowsAtMost: 4, frame, hasColors: statusLine.hasColors }
        return [...RunView.rows(snapshotOf(status), rowOptions), clip(shardsText(status), columns)].join("\n")
      },
      line: () => (status === undefined ? label : text(status)),
      tabProgress: () =>
        status === undefined ? { state: "indeterminate", percent: 0 } : RunView.tabProgress(snapshotOf(status))
    }
  })

const doneOf = ({ files }: BatchStatus): number => total(files)

/** The state of a batch as one line. */
export const textOf = (status: BatchStatus): string =>
  `${Printable.line(status.id)}: ${status.state}; ${doneOf(status)} of ${status.files.total} files: ${restOf(status)}`

/** How far the batch of `submit --local` is, as one line. */
export const localText = (status: BatchStatus): string =>
  `${doneOf(status)} of ${status.files.total} files are done: ${restOf(status)}`

const restOf = (status: BatchStatus): string =>
  [countsText(status.files), displaySize(status.bytes), shardsText(status)].join("; ")

const shardsText = ({ attempts, foundSaved, shards }: BatchStatus): string => {
  const all = shards.waiting + shards.running + shards.done + shards.abandoned + shards.cancelled
  const begun = all - shards.waiting - shards.cancelled
  return [
    `${shards.done} of ${all} shards done`,
    ...(shards.running > 0 ? [`${shards.running} running`] : []),
    ...(shards.abandoned > 0 ? [`${shards.abandoned} abandoned`] : []),
    ...(attempts > begun ? [`${attempts - begun} begun again`] : []),
    ...(foundSaved > 0 ? [`${foundSaved} files found saved`] : [])
  ].join(", ")
}
