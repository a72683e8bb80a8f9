/**
 * What `halyard get` says of failures, and of those after which another attempt is waited for.
 */
import type { DownloadRequest } from "../../Download.js"
import type { DownloadError } from "../../DownloadError.js"
import type { Retrying } from "../../DownloadEvent.js"
import { displayUrl } from "../../internal/text/displayUrl.js"

// Each of the first has a line of its own; what thousands wait for is told now and then.
const linesAtOnce = 20
const betweenLinesMillis = 10_000

/** Why a request failed. If the failing URL is not the request's own, the text names it. */
export const failureOf = (request: DownloadRequest, error: DownloadError): string =>
  "url" in error && withoutCredentials(error.url) !== withoutCredentials(displayUrl(request.url))
    ? `${error.message} (redirected to ${error.url})`
    : error.message

// `displayUrl` shows credentials as `***@`; the request that is sent has them in a header instead.
const withoutCredentials = (shown: string): string => shown.replace("//***@", "//")

/** The retries that are waited for, by the time of a clock in milliseconds. */
export class Waits {
  private readonly all = new Map<DownloadRequest, { readonly at: number; readonly event: Retrying }>()
  private lines = 0
  private lastLineAt = 0
  private untold = 0

  constructor(private readonly now: () => number) {}

  /** For the status line, until it is over. */
  add(event: Retrying): void {
    this.all.set(event.request, { at: this.now() + event.delayMillis, event })
  }

  delete(request: DownloadRequest): void {
    this.all.delete(request)
  }

  /** The wait that is over first, and how many there are. */
  status(): string {
    const now = this.now()
    let first: { readonly at: number; readonly event: Retrying } | undefined
    for (const [request, wait] of this.all) {
      if (wait.at <= now) {
        this.all.delete(request)
      } else if (first === undefined || wait.at < first.at) {
        first = wait
      }
    }
    if (first === undefined) {
      return ""
    }
    const { error, request } = first.event
    const many = this.all.size === 1 ? "" : `${this.all.size} wait, the first `
    return `; ${many}again in ${secondsOf(first.at - now)} after ${failureOf(request, error)}: ${displayUrl(request.url)}`
  }

  /** The line for this retry; undefined if it is only counted. */
  line({ delayMillis, error, request }: Retrying): string | undefined {
    const now = this.now()
    if (this.lines >= linesAtOnce && now - this.lastLineAt < betweenLinesMillis) {
      this.untold++
      return undefined
    }
    const others = this.untold === 0 ? "" : ` (and ${this.untold} others since)`
    this.lines++
    this.lastLineAt = now
    this.untold = 0
    return `${displayUrl(request.url)}: ${failureOf(request, error)}; again in ${secondsOf(delayMillis)}${others}`
  }
}

const secondsOf = (millis: number): string =>
  `${millis < 9950 ? Math.max(0.1, Math.round(millis / 100) / 10) : Math.round(millis / 1000)} s`
