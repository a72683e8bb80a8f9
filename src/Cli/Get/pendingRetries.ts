/**
 * What `halyard get` prints of failed attempts, and of the transfers that wait for their next attempt.
 */
import type { DownloadRequest } from "../../Download.js"
import type { DownloadError } from "../../DownloadError.js"
import type { Retrying } from "../../DownloadEvent.js"
import { displayUrl } from "../../internal/text/displayUrl.js"

// Each of the first retries has a line. After these, a line every ten seconds counts the others.
const linesAtFirst = 20
const betweenLinesMillis = 10_000

/** Why a request failed. If the failing URL is not the request's own, the text names it. */
export const failureOf = (request: DownloadRequest, error: DownloadError): string =>
  "url" in error && withoutCredentials(error.url) !== withoutCredentials(displayUrl(request.url))
    ? `${error.message} (redirected to ${error.url})`
    : error.message

// `displayUrl` shows credentials as `***@`. The request that is sent has them in a header instead.
const withoutCredentials = (shown: string): string => shown.replace("//***@", "//")

/** The transfers that wait for their next attempt. `now` is a clock in milliseconds. */
export class PendingRetries {
  private readonly all = new Map<DownloadRequest, { readonly atMillis: number; readonly event: Retrying }>()
  private lines = 0
  private lastLineAtMillis = 0
  private withoutLine = 0

  constructor(
    private readonly now: () => number,
    private readonly linesAtMost = linesAtFirst
  ) {}

  add(event: Retrying): void {
    this.all.set(event.request, { atMillis: this.now() + event.delayMillis, event })
  }

  delete(request: DownloadRequest): void {
    this.all.delete(request)
  }

  /** The end of the status line: the next retry, and the number of pending retries. */
  status(): string {
    const now = this.now()
    let next: { readonly atMillis: number; readonly event: Retrying } | undefined
    for (const [request, retry] of this.all) {
      if (retry.atMillis <= now) {
        this.all.delete(request)
      } else if (next === undefined || retry.atMillis < next.atMillis) {
        next = retry
      }
    }
    if (next === undefined) {
      return ""
    }
    const { error, request } = next.event
    const what = this.all.size === 1 ? "retrying" : `${this.all.size} retries, the first`
    return `; ${what} in ${secondsOf(next.atMillis - now)} after ${failureOf(request, error)}: ${displayUrl(request.url)}`
  }

  /** The line for a retry, or undefined if the retry is only counted. */
  line({ delayMillis, error, mirror, request }: Retrying): string | undefined {
    const now = this.now()
    if (this.lines >= this.linesAtMost && now - this.lastLineAtMillis < betweenLinesMillis) {
      this.withoutLine++
      return undefined
    }
    const others = this.withoutLine === 0 ? "" : ` (and ${this.withoutLine} other retries)`
    const next = mirror === undefined ? `retrying in ${secondsOf(delayMillis)}` : `continuing at ${mirror}`
    this.lines++
    this.lastLineAtMillis = now
    this.withoutLine = 0
    return `${displayUrl(request.url)}: ${failureOf(request, error)}; ${next}${others}`
  }
}

const secondsOf = (millis: number): string =>
  `${millis < 9950 ? Math.max(0.1, Math.round(millis / 100) / 10) : Math.round(millis / 1000)} s`
