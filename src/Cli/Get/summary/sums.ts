/**
 * The counts at the end of a run, as text.
 */
import type * as Download from "../../../Download.js"
import { displaySize } from "../../../internal/text/displaySize.js"

const countNames = {
  saved: "saved",
  skipped: "skipped",
  notModified: "unchanged",
  failed: "failed",
  cancelled: "cancelled",
  notStarted: "not started"
} as const

const countKinds = ["saved", "skipped", "notModified", "failed", "cancelled", "notStarted"] as const

/** Batches have no count of files that were not started. */
type Counts = Omit<Pick<Download.RunReport, (typeof countKinds)[number]>, "notStarted"> & {
  readonly notStarted?: number
}

/** The number of requests with an outcome. */
export const total = (counts: Counts): number => countKinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0)

/** The counts that are not 0, and that of saved files: `2 saved, 1 failed`. */
export const countsText = (counts: Counts): string =>
  countKinds
    .flatMap((kind) => {
      const { [kind]: count = 0 } = counts
      return count > 0 || kind === "saved" ? [`${count} ${countNames[kind]}`] : []
    })
    .join(", ")

/** The last line of a run. */
export const sumsLine = (report: Download.RunReport, elapsedSeconds: number): string => {
  const rate = report.bytes > 0 ? ` (${displaySize(report.bytes / Math.max(0.01, elapsedSeconds))}/s)` : ""
  return `${countsText(report)}; ${displaySize(report.bytes)} in ${elapsedSeconds.toFixed(2)}s${rate}`
}
