/**
 * Decides which failures are worth another attempt, and after which delay.
 *
 * Delays grow exponentially, with random jitter between half of the step and the whole step. The time in `Retry-After`, clamped
 * to `longestWait`, is added to the delay.
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import type { Disk, DownloadError } from "./DownloadError.js"
import { nonNegativeDuration, nonNegativeNumber } from "./internal/optionValues.js"

/**
 * When a failed attempt is repeated.
 *
 * @category models
 * @since 0.2.0
 */
export interface RetryPolicy {
  /**
   * Maximum number of attempts after the first. The count restarts when attempts have made progress: 1 % of the file's length,
   * or 64 KiB at 256 bytes a second or more. It no longer restarts after four times the file's length was received.
   */
  readonly retries: number
  /** The step before the second attempt. It doubles with each further attempt. */
  readonly firstDelay: Duration.Duration
  /** Maximum length of a step. */
  readonly longestDelay: Duration.Duration
  /** Maximum time for which `Retry-After` is obeyed. */
  readonly longestWait: Duration.Duration
  /** Maximum time from the first attempt, or from the last restart of the count, to the start of another attempt. */
  readonly within: Duration.Duration
  /**
   * Maximum number of attempts after the first, within `retries`, if the origin has never answered and cannot be reached: its
   * host does not exist, its port refuses connections, or no connection is made in time. Such an attempt starts at most
   * `unreachableWithin` after the first.
   */
  readonly unreachableRetries: number
  readonly unreachableWithin: Duration.Duration
  /**
   * If true, a request is repeated whatever its method is. Default: false, and a request whose method is not idempotent, such as
   * `POST`, is repeated only if no connection was made, because the server may have carried it out.
   */
  readonly anyMethod: boolean
  /** Whether a failure of this kind is worth another attempt. Of `Disk` failures only `too-many-open` and `unavailable` are. */
  readonly isTransient: (error: DownloadError) => boolean
}

/**
 * Options of `make`. An option that is left out or `undefined` is as in `defaults`.
 *
 * @category models
 * @since 0.2.0
 */
export type Options = {
  readonly [Key in keyof RetryPolicy]?:
    | (RetryPolicy[Key] extends Duration.Duration ? Duration.DurationInput : RetryPolicy[Key])
    | undefined
}

// 408, 425 and 429 say "not now" (RFC 9110 §15.5; RFC 8470, RFC 6585).
const transientStatuses: ReadonlySet<number> = new Set([408, 425, 429])

// These are permanent (RFC 9110 §15.6; RFC 2295, RFC 5842, RFC 2774, RFC 6585). All other statuses from 500 on count as 500
// (RFC 9110 §15), also those above 599.
const finalServerErrors: ReadonlySet<number> = new Set([501, 505, 506, 508, 510, 511])

const finalConnectionReasons: ReadonlySet<string> = new Set(["tls", "proxy-authentication", "proxy-refused"])

/**
 * Returns true if the store may succeed a moment later, and the part is not damaged.
 *
 * @category predicates
 * @since 0.2.0
 */
export const mayPass = ({ reason }: Disk): boolean => reason === "too-many-open" || reason === "unavailable"

/**
 * Returns true if the same request may succeed a moment later.
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
      return error.status >= 500 ? !finalServerErrors.has(error.status) : transientStatuses.has(error.status)
    case "Connection":
      return !finalConnectionReasons.has(error.reason)
    case "Protocol":
      return error.reason === "range" || error.reason === "inconsistent"
    case "Mismatch":
      return error.resumed
    case "TooLarge":
    case "AddressRefused":
    case "InvalidRequest":
      return false
    case "Disk":
      return mayPass(error)
  }
}

/**
 * Five retries within an hour, after 0.5 s, 1 s, 2 s … up to 30 s; `Retry-After` is obeyed up to 2 minutes. If the origin has
 * never answered and cannot be reached: two retries within 10 seconds.
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
  unreachableRetries: 2,
  unreachableWithin: Duration.seconds(10),
  anyMethod: false,
  isTransient
}

/**
 * The defaults with some options replaced. Throws a `RangeError` if an option is `NaN` or negative.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options): RetryPolicy => ({
  retries: nonNegativeNumber("retries", options.retries ?? defaults.retries),
  firstDelay: nonNegativeDuration("firstDelay", options.firstDelay ?? defaults.firstDelay),
  longestDelay: nonNegativeDuration("longestDelay", options.longestDelay ?? defaults.longestDelay),
  longestWait: nonNegativeDuration("longestWait", options.longestWait ?? defaults.longestWait),
  within: nonNegativeDuration("within", options.within ?? defaults.within),
  unreachableRetries: nonNegativeNumber(
    "unreachableRetries",
    options.unreachableRetries ?? defaults.unreachableRetries
  ),
  unreachableWithin: nonNegativeDuration("unreachableWithin", options.unreachableWithin ?? defaults.unreachableWithin),
  anyMethod: options.anyMethod ?? defaults.anyMethod,
  isTransient: options.isTransient ?? isTransient
})

/**
 * A policy without retries.
 *
 * @category constructors
 * @since 0.2.0
 */
