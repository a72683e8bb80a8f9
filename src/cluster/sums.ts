/**
 * Counts of shards, and sums over them.
 */
import type { RunReport } from "../Download.js"
import { type AbandonedShard, type FileCounts, failureTags } from "./models.js"
import type { Counts } from "./rows/rows.js"

export const emptyCounts: Counts = {
  saved: 0,
  skipped: 0,
  notModified: 0,
  failed: 0,
  cancelled: 0,
  notFound: 0,
  bytes: 0,
  foundSaved: 0
}

export const sumCounts = (a: Counts, b: Counts): Counts => ({
  saved: a.saved + b.saved,
  skipped: a.skipped + b.skipped,
  notModified: a.notModified + b.notModified,
  failed: a.failed + b.failed,
  cancelled: a.cancelled + b.cancelled,
  notFound: a.notFound + b.notFound,
  bytes: a.bytes + b.bytes,
  foundSaved: a.foundSaved + b.foundSaved
})

export const fileCountsOf = ({ cancelled, failed, notModified, saved, skipped }: Counts): FileCounts => ({
  saved,
  skipped,
  notModified,
  failed,
  cancelled
})

/** Counts the files that have no outcome. */
export const remaining = (counts: Counts, files: number, kind: "failed" | "cancelled"): Counts => {
  const { cancelled, failed, notModified, saved, skipped } = counts
  return { ...counts, [kind]: counts[kind] + files - saved - skipped - notModified - failed - cancelled }
}

/** The counts of an attempt. If a second attempt need not fetch a file, an earlier attempt saved the file, or it was there before. */
export const countsOf = (report: RunReport, attempt: number): Counts => ({
  saved: report.saved,
  skipped: report.skipped,
  notModified: report.notModified,
  failed: report.failed,
  cancelled: report.cancelled + report.notStarted,
  notFound: report.notFound,
  bytes: report.bytes,
  foundSaved: attempt === 1 ? 0 : report.skipped + report.notModified
})

/** Adds `b` to `a` as often as `times` says. */
export const addFailures = (
  a: RunReport["failures"],
  b: RunReport["failures"],
  times: number
): RunReport["failures"] => {
  const sum: { -readonly [tag in keyof RunReport["failures"]]: RunReport["failures"][tag] } = { ...a }
  for (const tag of failureTags.literals) {
    const count = b[tag]
    if (count !== undefined) {
      sum[tag] = (a[tag] ?? 0) + count * times
    }
  }
  return sum
}

export const abandonedOf = (row: {
  readonly shard: number
  readonly files: number
  readonly attempts: number
  readonly detail: string
}): AbandonedShard => ({
  shard: row.shard,
  files: row.files,
  attempts: row.attempts,
  reason: row.detail === "" ? "process-ended" : "defect",
  detail: row.detail
})
