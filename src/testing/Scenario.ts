/**
 * What a simulated run is about, drawn from a seed: which files, which faults, which limits, and how it ends.
 *
 * @internal
 */
import { PCGRandom } from "effect/Utils"

/** Draws from a seed, and from nothing else. */
export class Draw {
  private readonly random: PCGRandom

  constructor(seed: number) {
    this.random = new PCGRandom(seed)
  }

  readonly real = (): number => this.random.number()

  /** From 0 to n - 1. */
  readonly below = (n: number): number => Math.floor(this.random.number() * n)

  readonly between = (from: number, to: number): number => from + this.below(to - from + 1)

  readonly chance = (probability: number): boolean => this.random.number() < probability

  pick<A>(first: A, ...rest: ReadonlyArray<A>): A {
    return rest[this.below(rest.length + 1) - 1] ?? first
  }
}

export type Fault =
  | { readonly kind: "refused" | "dns" | "reset" | "silence"; readonly millis?: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string; readonly afterMillis?: number }
  | { readonly kind: "break"; readonly at: number; readonly how: "reset" | "close" | "unnoticed" | "silence" }
  | { readonly kind: "range"; readonly how: RangeFault }
  | { readonly kind: "slow" | "changed" | "excess" }
  | { readonly kind: "redirect"; readonly to: "here" | "elsewhere" | "file" | "loop" }

/** What is wrong with an answer to a request for a range. */
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
  /** What stands under the destination before. */
  readonly isThere: boolean
  /** By the turn of the request for this file; after them all goes well. */
  readonly faults: ReadonlyArray<Fault>
}

export type Ending =
  | { readonly kind: "complete" }
  | {
      readonly kind: "cancel"
      /** The place in the order of what is asked. */
      readonly job: number
      readonly step: number
      /** Whether somebody asks for the same file in that moment. */
      readonly isAskedAgain: boolean
    }
  | { readonly kind: "close"; readonly step: number }
  | { readonly kind: "kill" | "power"; readonly at: "step" | "disk" | "reply"; readonly count: number }

export interface DiskFault {
  readonly operation: string
  readonly errno: string
  /** Which of these operations it meets. */
  readonly count: number
  /** From then on the device takes no bytes, and says nothing: in place of the errno. */
  readonly takesNothing?: boolean | undefined
}

export interface Scenario {
  readonly seed: number
  readonly jobs: ReadonlyArray<Job>
  /** Jobs in the order in which they are asked for; some twice. */
  readonly asked: ReadonlyArray<number>
  readonly concurrency: number
  readonly perOrigin: number
  readonly isStream: boolean
  /** Whether the store writes by calls that come back at once. */
  readonly isDirect: boolean
  /** Whether that store keeps so little in memory that a body of a few kilobytes is a large one. */
  readonly isShortOfMemory: boolean
  readonly durability: "full" | "rename"
  /** Connections for one file. */
  readonly segments: number | undefined
  readonly requestsPerSecond: number | undefined
  readonly bytesPerSecond: number | undefined
  readonly diskFault: DiskFault | undefined
  readonly descriptors: number | undefined
  /** Another program that writes a destination meanwhile. */
  readonly intruder: { readonly job: number; readonly step: number; readonly makes: "file" | "directory" } | undefined
  /** Of each request. */
  readonly deadlineMillis: number | undefined
  readonly ending: Ending
  /** An interruption comes at this operation of the disk and not at a step: most steps are far from a publish. */
  readonly interruptAtDisk: number | undefined
}

export const origins: readonly [string, ...ReadonlyArray<string>] = [
  "http://a.test",
  "https://b.test",
  "http://c.test:8080"
]

const diskFaults: readonly [readonly [string, string], ...ReadonlyArray<readonly [string, string]>] = [
  ["write", "ENOSPC"],
  ["write", "EIO"],
  ["open", "EIO"],
  ["sync", "EIO"],
  ["syncDirectory", "EIO"],
  ["rename", "EIO"],
  ["link", "EPERM"],
  ["truncate", "EIO"]
]

