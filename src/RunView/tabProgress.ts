/**
 * Says what a terminal shows of a run in its tab or in the task bar.
 */
import type { TabProgress } from "../StatusLine.js"
import type { Snapshot } from "./snapshot.js"

/**
 * Returns the progress of a run for the tab of a terminal. It is `paused` while all transfers wait for their next attempt, `error` after a
 * request has failed, and `indeterminate` while neither the size nor the number of requests is known.
 *
 * @category rows
 * @since 0.2.0
 */
export const tabProgress = (snapshot: Snapshot): TabProgress => {
  const { bytes, done, expected, failed, inFlight, totalBytes, waiting } = snapshot
  const share =
    totalBytes !== undefined && totalBytes > 0
      ? bytes / totalBytes
      : expected !== undefined && expected > 1
        ? done / expected
        : undefined
  const percent = Math.min(100, Math.floor((share ?? 0) * 100))
  return {
    state:
      inFlight > 0 && waiting === inFlight
        ? "paused"
        : failed > 0
          ? "error"
          : share === undefined
            ? "indeterminate"
            : "normal",
    percent
  }
}
