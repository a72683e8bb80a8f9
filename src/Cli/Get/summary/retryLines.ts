/**
 * What `halyard get` prints of failed attempts.
 */
import type { DownloadRequest } from "../../../Download.js"
import type { DownloadError } from "../../../DownloadError.js"
import type { Retrying } from "../../../DownloadEvent.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import type { ShownUrls } from "./shownUrls.js"

// Each of the first retries has a line. After these, a line every ten seconds counts the others.
const linesAtFirst = 20
const betweenLinesMillis = 10_000

/** Why a request failed. If the failing URL is not the request's own, the text names it. */
export const failureOf = (request: DownloadRequest, error: DownloadError, urls: ShownUrls): string =>
  "url" in error && withoutCredentials(error.url) !== withoutCredentials(displayUrl(request.url))
    ? `${error.message} (redirected to ${urls.of(error.url, request)})`
    : error.message

// `displayUrl` shows credentials as `***@`. The request that is sent has them in a header instead.
const withoutCredentials = (shown: string): string => shown.replace("//***@", "//")

/** The lines for retries. `now` is a clock in milliseconds. */
export class RetryLines {
  private lines = 0
  private lastLineAtMillis = 0
  private withoutLine = 0

  constructor(
    private readonly now: () => number,
    private readonly urls: ShownUrls,
    private readonly linesAtMost = linesAtFirst
  ) {}

  /** The line for a retry, or undefined if the retry is only counted. */
  line({ delayMillis, error, mirror, request }: Retrying): string | undefined {
    const now = this.now()
    if (this.lines >= this.linesAtMost && now - this.lastLineAtMillis < betweenLinesMillis) {
      this.withoutLine++
      return undefined
    }
    const others = this.withoutLine === 0 ? "" : ` (and ${this.withoutLine} other retries)`
    const next =
      mirror === undefined ? `retrying in ${secondsOf(delayMillis)}` : `continuing at ${this.urls.of(mirror, request)}`
    this.lines++
    this.lastLineAtMillis = now
    this.withoutLine = 0
    return `${this.urls.given(request.url)}: ${failureOf(request, error, this.urls)}; ${next}${others}`
  }
}

const secondsOf = (millis: number): string =>
  `${millis < 9950 ? Math.max(0.1, Math.round(millis / 100) / 10) : Math.round(millis / 1000)} s`
