/**
 * Draws a scenario from a seed.
 */
import { Draw } from "./Draw.js"
import {
  type Ending,
  type Fault,
  type Job,
  type Lives,
  longestWaitMillis,
  type Mirror,
  mirrorOrigins,
  origins,
  type RangeFault,
  type Scenario
} from "./Scenario.js"

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

export const drawScenario = (seed: number): Scenario => {
  const from = new Draw(seed)
  const jobs = Array.from({ length: from.between(1, 6) }, (_, index) => drawJob(from, index))
  const asked = jobs.map(({ index }) => index)
  if (from.chance(0.3)) {
    asked.splice(from.below(asked.length + 1), 0, from.below(jobs.length))
  }
  const ending = drawEnding(from, asked.length)
  if (ending.kind === "cancel" && from.chance(0.5)) {
    // Two callers request the same file, and one of them is interrupted.
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
    syncMillis: 0,
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
    interruptAtDisk: undefined,
    lives: undefined
  }
  // Drawn last, so that the draws above give the same for a seed as before these were added.
  const isDirect = from.chance(0.5)
  const interruptAtDisk = from.chance(0.4) ? from.below(asked.length * 6) : undefined
  const drawn: Scenario = {
    ...scenario,
    isDirect,
    interruptAtDisk,
    jobs: jobs.map((job) => (from.chance(0.15) ? { ...job, onExists: "unique" } : job))
  }
  const segmented = from.chance(0.35) ? withSegments(from, drawn) : drawn
  const called = withLateCaller(new Draw(seed ^ 0x4b7a70e9), segmented)
  const lying = withLies(new Draw(seed ^ 0x1f83d9ab), withDisk(new Draw(seed ^ 0x2c1b3c6d), called))
  const lived = withLives(new Draw(seed ^ 0x5a827999), withWaits(new Draw(seed ^ 0x3d4e5f61), lying))
  const mirrored = withMirrors(new Draw(seed ^ 0x6a09e667), withGone(new Draw(seed ^ 0x6ed9eba1), lived))
  return withSlowSyncs(new Draw(seed ^ 0x510e527f), mirrored)
}

/** Adds mirrors of some files, which bring segments of them. */
const withMirrors = (from: Draw, scenario: Scenario): Scenario => {
  if (scenario.segments === undefined || !from.chance(0.5)) {
    return scenario
  }
  const dead = from.chance(0.3) ? from.pick(...mirrorOrigins) : undefined
  const mirrorAt = (origin: string): Mirror => {
    const drawn = drawMirror(from, origin)
    return origin === dead ? { origin, kind: "dead" } : drawn
  }
  return {
    ...scenario,
    jobs: scenario.jobs.map((job) =>
      dead !== undefined || from.chance(0.7)
        ? { ...job, mirrors: mirrorOrigins.slice(from.below(2)).map(mirrorAt) }
        : job
    )
  }
}

const drawMirror = (from: Draw, origin: string): Mirror => ({
  origin,
  kind: from.pick<Mirror["kind"]>(
    "equal",
    "equal",
    "equal",
    "tagged",
    "stale",
    "stale",
    "weak",
    "shorter",
    "whole",
    "broken",
    "busy",
    "busy"
  )
})

/** Adds a caller that requests a file at the moment at which the only other caller of it is interrupted. */
const withLateCaller = (from: Draw, scenario: Scenario): Scenario => {
  if (!from.chance(0.06)) {
    return scenario
  }
  const asked = scenario.jobs.map(({ index }) => index)
  const step = Math.floor(Math.exp(from.real() * Math.log(60 + asked.length * 250)))
  return {
    ...scenario,
    asked,
    isStream: false,
    ending: { kind: "cancel", job: from.below(asked.length), step, isAskedAgain: true }
  }
}

/** Adds a disk whose syncs take long, so that many files wait for them. */
const withSlowSyncs = (from: Draw, scenario: Scenario): Scenario =>
  from.chance(0.4)
    ? {
        ...scenario,
        durability: "full",
        isDirect: scenario.isDirect || from.chance(0.7),
        syncMillis: from.between(6, 200)
      }
    : scenario

/** Adds files that are gone after a part of them was received, if the requests resume. */
const withGone = (from: Draw, scenario: Scenario): Scenario =>
  scenario.lives === undefined
    ? scenario
    : { ...scenario, jobs: scenario.jobs.map((job) => (from.chance(0.05) ? goneFrom(from, job) : job)) }

const goneFrom = (from: Draw, job: Job): Job => {
  const broken = {
    kind: "break",
    at: job.sizeBytes - from.below(Math.ceil(job.sizeBytes / 2) + 1),
    how: "close"
  } as const
  const gone = { kind: "status", status: from.pick(404, 410) } as const
  // The downloader requests the rest, and then the whole file.
  return { ...job, faults: [broken, gone, gone, ...job.faults] }
}

/** Adds requests that resume, further runs, and other versions after the first run. */
const withLives = (from: Draw, scenario: Scenario): Scenario => {
  const { asked, ending, isDirect } = scenario
  if (!from.chance(0.5)) {
    return scenario
  }
  const isUnfinished = ending.kind !== "complete"
  return {
    ...scenario,
    // The other backend keeps such small files in memory.
    isDirect: isDirect || from.chance(0.8),
    isShortOfMemory: from.chance(0.9),
    lives: {
      endings: isUnfinished
        ? Array.from({ length: from.below(3) }, () => drawCrash(from, from.pick("kill", "power"), asked.length))
        : [],
      twin: from.chance(0.15)
        ? { step: Math.floor(Math.exp(from.real() * Math.log(60 + asked.length * 250))) }
        : undefined,
      foreign: from.pick("none", "none", "parts", "records", "torn")
    },
    jobs: scenario.jobs.map((job) => ({
      ...job,
      sizeBytes: job.sizeBytes * (from.chance(0.5) ? 4 : 1),
      isChangedLater: isUnfinished && from.chance(0.25)
    }))
  }
}

/** Adds a deadline for each request, and an origin that refuses its first connections after a delay. */
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

/** Adds a disk that writes nothing, another program that makes a directory, and a store with small buffers. */
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

/** Adds responses that break off, and wrong responses to requests for ranges. */
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

/** Adds several connections for each file, larger files, and permits for the connections. */
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
      // The first request asks for no range, so this fault does not affect it.
      faults: from.chance(0.6) ? [{ kind: "range" as const, how: "ignored" as const }, ...job.faults] : job.faults
    }))
  }
}

const drawEnding = (from: Draw, asked: number): Ending => {
  const kind = from.pick<Ending["kind"]>("complete", "complete", "cancel", "close", "kill", "power", "power")
  // Small numbers are more likely: the first steps do the most.
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

/** A later run writes more checkpoints than a first run without them had operations. */
const drawCrash = (from: Draw, kind: "kill" | "power", asked: number): Lives["endings"][number] => {
  const at = from.pick<"step" | "disk" | "reply">("disk", "disk", "step", "reply")
  const step = Math.floor(Math.exp(from.real() * Math.log(60 + asked * 250)))
  return { kind, at, count: at === "step" ? step : from.below(at === "disk" ? asked * 40 : asked * 3) }
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
    isChangedLater: false,
    mirrors: [],
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
