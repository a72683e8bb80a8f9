/**
 * The time limits of an attempt: the downloader's, a request's own, and longer ones after a time-out.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { DownloadRequest } from "../Download.js"
import type { DownloadError } from "../DownloadError.js"
import { positiveDuration } from "../internal/optionValues.js"
import type { Limits } from "./wait.js"

interface Options {
  readonly connectTimeout?: Duration.DurationInput | undefined
  readonly headersTimeout?: Duration.DurationInput | undefined
  readonly stall?: { readonly bytes: number; readonly within: Duration.DurationInput } | undefined
}

interface Defaults {
  readonly headersTimeout: Duration.DurationInput
  readonly stall: { readonly bytes: number; readonly within: Duration.DurationInput }
}

/** The limits of a downloader; throws a `RangeError` if one is out of range. */
export const forDownloader = (options: Options, defaults: Defaults): Limits => {
  const { connectTimeout } = options
  const stall = options.stall ?? defaults.stall
  if (!(stall.bytes >= 0)) {
    throw new RangeError(`stall.bytes must be a number of 0 or more, not ${stall.bytes}`)
  }
  return {
    connectMillis:
      connectTimeout === undefined ? undefined : Duration.toMillis(positiveDuration("connectTimeout", connectTimeout)),
    headersMillis: Duration.toMillis(
      positiveDuration("headersTimeout", options.headersTimeout ?? defaults.headersTimeout)
    ),
    stall: { bytes: stall.bytes, millis: Duration.toMillis(positiveDuration("stall.within", stall.within)) }
  }
}

/** The limits of a request's first attempt. */
export const forRequest = (request: DownloadRequest, defaults: Limits): Limits => {
  const { connectTimeout, headersTimeout, stall } = request
  return connectTimeout === undefined && headersTimeout === undefined && stall === undefined
    ? defaults
    : {
        connectMillis: connectTimeout === undefined ? defaults.connectMillis : Duration.toMillis(connectTimeout),
        headersMillis: headersTimeout === undefined ? defaults.headersMillis : Duration.toMillis(headersTimeout),
        stall: stall === undefined ? defaults.stall : { bytes: stall.bytes, millis: Duration.toMillis(stall.within) }
      }
}

/**
 * The limits of the attempt after this failure. The limit that expired is doubled, up to the limit of a whole attempt.
 */
export const afterTimeout = (limits: Limits, error: DownloadError, attemptMillis: number): Limits => {
  if (error._tag !== "Timeout") {
    return limits
  }
  const longer = (millis: number): number => Math.max(millis, Math.min(2 * millis, attemptMillis))
  switch (error.phase) {
    case "connect":
      return { ...limits, connectMillis: longer(error.limitMillis) }
    case "headers":
      return { ...limits, headersMillis: longer(limits.headersMillis) }
    case "stall":
      return { ...limits, stall: { ...limits.stall, millis: longer(limits.stall.millis) } }
    case "total":
    case "deadline":
      return limits
  }
}
