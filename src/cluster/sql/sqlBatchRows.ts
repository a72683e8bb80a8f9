/**
 * The statements of `BatchRows`.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type * as Statement from "@effect/sql/Statement"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type BegunShard, Failures, Settings } from "../models.js"
import * as LastAttempts from "../rows/lastAttempts.js"
import { type BatchRow, type BatchRows, type BatchSums, missingSlices } from "../rows/rows.js"
import { abandonedOf, addFailures } from "../sums.js"
import { operation, toNumber, toOptionalNumber } from "./sqlStatement.js"

export const batchRows = (sql: SqlClient.SqlClient): typeof BatchRows.Service => {
  const select = (id: string) =>
    Effect.map(sql<BatchColumns>`SELECT * FROM halyard_batch WHERE id = ${id}`, ([row]) =>
      Option.map(Option.fromNullable(row), batchOf)
    )

  const insert = (batch: BatchRow) =>
    Effect.gen(function* () {
      const inserted = yield* sql`
        INSERT INTO halyard_batch ${sql.insert({
          id: batch.id,
          manifest: batch.manifest,
          digest: batch.digest,
          shards: batch.shards,
          files: batch.files,
          settings: JSON.stringify(batch.settings),
          submitted_millis: batch.submittedMillis
        })}
        ON CONFLICT (id) DO NOTHING RETURNING id`
      if (inserted.length === 0) {
        return Option.getOrElse(yield* select(batch.id), () => batch)
      }
      yield* sql`
        INSERT INTO halyard_shard (batch, shard, files)
        SELECT ${batch.id}, shard, files FROM halyard_slice WHERE manifest = ${batch.manifest}`
      const [made] = yield* sql<{ readonly count: unknown }>`
        SELECT COUNT(*) AS count FROM halyard_shard WHERE batch = ${batch.id}`
      if (toNumber(made?.count) !== batch.shards) {
        return yield* new SqlError({ cause: undefined, message: missingSlices })
      }
      return batch
    }).pipe(sql.withTransaction)

  /** The sums of the batches that a query finds, the last one submitted first. */
  const sums = (batches: Statement.Fragment) => sql<SumColumns>`
    SELECT b.id, b.submitted_millis, b.ended_millis, b.is_cancelled, b.files AS total, MIN(s.began_millis) AS started_millis,
      SUM(CASE WHEN s.state = 'waiting' THEN 1 ELSE 0 END) AS waiting,
      SUM(CASE WHEN s.state = 'running' THEN 1 ELSE 0 END) AS running,
      SUM(CASE WHEN s.state = 'done' THEN 1 ELSE 0 END) AS done,
      SUM(CASE WHEN s.state = 'abandoned' THEN 1 ELSE 0 END) AS abandoned,
      SUM(CASE WHEN s.state = 'cancelled' THEN 1 ELSE 0 END) AS cancelled_shards,
      SUM(s.attempts) AS attempts, SUM(s.saved) AS saved, SUM(s.skipped) AS skipped,
      SUM(s.not_modified) AS not_modified, SUM(s.failed) AS failed, SUM(s.cancelled) AS cancelled,
      SUM(s.not_found) AS not_found, SUM(s.found_saved) AS found_saved, SUM(s.bytes) AS bytes
    FROM (${batches}) b LEFT JOIN halyard_shard s ON s.batch = b.id
    GROUP BY b.id, b.submitted_millis, b.ended_millis, b.is_cancelled, b.files
    ORDER BY b.submitted_millis DESC, b.id`

  // The slices of submissions that were killed.
  const dropForgotten = (nowMillis: number) => sql`
    DELETE FROM halyard_slice WHERE created_millis < ${nowMillis - forgottenMillis}
    AND manifest NOT IN (SELECT manifest FROM halyard_batch)`

  return {
    addSlice: (manifest, { content, files, firstIndex, shard }, nowMillis) =>
      sql`INSERT INTO halyard_slice ${sql.insert({
        manifest,
        shard,
        files,
        first_index: firstIndex,
        content,
        created_millis: nowMillis
      })}`.pipe(Effect.asVoid, operation("store the requests")),
    dropSlices: (manifest) =>
      sql`DELETE FROM halyard_slice WHERE manifest = ${manifest}`.pipe(Effect.asVoid, operation("remove requests")),
    find: (id) => select(id).pipe(operation("find a batch")),
    insert: (batch) =>
      Effect.zipLeft(insert(batch), Effect.ignore(dropForgotten(batch.submittedMillis))).pipe(
        operation("store a batch")
      ),
    sums: (id) =>
      Effect.map(sums(sql`SELECT * FROM halyard_batch WHERE id = ${id}`), ([row]) =>
        Option.map(Option.fromNullable(row), sumsOf)
      ).pipe(operation("read the status")),
    newest: (limit) =>
      Effect.map(sums(sql`SELECT * FROM halyard_batch ORDER BY submitted_millis DESC, id LIMIT ${limit}`), (rows) =>
        rows.map((row) => ({ id: row.id, ...sumsOf(row) }))
      ).pipe(operation("list the batches")),
    reportParts: (id) =>
      Effect.gen(function* () {
        const failures = yield* sql<{ readonly failures: string; readonly count: unknown }>`
          SELECT failures, COUNT(*) AS count FROM halyard_shard WHERE batch = ${id} AND failures <> '{}' GROUP BY failures`
        const abandoned = yield* sql<AbandonedColumns>`
          SELECT shard, files, attempts, detail FROM halyard_shard
          WHERE batch = ${id} AND state = 'abandoned' ORDER BY shard`
        return {
          failures: failures.reduce(
            (sum, row) => addFailures(sum, decodeFailures(row.failures), toNumber(row.count)),
            {}
          ),
          abandoned: abandoned.map(({ attempts, detail, files, shard }) =>
            abandonedOf({ shard: toNumber(shard), files: toNumber(files), attempts: toNumber(attempts), detail })
          )
        }
      }).pipe(operation("read the report")),
    failed: (id) =>
      Stream.paginateChunkEffect(-1, (after) =>
        Effect.map(
          sql<{ readonly shard: unknown; readonly failed_requests: string }>`
            SELECT shard, failed_requests FROM halyard_shard
            WHERE batch = ${id} AND shard > ${after} AND failed_requests <> '[]' ORDER BY shard LIMIT ${pageSize}`,
          (rows) =>
            [
              Chunk.fromIterable(rows.map((row) => row.failed_requests)),
              Option.map(Option.fromNullable(rows.at(-1)), ({ shard }) => toNumber(shard))
            ] as const
        ).pipe(operation("read the failed requests"))
      ),
    begunShards: (id) =>
      Stream.paginateChunkEffect(-1, (after) =>
        Effect.map(
          sql<BegunColumns>`
            SELECT shard, state, files, attempts, last_attempts, ended_millis, detail,
              saved, skipped, not_modified, failed, cancelled, bytes FROM halyard_shard
            WHERE batch = ${id} AND shard > ${after} AND attempts > 0 ORDER BY shard LIMIT ${begunPageSize}`,
          (rows) =>
            [
              Chunk.fromIterable(rows.map(begunOf)),
              Option.map(Option.fromNullable(rows.at(-1)), ({ shard }) => toNumber(shard))
            ] as const
        ).pipe(operation("read the shards"))
      ),
    cancel: (id) =>
      sql`UPDATE halyard_batch SET is_cancelled = 1 WHERE id = ${id} AND ended_millis IS NULL`.pipe(
        Effect.asVoid,
        operation("cancel a batch")
      ),
    remove: (id) =>
      Effect.all(
        [
          sql`DELETE FROM halyard_slice WHERE manifest IN (SELECT manifest FROM halyard_batch WHERE id = ${id})`,
          sql`DELETE FROM halyard_shard WHERE batch = ${id}`,
          sql`DELETE FROM halyard_batch WHERE id = ${id}`
        ],
        { discard: true }
      ).pipe(sql.withTransaction, operation("remove a batch"))
  }
}

