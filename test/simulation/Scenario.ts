/**
 * A scenario: the files, the faults, the limits and the end of one simulated run. `drawScenario.ts` draws it from a seed.
 */

export type Fault =
  | { readonly kind: "refused" | "dns" | "reset" | "silence"; readonly millis?: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string; readonly afterMillis?: number }
  | { readonly kind: "break"; readonly at: number; readonly how: "reset" | "close" | "unnoticed" | "silence" }
  | { readonly kind: "range"; readonly how: RangeFault }
  | { readonly kind: "slow" | "changed" | "excess" }
  | { readonly kind: "redirect"; readonly to: "here" | "elsewhere" | "file" | "loop" }

/** What is wrong with the response to a request for a range. */
export type RangeFault =
  | "ignored"
  | "shifted"
  | "short"
  | "total"
  | "unsatisfiable"
  | "status"
  | "resized"
  | "unsized"
  | "empty"
  | "length"
  | "coded"
  | "parts"
  | "refused"
  | "wrong"

/**
 * Another server of a file. `equal`: with the same validator. `tagged`: with another validator. `stale`, `weak` and `shorter`:
 * another version, with a strong validator, with a weak one, or with another size. `whole`: it ignores ranges. `broken`: its
 * responses break off. `busy`: it asks for a pause. `dead`: it refuses connections.
 */
export interface Mirror {
  readonly origin: string
  readonly kind: "equal" | "tagged" | "stale" | "weak" | "shorter" | "whole" | "broken" | "busy" | "dead"
}

export interface Job {
  readonly index: number
  readonly origin: string
  readonly path: string
  readonly destination: string
  readonly sizeBytes: number
  readonly chunkBytes: number
  readonly chunkMillis: number
  readonly validator: "strong" | "weak" | "none"
  readonly isLengthAnnounced: boolean
  /**
   * How the origin handles ranges: `guarded` supports `If-Range`, `unguarded` does not, `none` ignores ranges, `open` sends a part of
   * each range without a total, and `refused` answers with an error.
   */
  readonly ranges: "guarded" | "unguarded" | "none" | "open" | "refused"
  /** Whether each response breaks off after one byte. */
  readonly isDripping: boolean
  readonly hasDigest: boolean
  readonly onExists: "overwrite" | "skip" | "fail" | "unique"
  /** Whether a file has the name of the destination before the run. */
  readonly isThere: boolean
  /** Whether the origin has another version of the file after the first run. */
  readonly isChangedLater: boolean
  readonly mirrors: ReadonlyArray<Mirror>
  /** One for each request to the first server of this file, in order. The requests after them succeed. */
  readonly faults: ReadonlyArray<Fault>
}

export type Ending =
  | { readonly kind: "complete" }
  | {
      readonly kind: "cancel"
      /** An index into `asked`. */
      readonly job: number
      readonly step: number
      /** Whether another caller requests the same file at that moment. */
      readonly isAskedAgain: boolean
    }
  | { readonly kind: "close"; readonly step: number }
  | { readonly kind: "kill" | "power"; readonly at: "step" | "disk" | "reply"; readonly count: number }

/** What follows if the requests resume. */
export interface Lives {
  /** How the further runs end, before the last one, which completes. */
  readonly endings: ReadonlyArray<Extract<Ending, { readonly kind: "kill" | "power" }>>
  /** Another process that downloads the same files, from this step on. */
  readonly twin: { readonly step: number } | undefined
  /** Files that another program leaves beside the destinations after the first run. */
  readonly foreign: "none" | "parts" | "records" | "torn"
}

export interface DiskFault {
  readonly operation: string
  readonly errno: string
  /** How many operations of this name succeed before it. */
  readonly count: number
  /** Instead of the errno: from then on, each write succeeds and writes no byte. */
  readonly takesNothing?: boolean | undefined
}

/** How the requests are made, and how the store writes. */
export interface Settings {
  readonly concurrency: number
  readonly perOrigin: number
  readonly isStream: boolean
  /** Whether the store writes with synchronous calls. */
  readonly isDirect: boolean
  /** Whether the buffers of that store are so small that a body of a few kilobytes exceeds them. */
  readonly isShortOfMemory: boolean
  readonly durability: "full" | "rename"
}

export interface Scenario extends Settings {
  readonly seed: number
  /** How much longer a sync takes than other operations. From 6 on, no sync is made on the event loop. */
  readonly syncMillis: number
  readonly jobs: ReadonlyArray<Job>
  /** Indices of the jobs, in the order in which they are requested. Some occur twice. */
  readonly asked: ReadonlyArray<number>
  /** The maximum number of connections for one file. */
  readonly segments: number | undefined
  readonly requestsPerSecond: number | undefined
  readonly bytesPerSecond: number | undefined
  readonly diskFault: DiskFault | undefined
  readonly descriptors: number | undefined
  /** Another program that creates a destination during the run. */
  readonly intruder: { readonly job: number; readonly step: number; readonly makes: "file" | "directory" } | undefined
  /** The deadline of each request. */
  readonly deadlineMillis: number | undefined
  readonly ending: Ending
  /** The interruption comes at this operation of the disk instead of at a step. Most steps are far from a publish. */
  readonly interruptAtDisk: number | undefined
  /** Undefined if the requests do not resume. */
  readonly lives: Lives | undefined
}

export const origins: readonly [string, ...ReadonlyArray<string>] = [
  "http://a.test",
  "https://b.test",
  "http://c.test:8080"
]

export const mirrorOrigins: readonly [string, ...ReadonlyArray<string>] = ["http://m1.test", "https://m2.test"]

/** Whether a mirror has another version of the file. */
export const isOther = ({ kind }: Mirror): boolean => kind === "stale" || kind === "weak" || kind === "shorter"

/** The longest time for which the simulated downloader waits because of `Retry-After`. */
export const longestWaitMillis = 20_000

/** Whether a transfer must succeed after enough retries. Each fault occurs once. */
export const isSurvivable = (job: Job): boolean =>
  // The digest is that of the last version. Earlier versions do not match it.
  !(job.hasDigest && versionsOf(job) > 1) &&
  !job.isDripping &&
  job.faults.every(
    (fault) =>
      !(fault.kind === "status" && [404, 410, 401, 501].includes(fault.status)) &&
      !(fault.kind === "redirect" && (fault.to === "file" || fault.to === "loop"))
  )

const truthful: ReadonlySet<RangeFault> = new Set(["ignored", "shifted", "short", "unsatisfiable", "refused"])

/** Whether the file has one version, and each response says correctly which of its bytes it contains. */
export const isTruthful = (job: Job): boolean =>
  versionsOf(job) === 1 &&
  job.isLengthAnnounced &&
  !job.mirrors.some(isOther) &&
  job.faults.every((fault) => fault.kind !== "range" || truthful.has(fault.how))

/** How many versions of the file the origin serves, one after the other. */
export const versionsOf = (job: Job): number => earlyVersionsOf(job) + (job.isChangedLater ? 1 : 0)

/** How many versions it serves during the first run. */
export const earlyVersionsOf = (job: Job): number => 1 + job.faults.filter(({ kind }) => kind === "changed").length