export const none: RetryPolicy = make({ retries: 0 })

/**
 * Returns the delay before the next attempt in milliseconds, or undefined if there is no next attempt.
 *
 * @category combinators
 * @since 0.2.0
 */
export const delayMillis = (
  policy: RetryPolicy,
  failure: {
    readonly error: DownloadError
    /** The number of failed attempts since the last progress, from 1. */
    readonly attempt: number
    /** The time since the first of these attempts. */
    readonly elapsedMillis: number
    /** Whether the origin has ever answered a request. Default: true. */
    readonly hasAnswered?: boolean | undefined
    /**
     * False if the server may have carried the request out, and the method is not idempotent (RFC 9110 §9.2.2). Such a request is
     * repeated only with `anyMethod`. Default: true.
     */
    readonly isRepeatable?: boolean | undefined
    /** A random number from 0 to 1, for the jitter. */
    readonly random: number
  }
): number | undefined => {
  const { attempt, elapsedMillis, error, random } = failure
  const isUnreached = failure.hasAnswered === false && isUnreachable(error)
  const retries = isUnreached ? Math.min(policy.retries, policy.unreachableRetries) : policy.retries
  const mayRepeat = failure.isRepeatable !== false || policy.anyMethod
  if (!(attempt <= retries) || !policy.isTransient(error) || !mayRepeat) {
    return undefined
  }
  const step = Math.min(
    Duration.toMillis(policy.firstDelay) * 2 ** (attempt - 1),
    Duration.toMillis(policy.longestDelay)
  )
  const jittered = step / 2 + (step / 2) * random
  const delay = isRetriedAtOnce(error, attempt) ? 0 : jittered + askedMillis(policy, error)
  const within = Duration.toMillis(isUnreached ? Duration.min(policy.within, policy.unreachableWithin) : policy.within)
  return elapsedMillis + delay > within ? undefined : delay
}

const isUnreachable = (error: DownloadError): boolean =>
  isUnsent(error) && !(error._tag === "Connection" && error.reason === "dns")

const withoutConnection: ReadonlySet<string> = new Set(["unknown-host", "dns", "refused", "unreachable", "proxy"])

/**
 * Returns true if no connection was made, so the server has not received the request.
 *
 * @category predicates
 * @since 0.2.0
 */
export const isUnsent = (error: DownloadError): boolean =>
  error._tag === "Timeout"
    ? error.phase === "connect"
    : error._tag === "Connection" && withoutConnection.has(error.reason)

/**
 * Returns the time in `Retry-After` in milliseconds, at most `longestWait`. Returns 0 if the response had no such header.
 *
 * @category combinators
 * @since 0.2.0
 */
export const askedMillis = (policy: RetryPolicy, error: DownloadError): number =>
  error._tag === "HttpStatus" && error.retryAfterMillis !== undefined
    ? Math.min(error.retryAfterMillis, Duration.toMillis(policy.longestWait))
    : 0

// A reset before the first byte of the response is normal if the server closed an idle connection at the moment of its reuse.
const isRetriedAtOnce = (error: DownloadError, attempt: number): boolean =>
  attempt === 1 && error._tag === "Connection" && error.reason === "reset" && error.receivedBytes === 0
