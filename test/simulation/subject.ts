/**
 * The downloader under test: the real one, with limits for small files and short times.
 */
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Downloader from "../../src/Downloader.js"
import type { ResumeRule } from "../../src/engine/resume/resumeRule.js"
import type { SegmentRule } from "../../src/engine/segments/segmentRule.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import type { Limits as StoreLimits } from "../../src/Store/lazyFile.js"
import type { SyncLimits } from "../../src/Store/syncs/fileSyncs.js"
import type { Store } from "../../src/Store.js"
import type { Transport } from "../../src/Transport.js"
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

// Files have a few kilobytes. A file that takes longer than a few chunks is divided.
const segmentsRule = (connectionsAtMost: number): SegmentRule => ({
  connectionsAtMost,
  leastBytes: 60,
  leastTakenBytes: 20,
  measureMillis: 20,
  worthMillis: 20
})

/** The number of bytes that the store of a scenario keeps in memory, if it is short of memory. */
export const smallBytes = 400

/** One file is synced at a time, and two that wait share a sync, because a run has few files. */
export const syncs: SyncLimits = { maxAlone: 1, minShared: 2 }

export const smallLimits: StoreLimits = { smallBytes, smallResumableBytes: smallBytes, blockBytes: 200, syncs }

const resumeRule: ResumeRule = {
  leastBytes: smallBytes + 1,
  stepBytes: 400,
  firstMillis: 20,
  earlyBytes: 50,
  earlyMillis: 5,
  syncMillis: 40
}

// Files are smaller than what the store keeps in memory.
const noneKept: ResumeRule = { ...resumeRule, leastBytes: Number.POSITIVE_INFINITY }

/** Whether bodies exceed what the store keeps in memory. Otherwise a part has all bytes of its file, or does not exist. */
export const keepsParts = ({
  isDirect,
  isShortOfMemory
}: Pick<Scenario.Settings, "isDirect" | "isShortOfMemory">): boolean => isDirect && isShortOfMemory

/** What the limits of a simulated downloader depend on. */
export type Limits = Pick<
  Scenario.Scenario,
  | "bytesPerSecond"
  | "concurrency"
  | "durability"
  | "isDirect"
  | "isShortOfMemory"
  | "isStream"
  | "perOrigin"
  | "requestsPerSecond"
  | "segments"
>

/** The downloader, and its governor: the checks read how many permits it has granted. */
export const layer = (
  scenario: Limits
): Layer.Layer<Downloader.Downloader | OriginGovernor.OriginGovernor, never, Transport | Store> => {
  const options: Downloader.Options = {
    retry,
    headersTimeout: headersMillis,
    stall: { bytes: 10, within: stallMillis },
    durability: scenario.durability,
    segments: scenario.segments
  }
  const governor = OriginGovernor.layer({
    concurrency: scenario.isStream ? undefined : scenario.concurrency,
    perOrigin: scenario.perOrigin,
    requestsPerSecond: scenario.requestsPerSecond,
    bytesPerSecond: scenario.bytesPerSecond
  })
  const rule = keepsParts(scenario) ? resumeRule : noneKept
  return Layer.provideMerge(
    Layer.scoped(Downloader.Downloader, Downloader.makeWith(options, segmentsRule, rule)),
    governor
  )
}
