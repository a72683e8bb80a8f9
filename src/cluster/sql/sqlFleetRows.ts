/**
 * The statements of `FleetRows`.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { absentMillis, type FleetRows, turnMillis } from "../rows/rows.js"
import { operation, toNumber } from "./sqlStatement.js"

export const fleetRows = (sql: SqlClient.SqlClient): typeof FleetRows.Service => {
  const now = sql.onDialectOrElse({
    pg: () => sql.literal("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
    orElse: () => sql.literal("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")
  })
  return {
    beat: (runner) =>
      Effect.gen(function* () {
        yield* sql`
          INSERT INTO halyard_runner (name, seen_millis) VALUES (${runner}, ${now})
          ON CONFLICT (name) DO UPDATE SET seen_millis = EXCLUDED.seen_millis`
        yield* sql`DELETE FROM halyard_runner WHERE seen_millis < ${now} - ${sql.literal(`${absentMillis}`)}`
        yield* sql`DELETE FROM halyard_pause WHERE until_millis < ${now}`
        const rows = yield* sql<{ readonly name: string; readonly now: unknown }>`
          SELECT name, ${now} AS now FROM halyard_runner`
        return {
          runners: rows.map(({ name }) => name).sort(),
          turn: Math.floor(toNumber(rows[0]?.now) / turnMillis)
        }
      }).pipe(operation("find the runners")),
    leave: (runner) =>
      sql`DELETE FROM halyard_runner WHERE name = ${runner}`.pipe(Effect.asVoid, operation("leave the runners")),
    pause: (origin, millis) =>
      sql`
        INSERT INTO halyard_pause (origin, until_millis) VALUES (${origin}, ${now} + ${sql.literal(`${Math.ceil(millis)}`)})
        ON CONFLICT (origin) DO UPDATE SET until_millis = EXCLUDED.until_millis
        WHERE EXCLUDED.until_millis > halyard_pause.until_millis`.pipe(Effect.asVoid, operation("pause an origin")),
    pauses: Effect.map(
      sql<{ readonly origin: string; readonly millis: unknown }>`
        SELECT origin, until_millis - ${now} AS millis FROM halyard_pause WHERE until_millis > ${now}`,
      (rows) => rows.map(({ millis, origin }) => ({ origin, millis: toNumber(millis) }))
    ).pipe(operation("find paused origins"))
  }
}
