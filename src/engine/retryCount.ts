/**
 * Counts the failed attempts of a transfer since the last progress.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"
import type { PartialFile } from "./partialFile.js"

export class RetryCount {
  /** From 1 on after a failure. */
  failures = 0
  /** The number of bytes at the last restart of the count, or in the part when it was opened. */
  furthestBytes = 0

  /** @param sinceMillis When the first of these attempts began. */
  constructor(public sinceMillis?: number) {}

  /**
   * Counts a failed attempt. The count restarts if the attempts since its last restart have received 1 % of the file (at most a
   * hundred times), or 64 KiB at a sufficient rate. It does not restart after far more bytes were received than the file has.
   */
  failed(error: DownloadError, partial: PartialFile, nowMillis: number): void {
    const broughtBytes = partial.bytes - this.furthestBytes
    const isShare = broughtBytes >= shareOf(partial)
    const isFast = broughtBytes * 1000 >= leastBytesPerSecond * (nowMillis - (this.sinceMillis ?? nowMillis))
    const isBounded = partial.receivedBytes <= mostTimes * Math.max(partial.bytes, partial.totalBytes ?? 0)
    if ((isShare || (broughtBytes >= muchBytes && isFast)) && isBounded) {
      this.furthestBytes = partial.bytes
      this.failures = 0
      this.sinceMillis = nowMillis
    }
    // A refused range is not counted: the next request has no range, so it is a different request.
    const isCounted = !(error._tag === "Protocol" && error.reason === "range")
    this.failures = Math.max(1, this.failures + (isCounted ? 1 : 0))
  }
}

/** How many bytes are progress: 1 % of the file, or 64 KiB if that is less. */
export const leastProgress = (partial: PartialFile): number => Math.min(muchBytes, shareOf(partial))

const shareOf = ({ bytes, totalBytes }: PartialFile): number => Math.max(1, (totalBytes ?? bytes) / 100)

const muchBytes = 64 * 1024

const leastBytesPerSecond = 256

const mostTimes = 4
