/**
 * The rows of batches in memory, for tests and for a process whose batches need not survive it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { RunReport } from "../../Download.js"
import { BatchStorageError } from "../errors.js"
import type { BegunShard } from "../models.js"
import { abandonedOf, addFailures, emptyCounts, fileCountsOf, remaining, sumCounts } from "../sums.js"
import * as LastAttempts from "./lastAttempts.js"
import {
  type Attempt,
  absentMillis,
  attemptsAtMost,
  type BatchRow,
  BatchRows,
  type BatchSums,
  type Counts,
  FleetRows,
  missingSlices,
  type ReportParts,
  ShardRows,
  type Slice,
  turnMillis
} from "./rows.js"

interface ShardRow {
  readonly shard: number
  readonly files: number
  readonly slice: Slice
  attempts: number
  /** Attempts that began and did not end. */
  unended: number
  state: "waiting" | "running" | "done" | "abandoned" | "cancelled"
  /** The claim of the last attempt. */
  claim: string
  /** Whether its messages are removed. */
  isClosed: boolean
  counts: Counts
  failures: RunReport["failures"]
  failed: string
  detail: string
  lastAttempts: BegunShard["lastAttempts"]
  endedMillis: number | undefined
}

interface Batch {
  readonly row: BatchRow
  readonly shards: ReadonlyArray<ShardRow>
  isCancelled: boolean
  isClosed: boolean
  /** The last shard that `pending` has returned. */
  lastSent: number
  startedMillis: number | undefined
  endedMillis: number | undefined
}

/** Empty rows. */
export const layer: Layer.Layer<BatchRows | ShardRows | FleetRows> = Layer.effectContext(
  Effect.sync(() => {
    const slices = new Map<string, Array<Slice>>()
    const batches = new Map<string, Batch>()
    return Context.make(BatchRows, batchRows(slices, batches)).pipe(
      Context.add(ShardRows, shardRows(batches)),
      Context.add(FleetRows, fleetRows())
    )
  })
)

const batchRows = (slices: Map<string, Array<Slice>>, batches: Map<string, Batch>): typeof BatchRows.Service => ({
  addSlice: (manifest, slice) =>
    Effect.sync(() => {
      const stored = slices.get(manifest) ?? []
      slices.set(manifest, stored)
      stored.push(slice)
    }),
  dropSlices: (manifest) => Effect.sync(() => void slices.delete(manifest)),
  find: (id) => Effect.sync(() => Option.map(Option.fromNullable(batches.get(id)), ({ row }) => row)),
  insert: (row) =>
    Effect.suspend(() => {
      const earlier = batches.get(row.id)
      if (earlier !== undefined) {
        return Effect.succeed(earlier.row)
      }
      if ((slices.get(row.manifest) ?? []).length !== row.shards) {
        return new BatchStorageError({ operation: "store a batch", detail: missingSlices })
      }
      const shards = (slices.get(row.manifest) ?? []).map(
        (slice): ShardRow => ({
          shard: slice.shard,
          files: slice.files,
          slice,
          attempts: 0,
          unended: 0,
          claim: "",
          isClosed: false,
          state: "waiting",
          counts: emptyCounts,
          failures: {},
          failed: "[]",
          detail: "",
          lastAttempts: [],
          endedMillis: undefined
        })
      )
      slices.delete(row.manifest)
      const times = { startedMillis: undefined, endedMillis: undefined }
      batches.set(row.id, { row, shards, isCancelled: false, isClosed: false, lastSent: -1, ...times })
      return Effect.succeed(row)
    }),
  sums: (id) => Effect.sync(() => Option.map(Option.fromNullable(batches.get(id)), sumsOf)),
  newest: (limit) =>
    Effect.sync(() =>
      Array.from(batches.values())
        .sort(
          (one, other) => other.row.submittedMillis - one.row.submittedMillis || (one.row.id < other.row.id ? -1 : 1)
        )
        .slice(0, limit)
        .map((batch) => ({ id: batch.row.id, ...sumsOf(batch) }))
    ),
  reportParts: (id) => Effect.sync(() => partsOf(batches.get(id)?.shards ?? [])),
  failed: (id) =>
    Stream.suspend(() => Stream.fromIterable((batches.get(id)?.shards ?? []).map(({ failed }) => failed))),
  begunShards: (id) =>
    Stream.suspend(() =>
      Stream.fromIterable((batches.get(id)?.shards ?? []).filter(({ attempts }) => attempts > 0).map(begunOf))
    ),
  cancel: (id) =>
    Effect.sync(() => {
      const batch = batches.get(id)
      if (batch !== undefined && batch.endedMillis === undefined) {
        batch.isCancelled = true
      }
    }),
  remove: (id) => Effect.sync(() => void batches.delete(id))
})

