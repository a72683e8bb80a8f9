/**
 * The counts at the end of a run, as text.
 */
import type * as Download from "../../Download.js"
import { displaySize } from "../../internal/text/displaySize.js"

const countNames = {
  saved: "saved",
  skipped: "skipped",
  notModified: "unchanged",
  failed: "failed",
  cancelled: "cancelled"
} as const

const countKinds = ["saved", "skipped", "notModified", "failed", "cancelled"] as const

type Counts = Pick<Download.RunReport, (typeof countKinds)[number]>

/** The number of requests with an outcome. */
export const total = (counts: Counts): number => countKinds.reduce((sum, kind) => sum + counts[kind], 0)

/** The counts that are not 0, and that of saved files: `2 saved, 1 failed`. */
export const countsText = (counts: Counts): string =>
  countKinds
    .flatMap((kind) => (counts[kind] > 0 || kind === "saved" ? [`${counts[kind]} ${countNames[kind]}`] : []))
    .join(", ")

/** The last line of a run. `left` is the number of requests that were not started. */
export const sumsLine = (report: Download.RunReport, elapsedSeconds: number, left: number): string => {
  const rest = left > 0 ? `, ${left} not started` : ""
  const rate = report.bytes > 0 ? ` (${displaySize(report.bytes / Math.max(0.01, elapsedSeconds))}/s)` : ""
  return `${countsText(report)}${rest}; ${displaySize(report.bytes)} in ${elapsedSeconds.toFixed(2)}s${rate}`
}
