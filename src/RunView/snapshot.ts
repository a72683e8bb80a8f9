/**
 * The state of a run at a point in time.
 */
import type { DownloadRequest } from "../Download.js"
import type { DownloadError } from "../DownloadError.js"
import type { Obstacle } from "../DownloadEvent.js"

/**
 * Transfers that have waited for a second or longer, for a permit or for another thing, for the same reason.
 *
 * @category models
 * @since 0.2.0
 */
export interface LongWait {
  readonly origin: string
  readonly obstacle: Obstacle
  /** The number of requests at a time that are allowed. Undefined if the obstacle is another one. */
  readonly limit: number | undefined
  /** The time until the end of the pause. Undefined if the obstacle is another one. */
  readonly remainingMillis: number | undefined
  /** The transfer that began to wait first. */
  readonly request: DownloadRequest
  /** The number of transfers. */
  readonly transfers: number
}

/**
 * A transfer in flight.
 *
 * @category models
 * @since 0.2.0
 */
export interface Transfer {
  readonly request: DownloadRequest
  /** The size of the file so far. */
  readonly bytes: number
  /** The size of the whole file. Undefined if it is not known yet, or if the server does not announce it. */
  readonly totalBytes: number | undefined
  /** The smoothed rate. Undefined until two `Advanced` events have arrived. */
  readonly bytesPerSecond: number | undefined
  /** The time until the file is complete at this rate. Undefined if the size or the rate is not known, or if the rate is 0. */
  readonly remainingMillis: number | undefined
  /** The time since `Started`. */
  readonly elapsedMillis: number
  /** The time since bytes arrived last, the transfer got its permit, or it began. */
  readonly idleMillis: number
  /** The number of requests that bring bytes of the file now. */
  readonly connections: number
  /** The number of failed attempts. */
  readonly retries: number
  /** The next attempt. Undefined if the transfer does not wait for one. */
  readonly waiting: { readonly error: DownloadError; readonly remainingMillis: number } | undefined
}

/**
 * A run at a point in time.
 *
 * @category models
 * @since 0.2.0
 */
export interface Snapshot {
  /** The number of requests with an outcome. */
  readonly done: number
  /** The number of requests that have failed. They are among `done`. */
  readonly failed: number
  readonly inFlight: number
  /** The number of requests of the whole run, if it is known. */
  readonly expected: number | undefined
  /** The size of the saved files, and of the files in flight so far. Bytes that a failed attempt has thrown away are not counted. */
  readonly bytes: number
  /** The size of all files of the run. Undefined if it can neither be known nor estimated. */
  readonly totalBytes: number | undefined
  /** True if `totalBytes` takes the mean of the known sizes for each size that is not known yet. */
  readonly isEstimate: boolean
  /** The smoothed rate of received bytes. Time in which all transfers wait for their next attempt does not lower it. */
  readonly bytesPerSecond: number | undefined
  /** The time until the run ends at this rate. Undefined if the total or the rate is not known, or if the rate is 0. */
  readonly remainingMillis: number | undefined
  readonly elapsedMillis: number
  /** Failed attempts that were followed by another. */
  readonly retries: number
  /** The number of transfers that wait for their next attempt. */
  readonly waiting: number
  /** What transfers wait for: permits, and other things. The reason of most transfers comes first. */
  readonly longWaits: ReadonlyArray<LongWait>
  /**
   * The transfers that wait for their next attempt, and then those that were started first. Those that wait long are only in
   * `longWaits`.
   */
  readonly transfers: ReadonlyArray<Transfer>
}