export const draw = (seed: number): Scenario => {
  const from = new Draw(seed)
  const jobs = Array.from({ length: from.between(1, 6) }, (_, index) => drawJob(from, index))
  const asked = jobs.map(({ index }) => index)
  if (from.chance(0.3)) {
    asked.splice(from.below(asked.length + 1), 0, from.below(jobs.length))
  }
  const ending = drawEnding(from, asked.length)
  if (ending.kind === "cancel" && from.chance(0.5)) {
    // Two want the same file, and one of them leaves.
    asked.push(asked[ending.job] ?? 0)
  }
  const concurrency = from.between(1, 4)
  const [operation, errno] = from.pick(...diskFaults)
  const scenario: Scenario = {
    seed,
    jobs,
    asked,
    concurrency,
    perOrigin: from.between(1, concurrency),
    isStream: from.chance(0.5),
    isDirect: false,
    isShortOfMemory: false,
    durability: from.chance(0.6) ? "full" : "rename",
    segments: undefined,
    requestsPerSecond: from.chance(0.1) ? from.between(2, 20) : undefined,
    bytesPerSecond: from.chance(0.1) ? from.between(500, 5000) : undefined,
    diskFault: from.chance(0.15) ? { operation, errno, count: from.below(6) } : undefined,
    descriptors: from.chance(0.05) ? from.between(1, 3) : undefined,
    intruder: from.chance(0.1)
      ? { job: from.below(jobs.length), step: from.between(1, asked.length * 200), makes: "file" }
      : undefined,
    deadlineMillis: undefined,
    ending,
    interruptAtDisk: undefined
  }
  // Drawn last: the rest of a seed is what it is without.
  const isDirect = from.chance(0.5)
  const interruptAtDisk = from.chance(0.4) ? from.below(asked.length * 6) : undefined
  const drawn: Scenario = {
    ...scenario,
    isDirect,
    interruptAtDisk,
    jobs: jobs.map((job) => (from.chance(0.15) ? { ...job, onExists: "unique" } : job))
  }
  const segmented = from.chance(0.35) ? withSegments(from, drawn) : drawn
  const lying = withLies(new Draw(seed ^ 0x1f83d9ab), withDisk(new Draw(seed ^ 0x2c1b3c6d), segmented))
  return withWaits(new Draw(seed ^ 0x3d4e5f61), lying)
}

/** A deadline for each request, and one origin that refuses connections at first, and not at once. */
const withWaits = (from: Draw, scenario: Scenario): Scenario => {
  const deadlineMillis = from.chance(0.1) ? from.between(50, 10_000) : undefined
  const origin = from.chance(0.1) ? from.pick(...origins) : undefined
  return {
    ...scenario,
    deadlineMillis,
    jobs: scenario.jobs.map((job) =>
      origin === undefined
        ? job
        : {
            ...job,
            origin,
            faults: [
              ...Array.from({ length: from.between(1, 3) }, () => ({
                kind: "refused" as const,
                millis: from.between(5, 600)
              })),
              ...job.faults
            ]
          }
    )
  }
}

/** What a disk does beyond a failing operation, and how much a store keeps from it. */
const withDisk = (from: Draw, scenario: Scenario): Scenario => {
  const { diskFault, intruder } = scenario
  const makes = from.pick("file" as const, "directory" as const)
  const takesNothing = from.chance(0.3)
  return {
    ...scenario,
    isShortOfMemory: from.chance(0.5),
    intruder: intruder === undefined ? undefined : { ...intruder, makes },
    diskFault: diskFault?.operation === "write" ? { ...diskFault, takesNothing } : diskFault
  }
}

/** Responses that break off, and answers to ranges that are none. */
const withLies = (from: Draw, scenario: Scenario): Scenario => ({
  ...scenario,
  jobs: scenario.jobs.map((job) => {
    if (scenario.segments === undefined && from.chance(0.02)) {
      return { ...job, sizeBytes: 5000, validator: "strong", isDripping: true, faults: [] }
    }
    const ranges = from.chance(0.15) ? from.pick("open", "refused") : job.ranges
    const how = from.pick<RangeFault>(
      "status",
      "resized",
      "unsized",
      "empty",
      "length",
      "coded",
      "parts",
      "refused",
      "wrong"
    )
    const broken = { kind: "break", at: from.below(job.sizeBytes + 1), how: "close" } as const
    return from.chance(0.3)
      ? { ...job, ranges, faults: [broken, { kind: "range", how } as const, ...job.faults] }
      : { ...job, ranges }
  })
})

/** Larger files, and room for more than one connection for each, on a store that can take them. */
const withSegments = (from: Draw, scenario: Scenario): Scenario => {
  const more = from.between(1, 3)
  return {
    ...scenario,
    segments: from.between(2, 5),
    isDirect: from.chance(0.9),
    concurrency: scenario.concurrency + more,
    perOrigin: scenario.perOrigin + from.below(more + 1),
    jobs: scenario.jobs.map((job) => ({
      ...job,
      sizeBytes: job.sizeBytes * from.between(1, 3),
      chunkBytes: from.between(50, 400),
      chunkMillis: from.between(5, 40),
      ranges: from.pick("guarded", "guarded", "guarded", "unguarded", "unguarded", "none"),
      // Of which the first request, which asks for no range, gets nothing to see.
      faults: from.chance(0.6) ? [{ kind: "range" as const, how: "ignored" as const }, ...job.faults] : job.faults
    }))
  }
}

