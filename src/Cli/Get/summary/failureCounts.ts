/**
 * Counts the failures of a run by their reasons, for a report that cannot list them all.
 */
import { reasonOf } from "../../../DownloadError/reason.js"
import type { DownloadError } from "../../../DownloadError.js"

export class FailureCounts {
  private readonly counts = new Map<string, number>()

  add(error: DownloadError): void {
    const reason = reasonOf(error)
    const known = this.counts.has(reason) || this.counts.size < reasonsAtMost ? reason : "for other reasons"
    this.counts.set(known, (this.counts.get(known) ?? 0) + 1)
  }

  /** The counts, the largest first: `9990 HTTP error 404 - Not Found, 10 the connection was refused`. */
  toString(): string {
    const sorted = [...this.counts].sort(([, one], [, other]) => other - one)
    return sorted.map(([reason, count]) => `${count} ${reason}`).join(", ")
  }
}

// Servers may answer with any status.
const reasonsAtMost = 8
