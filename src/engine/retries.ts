/**
 * The retries of one transfer: the limits of its next attempt, and the delay before it.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { DownloadError } from "../DownloadError.js"
import { Retrying } from "../DownloadEvent.js"
import { isIdempotent } from "../internal/http/method.js"
import * as Unvalidated from "../internal/unvalidated.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type { FileTransfer } from "./fileTransfer.js"
import * as Limits from "./limits.js"
import type { Hop } from "./redirect.js"
import { RetryCount } from "./retryCount.js"
import type * as Wait from "./wait.js"

export class Retries {
  /** The limits of the next attempt. */
  limits: Wait.Limits
  private count = new RetryCount()

  constructor(private readonly file: FileTransfer) {
    this.limits = Limits.forRequest(file.request, file.options.limits)
  }

  /** Call it when an attempt begins. */
  begin(nowMillis: number): void {
    const { deadlines, partial } = this.file
    this.count.furthestBytes = Math.max(this.count.furthestBytes, partial.openedBytes)
    this.count.sinceMillis ??= nowMillis - deadlines.lostMillis
  }

  /**
   * Counts a failed attempt. Returns the delay before the next one, or undefined if the policy allows none.
   *
   * @param hop The URL of the request that failed. Undefined if no request was sent.
   * @param random A number from 0 to 1.
   */
  failed(error: DownloadError, hop: Hop | undefined, random: number): number | undefined {
    const { count, file } = this
    const { deadlines, delivery, firstHop, mirrors, options, partial, reachability, request } = file
    const now = file.now() - deadlines.lostMillis
    const { origin } = hop ?? firstHop
    // A retry begins at the first URL, whose server has received the request before it redirected.
    const isRepeatable = isIdempotent(firstHop.method) || (hop?.count === 0 && RetryPolicy.isUnsent(error))
    count.failed(error, partial, now)
    this.limits = Limits.afterTimeout(this.limits, error, Duration.toMillis(request.timeout))
    const delayAfter = (attempt: number) =>
      RetryPolicy.delayMillis(options.retry, {
        error,
        attempt,
        elapsedMillis: now - (count.sinceMillis ?? now),
        isRepeatable,
        hasAnswered: reachability.hasAnswered(origin),
        random
      })
    const delayMillis =
      delivery?.mayContinue(error, firstHop) === false
        ? undefined
        : (delayAfter(count.failures) ??
          // Retry once more: a server may refuse only the range, with any status.
          (error._tag === "HttpStatus" && partial.refuseLastRange() ? delayAfter(count.failures - 1) : undefined) ??
          // One of several mirrors may have brought wrong bytes. The next attempt asks one of them alone.
          (error._tag === "Mismatch" && mirrors.mayRetryAlone(partial) ? 0 : undefined))
    if (delayMillis === undefined) {
      reachability.onGivenUp(origin, error)
    }
    return delayMillis
  }

  /** Begins anew with the mirror that has taken the place of the URL. */
  restart(): void {
    this.count = new RetryCount()
    this.limits = Limits.forRequest(this.file.request, this.file.options.limits)
  }

  /** Reports that another attempt follows, with another mirror if one is given. */
  announce(error: DownloadError, delayMillis: number, mirror?: string): void {
    const { atMillis, attempts: attempt, events, request, sampler, trace } = this.file
    // An event of the failed attempt that comes later would look like one of the next attempt.
    sampler.flush()
    trace?.retrying(error, attempt, delayMillis, mirror)
    if (events?.hasListener === true) {
      const optional = mirror === undefined ? {} : { mirror }
      events.send(Unvalidated.make(Retrying, { request, atMillis, error, attempt, delayMillis, ...optional }))
    }
  }
}
