/**
 * Which failures are worth another attempt, and when: data, and one function from a typed error to a delay or to none.
 *
 * Delays grow exponentially with full jitter downwards (between half of the step and the whole of it). What a server asked
 * for with `Retry-After` is the least that is waited, clamped to `longestWait`.
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import type { DownloadError } from "./DownloadError.js"

/**
 * How attempts are repeated.
 *
 * @category models
 * @since 0.2.0
 */
export interface RetryPolicy {
  /** How many attempts may follow the first, or the last one that brought the file further than any before. */
  readonly retries: number
  /** The step before the second attempt; it doubles with each. */
  readonly firstDelay: Duration.Duration
  /** What a step does not exceed. */
  readonly longestDelay: Duration.Duration
  /** What `Retry-After` does not exceed. */
  readonly longestWait: Duration.Duration
  /** No attempt is planned for later than this after the first, or after the last one that brought the file further. */
  readonly within: Duration.Duration
  /** Whether a failure of this kind is worth another attempt. Of `Disk` failures only `too-many-open` is. */
  readonly isTransient: (error: DownloadError) => boolean
}

// 408, 425, 429 and the gateway's say "not now" (RFC 9110 §15.5, §15.6; RFC 8470, RFC 6585); 501 says "never".
const transientStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * Whether the same request may succeed a moment later.
 *
 * @category predicates
 * @since 0.2.0
 */
export const isTransient = (error: DownloadError): boolean => {
  switch (error._tag) {
    case "Timeout":
      return error.phase !== "deadline"
    case "Truncated":
      return true
    case "HttpStatus":
      return transientStatuses.has(error.status)
    case "Connection":
      return error.reason !== "tls"
    case "Protocol":
      return error.reason === "range"
    case "Mismatch":
      return error.resumed
    case "TooLarge":
    case "AddressRefused":
    case "InvalidRequest":
      return false
    case "Disk":
      return error.reason === "too-many-open"
  }
}

/**
 * Five retries after 0.5 s, 1 s, 2 s … up to 30 s; `Retry-After` up to 2 minutes; within an hour.
 *
 * @category constructors
 * @since 0.2.0
 */
export const defaults: RetryPolicy = {
  retries: 5,
  firstDelay: Duration.millis(500),
  longestDelay: Duration.seconds(30),
  longestWait: Duration.minutes(2),
  within: Duration.hours(1),
  isTransient
}

/**
 * The defaults with some of them replaced.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Partial<RetryPolicy>): RetryPolicy => ({ ...defaults, ...options })

/**
 * One attempt.
 *
 * @category constructors
 * @since 0.2.0
 */
export const none: RetryPolicy = make({ retries: 0 })

/**
 * How long to wait before the next attempt, in milliseconds; undefined where there is to be none.
 *
 * @category combinators
 * @since 0.2.0
 */
export const delayMillis = (
  policy: RetryPolicy,
  failure: {
    readonly error: DownloadError
    /** How many attempts there were that brought the file no further, from 1. */
    readonly attempt: number
    /** Since the first of them. */
    readonly elapsedMillis: number
    /** Uniform in [0, 1). */
    readonly random: number
  }
): number | undefined => {
  const { attempt, elapsedMillis, error, random } = failure
  if (attempt > policy.retries || !policy.isTransient(error)) {
    return undefined
  }
  const step = Math.min(
    Duration.toMillis(policy.firstDelay) * 2 ** (attempt - 1),
    Duration.toMillis(policy.longestDelay)
  )
  const jittered = step / 2 + (step / 2) * random
  const delay = waitsForNothing(error, attempt) ? 0 : jittered + askedMillis(policy, error)
  return elapsedMillis + delay > Duration.toMillis(policy.within) ? undefined : delay
}

/**
 * What the server asked for with `Retry-After`, clamped, in milliseconds; 0 where it asked for nothing.
 *
 * @category combinators
 * @since 0.2.0
 */
export const askedMillis = (policy: RetryPolicy, error: DownloadError): number =>
  error._tag === "HttpStatus" && error.retryAfterMillis !== undefined
    ? Math.min(error.retryAfterMillis, Duration.toMillis(policy.longestWait))
    : 0

// A kept-alive connection that the server closed in the moment it was used again says nothing about the server.
const waitsForNothing = (error: DownloadError, attempt: number): boolean =>
  attempt === 1 && error._tag === "Connection" && error.reason === "reset" && error.receivedBytes === 0
