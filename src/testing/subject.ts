/**
 * The downloader that a scenario puts to the test: the real one, with bounds of a small world.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Downloader from "../Downloader.js"
import type { SegmentRule } from "../engine/segments/segmentRule.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type { Store } from "../Store.js"
import type { Transport } from "../Transport.js"
import * as Scenario from "./Scenario.js"

const retry = RetryPolicy.make({
  retries: 30,
  firstDelay: Duration.millis(100),
  longestDelay: Duration.seconds(2),
  longestWait: Duration.millis(Scenario.longestWaitMillis),
  unreachableRetries: 30,
  unreachableWithin: Duration.hours(1)
})

const headersMillis = 2000

const stallMillis = 2000

// For files of a few kilobytes: what takes longer than a few chunks is divided.
const segmentsRule = (connectionsAtMost: number): SegmentRule => ({
  connectionsAtMost,
  leastBytes: 60,
  leastTakenBytes: 20,
  measureMillis: 20,
  worthMillis: 20
})

export const layer = (scenario: Scenario.Scenario): Layer.Layer<Downloader.Downloader, never, Transport | Store> => {
  const options: Downloader.Options = {
    retry,
    headersTimeout: headersMillis,
    stall: { bytes: 10, within: stallMillis },
    durability: scenario.durability,
    concurrency: scenario.isStream ? undefined : scenario.concurrency,
    perOrigin: scenario.perOrigin,
    requestsPerSecond: scenario.requestsPerSecond,
    bytesPerSecond: scenario.bytesPerSecond,
    segments: scenario.segments
  }
  return Layer.scoped(Downloader.Downloader, Downloader.makeWith(options, segmentsRule))
}
