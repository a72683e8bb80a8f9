/**
 * The rows of batches in PostgreSQL or SQLite.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { BatchStorageError } from "../errors.js"
import { BatchRows, FleetRows, ShardRows } from "../rows/rows.js"
import { batchRows } from "./sqlBatchRows.js"
import { fleetRows } from "./sqlFleetRows.js"
import { locked, migrate } from "./sqlSchema.js"
import { shardRows } from "./sqlShardRows.js"

/** Makes the tables that are missing. Several processes may begin at the same time. */
export const layer: Layer.Layer<BatchRows | ShardRows | FleetRows, BatchStorageError, SqlClient.SqlClient> =
  Layer.effectContext(
    Effect.gen(function* () {
      yield* locked(migrate)
      const sql = (yield* SqlClient.SqlClient).withoutTransforms()
      return Context.make(BatchRows, batchRows(sql)).pipe(
        Context.add(ShardRows, shardRows(sql)),
        Context.add(FleetRows, fleetRows(sql))
      )
    })
  )
