/**
 * Requests, their outcomes, and the report of a run. `Downloader` carries the requests out.
 *
 * @since 0.1.0
 */
import type { DownloadOutcome } from "./Download/outcome.js"
import type { DownloadError } from "./DownloadError.js"

export {
  Cancelled,
  Discarded,
  DownloadOutcome,
  ExistingFile,
  Failed,
  NotModified,
  Saved,
  Skipped,
  Verification
} from "./Download/outcome.js"
export {
  DownloadRequest,
  DownloadRequestShown,
  DownloadRequestWithSecrets,
  defaults,
  type RequestOptions,
  request
} from "./Download/request.js"

/**
 * The number of outcomes of each kind. The number of requests that the run received is
 * `saved + skipped + notModified + failed + cancelled + notStarted`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunReport {
  readonly saved: number
  readonly skipped: number
  readonly notModified: number
  readonly failed: number
  /** The number of requests that were interrupted after their transfers had begun. */
  readonly cancelled: number
  /** The number of requests that were interrupted before anything was sent for them: `Cancelled` with `attempts` 0. */
  readonly notStarted: number
  /** The number of failed requests with the status `404 Not Found`. */
  readonly notFound: number
  /** The number of failed requests by the tag of the error. */
  readonly failures: { readonly [tag in DownloadError["_tag"]]?: number }
  /** The size of all saved files. */
  readonly bytes: number
}

/**
 * A report without outcomes.
 *
 * @category reports
 * @since 0.1.0
 */
export const emptyReport: RunReport = {
  saved: 0,
  skipped: 0,
  notModified: 0,
  failed: 0,
  cancelled: 0,
  notStarted: 0,
  notFound: 0,
  failures: {},
  bytes: 0
}

/**
 * Adds one outcome to a report.
 *
 * @category reports
 * @since 0.1.0
 */
export const addOutcome = (report: RunReport, outcome: DownloadOutcome): RunReport => {
  switch (outcome._tag) {
    case "Saved":
      // Most outcomes of a run are of this kind, and a spread takes eight times as long.
      return {
        saved: report.saved + 1,
        skipped: report.skipped,
        notModified: report.notModified,
        failed: report.failed,
        cancelled: report.cancelled,
        notStarted: report.notStarted,
        notFound: report.notFound,
        failures: report.failures,
        bytes: report.bytes + outcome.bytes
      }
    case "Skipped":
      return { ...report, skipped: report.skipped + 1 }
    case "NotModified":
      return { ...report, notModified: report.notModified + 1 }
    case "Cancelled":
      return isNotStarted(outcome)
        ? { ...report, notStarted: report.notStarted + 1 }
        : { ...report, cancelled: report.cancelled + 1 }
    case "Failed": {
      const tag = outcome.error._tag
      return {
        ...report,
        failed: report.failed + 1,
        notFound: report.notFound + (isNotFound(outcome.error) ? 1 : 0),
        failures: { ...report.failures, [tag]: (report.failures[tag] ?? 0) + 1 }
      }
    }
  }
}

/**
 * Returns true if the server answered `404 Not Found` (RFC 9110 §15.5.5).
 *
 * @category predicates
 * @since 0.1.0
 */
export const isNotFound = (error: DownloadError): boolean => error._tag === "HttpStatus" && error.status === 404

/**
 * Returns true if the request was interrupted before anything was sent for it.
 *
 * @category predicates
 * @since 0.2.0
 */
export const isNotStarted = (outcome: DownloadOutcome): boolean =>
  outcome._tag === "Cancelled" && outcome.attempts === 0

/**
 * Returns the exit code for a report: 0 if all files were saved, skipped or not modified, else 1.
 *
 * @category reports
 * @since 0.1.0
 */
export const exitCode = (report: RunReport): 0 | 1 => (report.failed + report.cancelled + report.notStarted > 0 ? 1 : 0)
