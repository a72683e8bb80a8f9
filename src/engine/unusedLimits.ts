/**
 * Limits in the options of a downloader that have no effect.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as OriginGovernor from "../OriginGovernor.js"

const limits: Record<keyof OriginGovernor.Options, true> = {
  concurrency: true,
  perOrigin: true,
  adaptive: true,
  requestsPerSecond: true,
  requestsPerSecondPerOrigin: true,
  bytesPerSecond: true,
  bytesPerSecondPerOrigin: true
}

/** Warns about limits in the options that have no effect, because another governor is used. */
export const warnOfUnusedLimits = (options: OriginGovernor.Options): Effect.Effect<void> => {
  const unused = Object.entries(options).flatMap(([name, value]) =>
    name in limits && value !== undefined ? [name] : []
  )
  return unused.length === 0
    ? Effect.void
    : Effect.logWarning(
        `These options of the downloader have no effect: ${unused.join(", ")}. The OriginGovernor in the context keeps the limits.`
      )
}
