/**
 * The statements of `ShardRows`.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Settings } from "../models.js"
import * as LastAttempts from "../rows/lastAttempts.js"
import {
  type Attempt,
  attemptsAtMost,
  type Beginning,
  type Counts,
  type OpenBatch,
  type ShardRows
} from "../rows/rows.js"
import { emptyCounts } from "../sums.js"
import { operation, toNumber } from "./sqlStatement.js"

export const shardRows = (sql: SqlClient.SqlClient): typeof ShardRows.Service => {
  const lockRow = sql.onDialectOrElse({ pg: () => sql.literal("FOR UPDATE OF s"), orElse: () => sql.literal("") })

  const begin = (batch: string, shard: number, claim: string, isAlone: boolean, nowMillis: number) =>
    Effect.gen(function* () {
      const [row] = yield* sql<ShardColumns>`
        SELECT s.state, s.attempts, s.unended, s.files, s.runner, s.last_attempts, b.is_cancelled, b.settings, b.manifest
        FROM halyard_shard s JOIN halyard_batch b ON b.id = s.batch
        WHERE s.batch = ${batch} AND s.shard = ${shard} ${lockRow}`
      if (row === undefined || (row.state !== "waiting" && row.state !== "running")) {
        return ended
      }
      const ofShard = sql`WHERE batch = ${batch} AND shard = ${shard}`
      if (toNumber(row.is_cancelled) === 1) {
        yield* sql`UPDATE halyard_shard SET ${cancelWaiting(nowMillis)} ${ofShard}`
        return ended
      }
      const isBegun = row.state === "running" && row.runner === claim
      if (!isBegun && toNumber(row.unended) >= attemptsAtMost) {
        const counts = columnsOf({ ...emptyCounts, failed: toNumber(row.files) })
        yield* sql`UPDATE halyard_shard SET ${sql.update({ ...counts, state: "abandoned", ended_millis: nowMillis })} ${ofShard}`
        return ended
      }
      if (!isBegun && toNumber(row.unended) === attemptsAtMost - 1 && !isAlone) {
        return { _tag: "Alone" } satisfies Beginning
      }
      const attempt = toNumber(row.attempts) + (isBegun ? 0 : 1)
      if (!isBegun) {
        const columns = {
          ...columnsOf(emptyCounts),
          state: "running",
          attempts: attempt,
          unended: toNumber(row.unended) + 1,
          runner: claim,
          last_attempts: LastAttempts.encode(
            LastAttempts.added(LastAttempts.decode(row.last_attempts), claim, nowMillis)
          )
        }
        yield* sql`
          UPDATE halyard_shard SET ${sql.update(columns)}, began_millis = COALESCE(began_millis, ${nowMillis}) ${ofShard}`
      }
      const [slice] = yield* sql<SliceColumns>`
        SELECT files, first_index, content FROM halyard_slice WHERE manifest = ${row.manifest} AND shard = ${shard}`
      return {
        _tag: "Begun",
        attempt,
        slice: {
          shard,
          files: toNumber(slice?.files),
          firstIndex: toNumber(slice?.first_index),
          content: slice?.content ?? ""
        },
        settings: decodeSettings(row.settings)
      } satisfies Beginning
    }).pipe(sql.withTransaction)

  const pending = (batch: string, after: number, limit: number) =>
    Effect.gen(function* () {
      const rows = yield* sql<{ readonly shard: unknown }>`
        SELECT shard FROM halyard_shard
        WHERE batch = ${batch} AND shard > ${after} AND is_closed = 0
        AND (state <> 'cancelled' OR attempts > 0 OR shard <= (SELECT last_sent FROM halyard_batch WHERE id = ${batch}))
        ORDER BY shard LIMIT ${limit}`
      const found = rows.map(({ shard }) => toNumber(shard))
      const last = found.at(-1)
      if (last !== undefined) {
        yield* sql`UPDATE halyard_batch SET last_sent = ${last} WHERE id = ${batch} AND last_sent < ${last}`
      }
      return found
    })

  const release = ({ attempt, batch, shard }: Attempt, counts: Counts) =>
    Effect.gen(function* () {
      const [row] = yield* sql<ReleasedColumns>`
        SELECT s.state, s.attempts, s.unended, s.last_attempts
        FROM halyard_shard s WHERE s.batch = ${batch} AND s.shard = ${shard} ${lockRow}`
      const count = toNumber(row?.attempts)
      const lastAttempts = row && LastAttempts.released(LastAttempts.decode(row.last_attempts), attempt, count)
      if (lastAttempts !== undefined) {
        const columns = { unended: toNumber(row?.unended) - 1, last_attempts: LastAttempts.encode(lastAttempts) }
        const isLast = row?.state === "running" && count === attempt
        const changed = isLast ? { ...columns, ...columnsOf(counts), state: "waiting" } : columns
        yield* sql`UPDATE halyard_shard SET ${sql.update(changed)} WHERE batch = ${batch} AND shard = ${shard}`
      }
    }).pipe(sql.withTransaction)

  // The counts of a shard that was interrupted stay: its files are saved.
  const cancelWaiting = (nowMillis: number) => sql`
    state = 'cancelled', ended_millis = ${nowMillis}, cancelled = files - saved - skipped - not_modified - failed`

  return {
    open: Effect.map(
      sql<OpenBatch & { readonly ended_millis: unknown }>`
        SELECT id, manifest, ended_millis FROM halyard_batch WHERE is_closed = 0`,
      (rows) => rows.map(({ ended_millis, id, manifest }) => ({ id, manifest, hasEnded: ended_millis !== null }))
    ).pipe(operation("find the batches")),
    pending: (batch, after, limit) => pending(batch, after, limit).pipe(operation("find the shards")),
    begin: (batch, shard, claim, isAlone, nowMillis) =>
      begin(batch, shard, claim, isAlone, nowMillis).pipe(operation("begin a shard")),
    progress: ({ attempt, batch, shard }, counts) =>
      Effect.zipRight(
        sql`
          UPDATE halyard_shard SET ${sql.update(columnsOf(counts))}
          WHERE batch = ${batch} AND shard = ${shard} AND attempts = ${attempt} AND state = 'running'`,
        Effect.map(
          sql`
            SELECT shard FROM halyard_shard
            WHERE batch = ${batch} AND shard = ${shard} AND state IN ('waiting', 'running')`,
          (rows) => rows.length === 0
        )
      ).pipe(operation("store the progress")),
    end: ({ batch, shard }, { counts, failed, failures, state }, nowMillis) =>
      sql`
        UPDATE halyard_shard SET ${sql.update({
          ...columnsOf(counts),
          state,
          failures: JSON.stringify(failures),
          failed_requests: failed,
          ended_millis: nowMillis
        })}
        WHERE batch = ${batch} AND shard = ${shard} AND state IN ('waiting', 'running')`.pipe(
        Effect.asVoid,
        operation("store the result")
      ),
    release: (attempt, counts) => release(attempt, counts).pipe(operation("release a shard")),
    revoke: (batch, shard, claim) =>
      Effect.gen(function* () {
        const [row] = yield* sql<{ readonly attempts: unknown }>`
          SELECT s.attempts FROM halyard_shard s
          WHERE s.batch = ${batch} AND s.shard = ${shard} AND s.runner = ${claim} AND s.state = 'running' ${lockRow}`
        if (row !== undefined) {
          yield* release({ batch, shard, attempt: toNumber(row.attempts) }, emptyCounts)
        }
      }).pipe(sql.withTransaction, operation("release a shard")),
    died: ({ batch, shard }, detail) =>
      sql`UPDATE halyard_shard SET detail = ${detail} WHERE batch = ${batch} AND shard = ${shard}`.pipe(
        Effect.asVoid,
        operation("store a defect")
      ),
    abandon: ({ batch, shard }, detail, nowMillis) =>
      sql`
        UPDATE halyard_shard SET ${sql.update({ ...withoutFailed, detail, state: "abandoned", ended_millis: nowMillis })}, failed = files
        WHERE batch = ${batch} AND shard = ${shard} AND state IN ('waiting', 'running')`.pipe(
        Effect.asVoid,
        operation("abandon a shard")
      ),
    ended: (batch, shards) =>
      Effect.map(
        sql<{ readonly shard: unknown }>`
          SELECT shard FROM halyard_shard
          WHERE batch = ${batch} AND state IN ('waiting', 'running') AND ${sql.in("shard", shards)}`,
        (rows) => {
          const active = new Set(rows.map(({ shard }) => toNumber(shard)))
          return shards.filter((shard) => !active.has(shard))
        }
      ).pipe(operation("find ended shards")),
    cancelled: (batches) =>
      Effect.map(
        sql<{ readonly id: string }>`
          SELECT id FROM halyard_batch WHERE ${sql.in("id", batches)} AND is_cancelled = 0`,
        (rows) => {
          const active = new Set(rows.map(({ id }) => id))
          return batches.filter((id) => !active.has(id))
        }
      ).pipe(operation("find cancelled batches")),
    cancelWaiting: (batch, nowMillis) =>
      sql`
        UPDATE halyard_shard SET ${cancelWaiting(nowMillis)}
        WHERE batch = ${batch} AND state = 'waiting'
        AND EXISTS (SELECT 1 FROM halyard_batch WHERE id = ${batch} AND is_cancelled = 1)`.pipe(
        Effect.asVoid,
        operation("cancel the shards")
      ),
    endBatch: (batch, nowMillis) =>
      Effect.zipRight(
        sql`
          UPDATE halyard_batch SET ended_millis = ${nowMillis}
          WHERE id = ${batch} AND ended_millis IS NULL
          AND NOT EXISTS (SELECT 1 FROM halyard_shard WHERE batch = ${batch} AND state IN ('waiting', 'running'))`,
        Effect.map(
          sql`SELECT id FROM halyard_batch WHERE id = ${batch} AND ended_millis IS NULL`,
          (rows) => rows.length === 0
        )
      ).pipe(operation("end a batch")),
    closeShard: ({ id, manifest }, shard) =>
      sql`
        UPDATE halyard_shard SET is_closed = 1 WHERE batch = ${id} AND shard = ${shard}
        AND EXISTS (SELECT 1 FROM halyard_batch WHERE id = ${id} AND manifest = ${manifest})`.pipe(
        Effect.asVoid,
        operation("close a shard")
      ),
    close: ({ id, manifest }) =>
      sql`UPDATE halyard_batch SET is_closed = 1 WHERE id = ${id} AND manifest = ${manifest}`.pipe(
        Effect.asVoid,
        operation("close a batch")
      )
  }
}

const ended: Beginning = { _tag: "Ended" }

interface ShardColumns {
  readonly state: string
  readonly attempts: unknown
  readonly unended: unknown
  readonly files: unknown
  readonly runner: string | null
  readonly last_attempts: string
  readonly is_cancelled: unknown
  readonly settings: string
  readonly manifest: string
}

type ReleasedColumns = Pick<ShardColumns, "state" | "attempts" | "unended" | "last_attempts">

interface SliceColumns {
  readonly files: unknown
  readonly first_index: unknown
  readonly content: string
}

const columnsOf = (counts: Counts) => ({
  saved: counts.saved,
  skipped: counts.skipped,
  not_modified: counts.notModified,
  failed: counts.failed,
  cancelled: counts.cancelled,
  not_found: counts.notFound,
  found_saved: counts.foundSaved,
  bytes: counts.bytes
})

/** The counts of a shard that is abandoned, without the number of its files. */
const { failed: _, ...withoutFailed } = columnsOf(emptyCounts)

const decodeSettings = Schema.decodeSync(Schema.parseJson(Settings))
