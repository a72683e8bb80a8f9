import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as MemoryRows from "../../../src/cluster/rows/memoryRows.js"
import * as SqlRows from "../../../src/cluster/sql/sqlRows.js"
import { temporaryDirectory } from "../../support/program/program.js"
import * as Postgres from "../../support/servers/postgres.js"
import { attemptCases } from "./attemptCases.js"
import { batchCases } from "./batchCases.js"

const libsql = Layer.unwrapScoped(
  Effect.map(temporaryDirectory, (directory) =>
    SqlRows.layer.pipe(Layer.provide(LibsqlClient.layer({ url: `file:${directory}/batches.db`, intMode: "bigint" })))
  )
)

const cases = [...attemptCases, ...batchCases]

for (const [name, backend] of [
  ["memory", MemoryRows.layer],
  ["SQLite", libsql]
] as const) {
  describe(`rows in ${name}`, () => {
    for (const [title, test] of cases) {
      it.scopedLive(title, () => Effect.provide(test, backend))
    }
  })
}

describe("rows in PostgreSQL", () => {
  const scope = Effect.runSync(Scope.make())
  let server: Postgres.Postgres | undefined
  const backend = Layer.unwrapEffect(
    Effect.map(
      Effect.suspend(() => server?.database ?? Effect.dieMessage("there is no server")),
      (url) => SqlRows.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 2 })))
    )
  )
  beforeAll(async () => {
    if (Postgres.isInstalled) {
      server = await Effect.runPromise(Scope.extend(Postgres.start, scope))
    }
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  for (const [title, test] of cases) {
    Postgres.withPostgres(title, () => Effect.provide(test, backend))
  }
})
