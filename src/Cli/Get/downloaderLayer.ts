/**
 * The downloader with the limits that the options of `halyard get` give.
 */
import * as Duration from "effect/Duration"
import * as Downloader from "../../Downloader.js"
import * as OriginGovernor from "../../OriginGovernor.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import type { Options } from "./options.js"
import type { Output } from "./output.js"

export const limitsOf = (options: Options): OriginGovernor.Options => ({
  bytesPerSecond: options.limitRate,
  bytesPerSecondPerOrigin: options.limitRatePerOrigin,
  requestsPerSecond: options.rate,
  requestsPerSecondPerOrigin: options.ratePerOrigin,
  perOrigin: options.perOrigin
})

/** The limits of the run, which its metrics read too. */
export const governorLayer = (options: Options) => OriginGovernor.layer(limitsOf(options))

/** `exchanges`: whether the listener needs the event `Exchanged`. */
export const downloaderLayer = (options: Options, output: Output | undefined, exchanges: boolean) =>
  Downloader.layerWith({
    retry: RetryPolicy.make({ retries: options.retries, anyMethod: options.retryAnyMethod }),
    connectTimeout: options.connectTimeout,
    headersTimeout: options.headersTimeout,
    userAgent: options.userAgent,
    stall: stallOf(options),
    // A stream is written in order.
    segments: output?.stream === undefined ? (options.segments ?? 4) : 1,
    durability: options.durability,
    strict: options.strict,
    mtime: !options.noMtime,
    exchanges,
    responses: (options.verbose && !options.quiet) || options.har !== undefined,
    traceOrigins: options.traceOrigin
  })

/** The minimum number of bytes in `--speed-time`, from `--speed-limit`. */
const stallOf = ({ speedLimit, speedTime = Downloader.defaults.stall.within }: Options) => ({
  bytes: speedLimit === undefined ? 1 : Math.max(1, speedLimit * Duration.toSeconds(speedTime)),
  within: speedTime
})