const drawEnding = (from: Draw, asked: number): Ending => {
  const kind = from.pick<Ending["kind"]>("complete", "complete", "cancel", "close", "kill", "power", "power")
  // Small numbers more often: much happens in the beginning, and some things only there.
  const step = from.chance(0.1) ? 0 : Math.floor(Math.exp(from.real() * Math.log(60 + asked * 250)))
  switch (kind) {
    case "complete":
      return { kind }
    case "cancel":
      return { kind, job: from.below(asked), step, isAskedAgain: from.chance(0.5) }
    case "close":
      return { kind, step }
    default: {
      const at = from.pick<"step" | "disk" | "reply">("disk", "disk", "step", "reply")
      return { kind, at, count: at === "step" ? step : at === "disk" ? from.below(asked * 8) : from.below(asked * 3) }
    }
  }
}

const drawJob = (from: Draw, index: number): Job => {
  const sizeBytes = from.chance(0.1) ? 0 : from.between(1, 3000)
  const isLengthAnnounced = from.chance(0.85)
  const hasDigest = from.chance(0.4)
  return {
    index,
    origin: from.pick(...origins),
    path: `/file-${index}`,
    destination: `/d/file-${index}`,
    sizeBytes,
    chunkBytes: from.between(50, 1500),
    chunkMillis: from.between(0, 40),
    validator: from.pick("strong", "strong", "weak", "none"),
    isLengthAnnounced,
    ranges: "guarded",
    isDripping: false,
    hasDigest,
    onExists: from.pick("overwrite", "overwrite", "skip", "fail"),
    isThere: from.chance(0.25),
    faults: Array.from({ length: from.chance(0.3) ? 0 : from.between(1, 4) }, () =>
      drawFault(from, sizeBytes, isLengthAnnounced)
    )
  }
}

const drawFault = (from: Draw, sizeBytes: number, isLengthAnnounced: boolean): Fault => {
  const kind = from.pick(
    "break" as const,
    "break" as const,
    "break" as const,
    "range" as const,
    "range" as const,
    "changed" as const,
    "changed" as const,
    "status" as const,
    "status" as const,
    "refused" as const,
    "dns" as const,
    "reset" as const,
    "silence" as const,
    "slow" as const,
    "excess" as const,
    "redirect" as const
  )
  switch (kind) {
    case "break":
      return {
        kind,
        at: from.below(sizeBytes + 1),
        how: isLengthAnnounced
          ? from.pick("reset", "close", "unnoticed", "silence")
          : from.pick("reset", "close", "silence")
      }
    case "range":
      return { kind, how: from.pick("ignored", "shifted", "short", "total", "unsatisfiable") }
    case "status": {
      const status = from.pick(429, 429, 503, 503, 500, 502, 408, 404, 401, 501)
      return status === 429 || status === 503 ? { kind, status, ...drawRetryAfter(from) } : { kind, status }
    }
    case "redirect":
      return { kind, to: from.pick("here", "elsewhere", "elsewhere", "file", "loop") }
    default:
      return { kind }
  }
}

const drawRetryAfter = (from: Draw): { readonly retryAfter?: string; readonly afterMillis?: number } => {
  const seconds = from.between(1, 5)
  switch (from.pick("none", "seconds", "seconds", "date", "past", "huge", "garbage")) {
    case "seconds":
      return { retryAfter: `${seconds}`, afterMillis: seconds * 1000 }
    case "date":
      return { retryAfter: "date", afterMillis: seconds * 1000 }
    case "past":
      return { retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT".replace("1994", "1969") }
    case "huge":
      return { retryAfter: "99999999999", afterMillis: longestWaitMillis }
    case "garbage":
      return { retryAfter: "soon" }
    default:
      return {}
  }
}

/** What the simulated downloader clamps `Retry-After` to. */
export const longestWaitMillis = 20_000

/** Whether a transfer that meets these, and each no more than once, must succeed with enough retries. */
export const isSurvivable = (job: Job): boolean =>
  // An earlier version than the one that is expected is not the file.
  !(job.hasDigest && versionsOf(job) > 1) &&
  !job.isDripping &&
  job.faults.every(
    (fault) =>
      !(fault.kind === "status" && [404, 401, 501].includes(fault.status)) &&
      !(fault.kind === "redirect" && (fault.to === "file" || fault.to === "loop"))
  )

const truthful: ReadonlySet<RangeFault> = new Set(["ignored", "shifted", "short", "unsatisfiable", "refused"])

/** Whether each byte that the origin sends is the byte that its response says, of the one version that there is. */
export const isTruthful = (job: Job): boolean =>
  versionsOf(job) === 1 &&
  job.isLengthAnnounced &&
  job.faults.every((fault) => fault.kind !== "range" || truthful.has(fault.how))

/** How many versions there are in the end. */
export const versionsOf = (job: Job): number => 1 + job.faults.filter(({ kind }) => kind === "changed").length