interface BatchColumns {
  readonly id: string
  readonly manifest: string
  readonly digest: string
  readonly shards: unknown
  readonly files: unknown
  readonly settings: string
  readonly submitted_millis: unknown
}

interface AbandonedColumns {
  readonly shard: unknown
  readonly files: unknown
  readonly attempts: unknown
  readonly detail: string
}

interface BegunColumns
  extends Readonly<
    Record<
      | "shard"
      | "files"
      | "attempts"
      | "ended_millis"
      | "saved"
      | "skipped"
      | "not_modified"
      | "failed"
      | "cancelled"
      | "bytes",
      unknown
    >
  > {
  readonly state: BegunShard["state"]
  readonly last_attempts: string
  readonly detail: string
}

type SumColumns = { readonly id: string } & Readonly<
  Record<
    | "submitted_millis"
    | "started_millis"
    | "ended_millis"
    | "is_cancelled"
    | "total"
    | "waiting"
    | "running"
    | "done"
    | "abandoned"
    | "cancelled_shards"
    | "attempts"
    | "saved"
    | "skipped"
    | "not_modified"
    | "failed"
    | "cancelled"
    | "not_found"
    | "found_saved"
    | "bytes",
    unknown
  >
>

const batchOf = (row: BatchColumns): BatchRow => ({
  id: row.id,
  manifest: row.manifest,
  digest: row.digest,
  shards: toNumber(row.shards),
  files: toNumber(row.files),
  settings: decodeSettings(row.settings),
  submittedMillis: toNumber(row.submitted_millis)
})

