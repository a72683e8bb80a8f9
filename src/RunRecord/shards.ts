/**
 * The shards of a batch, in the tables and sums of a run.
 *
 * Up to 100,000 shards have a row. Further ones are in the sums and in the timeline, and of those, 1,000 that were abandoned and the
 * 100 that took longest have a row too.
 */
import { displayText } from "../internal/text/displayUrl.js"
import { type FailureKind, type Outcome, type OutcomeCounts, outcomes, type RunData, type ShardsData } from "./data.js"
import { Sums } from "./sums.js"
import { Texts } from "./texts.js"
import { Timeline } from "./timeline.js"

/** A shard that has begun. */
export interface Shard {
  readonly shard: number
  readonly state: "waiting" | "running" | "done" | "abandoned" | "cancelled"
  /** The number of its files. */
  readonly total: number
  readonly files: Omit<OutcomeCounts, "notStarted" | "unfinished">
  readonly bytes: number
  readonly attempts: number
  readonly lastAttempts: ReadonlyArray<{
    readonly runner: string
    readonly beganMillis: number
    readonly isReleased: boolean
  }>
  readonly endedMillis?: number
  readonly detail: string
}

/** The batch of the shards. */
export interface Batch {
  readonly id: string
  readonly state: ShardsData["state"]
  readonly beganAtMillis: number
  readonly elapsedMillis: number
  /** The number of its shards, with those that have not begun. */
  readonly total: number
  readonly attempts: number
  readonly counts: OutcomeCounts
  readonly bytes: number
}

/** A shard with its times since the begin of the batch. */
interface Row {
  readonly shard: Shard
  readonly attempts: ReadonlyArray<{ readonly runner: number; readonly began: number; readonly isReleased: boolean }>
  readonly began: number
  readonly ended: number
}

export class Shards {
  private readonly runners = new Map<string, number>()
  private readonly runnerSums: Array<{ readonly name: string; readonly sums: Sums }> = []
  private readonly all = new Sums()
  private readonly timeline = new Timeline()
  private readonly rows: Array<Row> = []
  private readonly overflowAbandoned: Array<Row> = []
  private overflowSlowest: Array<Row> = []
  /** The files of abandoned shards by the reason. */
  private readonly abandoned = new Map<string, number>()

  constructor(
    private readonly batch: Batch,
    private readonly rowsAtMost = 100_000
  ) {}

  /** Takes a shard. The shards of a batch must be in their order. */
  add(shard: Shard): void {
    const { beganAtMillis, elapsedMillis } = this.batch
    const timeOf = (millis: number) => Math.max(0, millis - beganAtMillis)
    const attempts = shard.lastAttempts.map(({ beganMillis, isReleased, runner }) => ({
      runner: this.runnerOf(runner),
      began: timeOf(beganMillis),
      isReleased
    }))
    const began = attempts[0]?.began ?? 0
    // The clocks of runners may differ.
    const ended = attempts.reduce(
      (latest, attempt) => Math.max(latest, attempt.began),
      shard.endedMillis === undefined ? elapsedMillis : timeOf(shard.endedMillis)
    )
    const row = { shard, attempts, began, ended }
    this.sum(row)
    if (this.rows.length < this.rowsAtMost) {
      this.rows.push(row)
    } else if (shard.state === "abandoned" && this.overflowAbandoned.length < overflowAbandonedAtMost) {
      this.overflowAbandoned.push(row)
    } else {
      this.overflowSlowest.push(row)
      if (this.overflowSlowest.length >= 2 * overflowSlowestAtMost) {
        this.overflowSlowest = slowest(this.overflowSlowest)
      }
    }
  }

  /** Adds the sums and the rows of the batch to the record of its failed files. */
  of(failed: RunData): RunData {
    const shards = this.data(failed.counts.failed)
    const { beganAtMillis, counts, elapsedMillis, failures, receivedBytes, savedBytes } = shards
    const kinds = [...failed.failures, ...failures].sort((one, other) => other.count - one.count)
    return { ...failed, beganAtMillis, elapsedMillis, counts, savedBytes, receivedBytes, failures: kinds, shards }
  }

  /** What was taken so far. `listedFailures` is the number of failed files that are listed one by one. */
  data(listedFailures: number): ShardsData {
    const { all, batch } = this
    const { counts } = batch
    return {
      version: 1,
      hasFailuresOnly: false,
      hints: [],
      batch: batch.id,
      state: batch.state,
      total: batch.total,
      attempts: batch.attempts,
      beganAtMillis: batch.beganAtMillis,
      elapsedMillis: batch.elapsedMillis,
      counts,
      phases: { ...all.phases },
      savedBytes: batch.bytes,
      receivedBytes: batch.bytes,
      requests: batch.attempts,
      retries: all.retries,
      openAtMost: this.timeline.openAtMost,
      origins: this.runnerSums.map(({ name, sums }) => sums.data(name)),
      failures: this.failures(counts.failed - listedFailures),
      longWaits: [],
      leftovers: { kept: { files: 0, bytes: 0 }, discarded: [] },
      timeline: this.timeline.data(batch.elapsedMillis),
      ...columnsOf([...this.rows, ...this.overflowAbandoned, ...slowest(this.overflowSlowest)]),
      pictures: []
    }
  }

  private runnerOf(name: string): number {
    const found = this.runners.get(name)
    if (found !== undefined) {
      return found
    }
    const added = this.runnerSums.push({ name: displayText(name), sums: new Sums() }) - 1
    this.runners.set(name, added)
    return added
  }

