/**
 * A plan: files that are requested in several runs, and what changes between the runs. `drawPlan.ts` draws it from a seed.
 */
import type { Settings } from "../Scenario.js"

/** A file, requested once in each run. */
export interface Item {
  readonly index: number
  readonly origin: string
  readonly destination: string
  /** The name in the response, if the server names the file. */
  readonly serverName: string | undefined
  readonly onExists: "update" | "sync" | "fail" | "skip" | "unique"
  /** Whether the request has the digest of the version that the origin has now. */
  readonly hasDigest: boolean
  readonly sizeBytes: number
  readonly validators: "strong" | "weak" | "date" | "both" | "none"
  /** Whether the `Last-Modified` of each version is later than every run. */
  readonly isOfFuture: boolean
  readonly isLengthAnnounced: boolean
  /** What the origin does with a condition. `mistaken`: it answers 304 with the validators of another version. */
  readonly conditions: "heeded" | "ignored" | "mistaken"
  /** Whether the URL redirects to another origin. */
  readonly isMoved: boolean
  /** What is at the path before the first run. */
  readonly before: "nothing" | "the content" | "other content"
}

/** What happens to a file and its URL before a run. */
export interface Change {
  /** The origin gets another version. */
  readonly version: "same" | "of the same size" | "longer"
  /** The destination is requested from another URL, or the redirect leads to another file. */
  readonly url: "same" | "other" | "other target"
  readonly local: "none" | "removed" | "truncated" | "edited" | "longer" | "touched" | "swapped"
}

export type Fault =
  | { readonly kind: "refused" }
  | { readonly kind: "status" }
  | { readonly kind: "break"; readonly at: number; readonly how: "reset" | "close" }

export type Ending =
  | { readonly kind: "complete" }
  | { readonly kind: "close"; readonly step: number }
  | { readonly kind: "kill" | "power"; readonly at: "step" | "disk" | "reply"; readonly count: number }

export interface Run {
  /** One for each item, as the next field. */
  readonly changes: ReadonlyArray<Change>
  readonly faults: ReadonlyArray<ReadonlyArray<Fault>>
  readonly journal: "kept" | "removed" | "torn"
  /** Another program that makes a missing file during the run. */
  readonly intruder: { readonly item: number; readonly step: number; readonly isOfSameSize: boolean } | undefined
  readonly ending: Ending
}

export interface Plan extends Settings {
  readonly seed: number
  readonly items: ReadonlyArray<Item>
  /** The last run completes. */
  readonly runs: ReadonlyArray<Run>
  /** `directory`: a state file in the directory of the files. `file`: one file of JSON lines. */
  readonly journal: "directory" | "file"
  readonly resumes: boolean
  readonly segments: undefined
  readonly requestsPerSecond: undefined
  readonly bytesPerSecond: undefined
}

export const dayMillis = 24 * 3600 * 1000

const hourMillis = 3600 * 1000

/** When a run begins, in milliseconds since 1970. */
export const startOf = (run: number): number => (run + 1) * dayMillis

/** When the origin and the disk have changed before a run. */
export const changedAt = (run: number): { readonly origin: number; readonly disk: number } => ({
  origin: startOf(run) - 2 * hourMillis,
  disk: startOf(run) - hourMillis
})

/** The path of the file, unless another file of the run has it. */
export const pathOf = ({ destination, serverName }: Item): string =>
  serverName === undefined ? destination : `/d/${serverName}`

/** Whether no other item has the same path. */
export const hasOwnPath = (plan: Plan, item: Item): boolean =>
  plan.items.every((other) => other === item || pathOf(other) !== pathOf(item))
