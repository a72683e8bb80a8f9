/**
 * The tables of batches, for PostgreSQL and SQLite.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { type BatchStorageError, storageError } from "../errors.js"

// A manifest belongs to a batch once the row of the batch names it, so slices are stored before there is a batch.
const slices = `
  CREATE TABLE IF NOT EXISTS halyard_slice (
    manifest TEXT NOT NULL,
    shard INTEGER NOT NULL,
    files INTEGER NOT NULL,
    first_index BIGINT NOT NULL,
    content TEXT NOT NULL,
    created_millis BIGINT NOT NULL,
    PRIMARY KEY (manifest, shard)
  )`

const batches = `
  CREATE TABLE IF NOT EXISTS halyard_batch (
    id TEXT NOT NULL PRIMARY KEY,
    manifest TEXT NOT NULL,
    digest TEXT NOT NULL,
    shards INTEGER NOT NULL,
    files BIGINT NOT NULL,
    settings TEXT NOT NULL,
    submitted_millis BIGINT NOT NULL,
    ended_millis BIGINT,
    is_cancelled INTEGER NOT NULL DEFAULT 0,
    is_closed INTEGER NOT NULL DEFAULT 0,
    last_sent INTEGER NOT NULL DEFAULT -1
  )`

const shards = `
  CREATE TABLE IF NOT EXISTS halyard_shard (
    batch TEXT NOT NULL,
    shard INTEGER NOT NULL,
    files INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0,
    unended INTEGER NOT NULL DEFAULT 0,
    runner TEXT,
    last_attempts TEXT NOT NULL DEFAULT '[]',
    began_millis BIGINT,
    ended_millis BIGINT,
    saved INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    not_modified INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    not_found INTEGER NOT NULL DEFAULT 0,
    found_saved INTEGER NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0,
    failures TEXT NOT NULL DEFAULT '{}',
    failed_requests TEXT NOT NULL DEFAULT '[]',
    detail TEXT NOT NULL DEFAULT '',
    is_closed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (batch, shard)
  )`

// The number names this lock among the advisory locks of the database.
const lockNumber = 7_204_119_001

const runners = `
  CREATE TABLE IF NOT EXISTS halyard_runner (
    name TEXT NOT NULL PRIMARY KEY,
    seen_millis BIGINT NOT NULL
  )`

const pauses = `
  CREATE TABLE IF NOT EXISTS halyard_pause (
    origin TEXT NOT NULL PRIMARY KEY,
    until_millis BIGINT NOT NULL
  )`

/**
 * Runs an effect while no other process of the fleet is making tables. PostgreSQL refuses one of two processes that make the same table
 * at the same time, also with IF NOT EXISTS. An SQLite file has one process.
 */
export const locked = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | BatchStorageError, R | SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.onDialectOrElse({
      pg: () =>
        Effect.acquireUseRelease(
          Scope.make(),
          (scope) => Effect.zipRight(Scope.extend(lock(sql), scope), effect),
          Scope.close
        ),
      orElse: () => effect
    })
  )

// The lock belongs to a transaction, so it ends with its connection.
const lock = Effect.fnUntraced(
  function* (sql: SqlClient.SqlClient) {
    const connection = yield* sql.reserve
    yield* connection.executeRaw("BEGIN", [])
    yield* Effect.addFinalizer(() => Effect.ignore(connection.executeRaw("COMMIT", [])))
    yield* connection.executeRaw("SELECT pg_advisory_xact_lock($1)", [lockNumber])
  },
  Effect.mapError(storageError("make the tables"))
)

/** Makes the tables that are missing. */
export const migrate: Effect.Effect<void, BatchStorageError, SqlClient.SqlClient> = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    Effect.forEach([slices, batches, shards, runners, pauses], (statement) => sql.unsafe(statement), {
      discard: true
    }).pipe(Effect.mapError(storageError("make the tables")))
)