const sumsOf = (row: SumColumns): BatchSums => ({
  isCancelled: toNumber(row.is_cancelled) === 1,
  submittedMillis: toNumber(row.submitted_millis),
  startedMillis: toOptionalNumber(row.started_millis),
  endedMillis: toOptionalNumber(row.ended_millis),
  shards: {
    waiting: toNumber(row.waiting),
    running: toNumber(row.running),
    done: toNumber(row.done),
    abandoned: toNumber(row.abandoned),
    cancelled: toNumber(row.cancelled_shards)
  },
  totalFiles: toNumber(row.total),
  counts: {
    saved: toNumber(row.saved),
    skipped: toNumber(row.skipped),
    notModified: toNumber(row.not_modified),
    failed: toNumber(row.failed),
    cancelled: toNumber(row.cancelled),
    notFound: toNumber(row.not_found),
    foundSaved: toNumber(row.found_saved),
    bytes: toNumber(row.bytes)
  },
  attempts: toNumber(row.attempts)
})

const begunOf = (row: BegunColumns): BegunShard => {
  const endedMillis = toOptionalNumber(row.ended_millis)
  return {
    shard: toNumber(row.shard),
    state: row.state,
    total: toNumber(row.files),
    files: {
      saved: toNumber(row.saved),
      skipped: toNumber(row.skipped),
      notModified: toNumber(row.not_modified),
      failed: toNumber(row.failed),
      cancelled: toNumber(row.cancelled)
    },
    bytes: toNumber(row.bytes),
    attempts: toNumber(row.attempts),
    lastAttempts: LastAttempts.decode(row.last_attempts),
    ...(endedMillis === undefined ? {} : { endedMillis }),
    detail: row.detail
  }
}

const decodeSettings = Schema.decodeSync(Schema.parseJson(Settings))

const decodeFailures = Schema.decodeSync(Schema.parseJson(Failures))

/** The shards whose failed requests are read at a time. */
const pageSize = 50

/** The shards that are read at a time without their failed requests. */
const begunPageSize = 1000

/** The age at which slices without a batch are removed: seven days. */
const forgottenMillis = 7 * 24 * 60 * 60 * 1000