const begunOf = ({ attempts, detail, endedMillis, lastAttempts, ...row }: ShardRow): BegunShard => ({
  shard: row.shard,
  state: row.state,
  total: row.files,
  files: fileCountsOf(row.counts),
  bytes: row.counts.bytes,
  attempts,
  lastAttempts,
  ...(endedMillis === undefined ? {} : { endedMillis }),
  detail
})

const sumsOf = (batch: Batch): BatchSums => {
  const shards = { waiting: 0, running: 0, done: 0, abandoned: 0, cancelled: 0 }
  for (const { state } of batch.shards) {
    shards[state]++
  }
  return {
    isCancelled: batch.isCancelled,
    submittedMillis: batch.row.submittedMillis,
    startedMillis: batch.startedMillis,
    endedMillis: batch.endedMillis,
    shards,
    totalFiles: batch.row.files,
    counts: batch.shards.reduce((sum, { counts }) => sumCounts(sum, counts), emptyCounts),
    attempts: batch.shards.reduce((sum, { attempts }) => sum + attempts, 0)
  }
}

const partsOf = (shards: ReadonlyArray<ShardRow>): ReportParts => ({
  failures: shards.reduce<RunReport["failures"]>((sum, { failures }) => addFailures(sum, failures, 1), {}),
  abandoned: shards.filter(({ state }) => state === "abandoned").map(abandonedOf)
})