  private sum({ attempts, began, ended, shard }: Row): void {
    const { bytes, files, state, total } = shard
    const last = attempts.at(-1)
    const lastBegan = last?.began ?? began
    const sums = this.runnerSums[last?.runner ?? -1]?.sums ?? new Sums()
    sums.bytes += bytes
    for (const outcome of ["saved", "skipped", "notModified", "failed", "cancelled"] as const) {
      sums.counts[outcome] += files[outcome]
    }
    for (const [index, attempt] of attempts.entries()) {
      const ofRunner = this.runnerSums[attempt.runner]?.sums
      const until = attempts[index + 1]?.began ?? ended
      this.timeline.open(attempt.began, until)
      for (const taken of [this.all, ...(ofRunner === undefined ? [] : [ofRunner])]) {
        taken.requests++
        if (index < attempts.length - 1) {
          taken.delay(until - attempt.began)
        } else {
          taken.phases.body += until - attempt.began
        }
      }
    }
    this.timeline.receive(lastBegan, ended, bytes)
    const done = files.saved + files.skipped + files.notModified + files.failed
    this.timeline.endBetween(lastBegan, ended, done, files.failed)
    if (state === "abandoned") {
      const reason = reasonOf(shard)
      const key = this.abandoned.has(reason) || this.abandoned.size < reasonsAtMost ? reason : otherReasons
      this.abandoned.set(key, (this.abandoned.get(key) ?? 0) + total)
    }
  }

  /** The kinds of the failures that are not listed one by one. */
  private failures(unlisted: number): ReadonlyArray<FailureKind> {
    const kinds = Array.from(this.abandoned, ([reason, count]) => ({ reason, phase: "", count }))
    const rest = kinds.reduce((sum, { count }) => sum - count, unlisted)
    return rest > 0 ? [...kinds, { reason: notKept, phase: "", count: rest }] : kinds
  }
}

const overflowAbandonedAtMost = 1000
const overflowSlowestAtMost = 100
const reasonsAtMost = 20
const textsAtMost = 10_000

const otherReasons = "shards were abandoned for other reasons"

const notKept = "no list has them: the database keeps 1,000 failed files of each shard that has ended"

const reasonOf = ({ attempts, detail }: Shard): string =>
  `a shard was abandoned after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${detail === "" ? "each of its processes ended" : displayText(detail)}`

const lost = "It did not end"

const released = "Its runner stopped"

const slowest = (rows: ReadonlyArray<Row>): Array<Row> =>
  rows
    .slice()
    .sort((one, other) => other.ended - other.began - (one.ended - one.began))
    .slice(0, overflowSlowestAtMost)

const outcomeOf = ({ state }: Shard): Outcome => {
  switch (state) {
    case "done":
      return "saved"
    case "abandoned":
      return "failed"
    case "cancelled":
      return "cancelled"
    default:
      return "unfinished"
  }
}

type Columns = Pick<ShardsData, "transfers" | "exchanges" | "delays" | "files" | "failed" | "texts">

/** A shard is a transfer, its last attempt a request, and each earlier attempt a wait. */
const columnsOf = (rows: ReadonlyArray<Row>): Columns => {
  const texts = new Texts(textsAtMost)
  const of = <A>(value: (row: Row) => A): Array<A> => rows.map(value)
  const last = rows.map(({ attempts, began }) => attempts.at(-1) ?? { runner: -1, began })
  const delays = rows.flatMap(({ attempts, shard }, transfer) =>
    attempts.slice(0, -1).map(({ began, isReleased }, index) => ({
      transfer,
      began,
      delay: (attempts[index + 1]?.began ?? began) - began,
      attempt: shard.attempts - attempts.length + index + 1,
      error: isReleased ? texts.add(released, released) : texts.add(lost, lost)
    }))
  )
  const none = () => -1
  return {
    transfers: {
      origin: last.map(({ runner }) => runner),
      path: of(({ shard }) => `shard ${shard.shard}`),
      file: of(() => ""),
      began: of(({ began }) => began),
      ended: of(({ ended }) => ended),
      outcome: of(({ shard }) => outcomes.indexOf(outcomeOf(shard))),
      bytes: of(({ shard }) => shard.bytes),
      retries: of(({ shard }) => shard.attempts - 1),
      error: of(({ shard }) => {
        const reason = reasonOf(shard)
        return shard.state === "abandoned" ? texts.add(reason, otherReasons) : -1
      }),
      phase: of(none),
      longWait: of(none)
    },
    exchanges: {
      transfer: of((_) => 0).map((_, transfer) => transfer),
      origin: last.map(({ runner }) => runner),
      began: last.map(({ began }) => began),
      permit: of(none),
      lookup: of(none),
      connect: of(none),
      tls: of(none),
      firstByte: of(none),
      body: rows.map(({ ended }, row) => ended - (last[row]?.began ?? ended)),
      attempt: of(({ shard }) => shard.attempts),
      status: of(() => 0),
      bytes: of(({ shard }) => shard.bytes),
      error: of(none)
    },
    delays: {
      transfer: delays.map(({ transfer }) => transfer),
      began: delays.map(({ began }) => began),
      delay: delays.map(({ delay }) => delay),
      attempt: delays.map(({ attempt }) => attempt),
      error: delays.map(({ error }) => error)
    },
    files: of(({ shard }) => shard.total),
    failed: of(({ shard }) => shard.files.failed),
    texts: texts.all()
  }
}