const shardRows = (batches: Map<string, Batch>): typeof ShardRows.Service => {
  const find = (batch: string, shard: number): ShardRow | undefined => batches.get(batch)?.shards[shard]

  const ofAttempt = ({ attempt, batch, shard }: Attempt): ShardRow | undefined => {
    const row = find(batch, shard)
    return row?.state === "running" && row.attempts === attempt ? row : undefined
  }

  const hasEnded = (row: ShardRow | undefined): boolean => row?.state !== "waiting" && row?.state !== "running"

  const release = (attempt: Attempt, counts: Counts): void => {
    const row = find(attempt.batch, attempt.shard)
    const lastAttempts = row && LastAttempts.released(row.lastAttempts, attempt.attempt, row.attempts)
    if (row !== undefined && lastAttempts !== undefined) {
      row.lastAttempts = lastAttempts
      row.unended--
      const running = ofAttempt(attempt)
      if (running !== undefined) {
        running.state = "waiting"
        running.counts = counts
      }
    }
  }

  return {
    open: Effect.sync(() =>
      Array.from(batches.values()).flatMap(({ endedMillis, isClosed, row: { id, manifest } }) =>
        isClosed ? [] : [{ id, manifest, hasEnded: endedMillis !== undefined }]
      )
    ),
    pending: (id, after, limit) =>
      Effect.sync(() => {
        const batch = batches.get(id)
        const found = (batch?.shards ?? [])
          .filter(
            ({ attempts, isClosed, shard, state }) =>
              shard > after && !isClosed && (state !== "cancelled" || attempts > 0 || shard <= (batch?.lastSent ?? -1))
          )
          .slice(0, limit)
          .map(({ shard }) => shard)
        if (batch !== undefined) {
          batch.lastSent = Math.max(batch.lastSent, ...found)
        }
        return found
      }),
    begin: (id, shard, claim, isAlone, nowMillis) =>
      Effect.sync(() => {
        const batch = batches.get(id)
        const row = batch?.shards[shard]
        if (batch === undefined || row === undefined || (row.state !== "waiting" && row.state !== "running")) {
          return { _tag: "Ended" }
        }
        if (batch.isCancelled) {
          row.state = "cancelled"
          row.endedMillis = nowMillis
          row.counts = remaining(row.counts, row.files, "cancelled")
          return { _tag: "Ended" }
        }
        const isBegun = row.state === "running" && row.claim === claim
        if (!isBegun && row.unended >= attemptsAtMost) {
          row.state = "abandoned"
          row.endedMillis = nowMillis
          row.counts = remaining(emptyCounts, row.files, "failed")
          return { _tag: "Ended" }
        }
        if (!isBegun && row.unended === attemptsAtMost - 1 && !isAlone) {
          return { _tag: "Alone" }
        }
        if (!isBegun) {
          row.attempts++
          row.unended++
          row.state = "running"
          row.claim = claim
          row.lastAttempts = LastAttempts.added(row.lastAttempts, claim, nowMillis)
          row.counts = emptyCounts
          batch.startedMillis ??= nowMillis
        }
        return {
          _tag: "Begun",
          attempt: row.attempts,
          slice: row.slice,
          settings: batch.row.settings
        }
      }),
    progress: (attempt, counts) =>
      Effect.sync(() => {
        const row = ofAttempt(attempt)
        if (row !== undefined) {
          row.counts = counts
        }
        return hasEnded(find(attempt.batch, attempt.shard))
      }),
    end: ({ batch, shard }, { counts, failed, failures, state }, nowMillis) =>
      Effect.sync(() => {
        const row = find(batch, shard)
        if (row?.state === "waiting" || row?.state === "running") {
          Object.assign(row, { state, counts, failures, failed, endedMillis: nowMillis })
        }
      }),
    release: (attempt, counts) => Effect.sync(() => release(attempt, counts)),
    revoke: (batch, shard, claim) =>
      Effect.sync(() => {
        const row = find(batch, shard)
        if (row?.state === "running" && row.claim === claim) {
          release({ batch, shard, attempt: row.attempts }, emptyCounts)
        }
      }),
    died: ({ batch, shard }, detail) =>
      Effect.sync(() => {
        const row = find(batch, shard)
        if (row !== undefined) {
          row.detail = detail
        }
      }),
    abandon: ({ batch, shard }, detail, nowMillis) =>
      Effect.sync(() => {
        const row = find(batch, shard)
        if (row?.state === "waiting" || row?.state === "running") {
          const counts = remaining(emptyCounts, row.files, "failed")
          Object.assign(row, { state: "abandoned", detail, counts, endedMillis: nowMillis })
        }
      }),
    cancelled: (ids) => Effect.sync(() => ids.filter((id) => batches.get(id)?.isCancelled ?? true)),
    ended: (id, shards) =>
      Effect.sync(() => {
        const all = batches.get(id)?.shards ?? []
        return shards.filter((shard) => hasEnded(all[shard]))
      }),
    cancelWaiting: (id, nowMillis) =>
      Effect.sync(() => {
        const batch = batches.get(id)
        for (const row of batch?.isCancelled === true ? batch.shards : []) {
          if (row.state === "waiting") {
            row.state = "cancelled"
            row.endedMillis = nowMillis
            row.counts = remaining(row.counts, row.files, "cancelled")
          }
        }
      }),
    endBatch: (id, nowMillis) =>
      Effect.sync(() => {
        const batch = batches.get(id)
        const isEnded = batch?.shards.every(({ state }) => state !== "waiting" && state !== "running") ?? true
        if (batch !== undefined && isEnded) {
          batch.endedMillis ??= nowMillis
        }
        return isEnded
      }),
    closeShard: ({ id, manifest }, shard) =>
      Effect.sync(() => {
        const batch = batches.get(id)
        const row = batch?.row.manifest === manifest ? batch.shards[shard] : undefined
        if (row !== undefined) {
          row.isClosed = true
        }
      }),
    close: ({ id, manifest }) =>
      Effect.sync(() => {
        const batch = batches.get(id)
        if (batch?.row.manifest === manifest) {
          batch.isClosed = true
        }
      })
  }
}

const fleetRows = (): typeof FleetRows.Service => {
  const runners = new Map<string, number>()
  const pauses = new Map<string, number>()
  return {
    beat: (runner) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        runners.set(runner, now)
        const seen = Array.from(runners).filter(([, millis]) => millis > now - absentMillis)
        return { runners: seen.map(([name]) => name).sort(), turn: Math.floor(now / turnMillis) }
      }),
    leave: (runner) => Effect.sync(() => void runners.delete(runner)),
    pause: (origin, millis) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        pauses.set(origin, Math.max(pauses.get(origin) ?? 0, now + millis))
      }),
    pauses: Effect.map(Clock.currentTimeMillis, (now) =>
      Array.from(pauses).flatMap(([origin, until]) => (until > now ? [{ origin, millis: until - now }] : []))
    )
  }
}
