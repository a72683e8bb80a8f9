/**
 * The batches of the command line. Their engine and the driver of PostgreSQL are part of `batches.cjs` only, the file of the program
 * that the commands about batches and the processes for shards load. The driver of SQLite has machine code, and is a package of its own.
 */
import { createRequire } from "node:module"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type Host, RunnerError, type RunnerOptions } from "../../Cli/Host.js"
import { listenProblem } from "../../Cli/Serve/listenProblem.js"
import type { Batches } from "../../cluster/Batches.js"
import type { BatchStorageError } from "../../cluster/errors.js"
import type { ShardRun } from "../../cluster/ShardRun.js"
import { layerMemory } from "../../cluster.js"
import * as OriginGovernor from "../../OriginGovernor.js"
import * as TarStore from "../../Store/Tar.js"
import { Store } from "../../Store.js"
import * as Cluster from "../Cluster.js"

// `pg` warns if a connection is given a query before the last one has ended. `@effect/cluster` does that, and a user cannot change it.
process.noDeprecation = true

export const client: (typeof Host.Service)["batches"] = (database) =>
  Layer.unwrapEffect(Effect.map(driverOf(database), () => Cluster.layerClient({ database })))

export const runner = ({
  database,
  listen,
  ...options
}: RunnerOptions): Layer.Layer<Batches, BatchStorageError | RunnerError, ShardRun> =>
  database === undefined
    ? layerMemory(options)
    : Layer.unwrapEffect(
        Effect.map(driverOf(database), () =>
          Cluster.layerRunner({ ...options, database, listenHost: listen }).pipe(
            Layer.catchAll((error) =>
              Layer.fail(
                error._tag === "SocketServerError"
                  ? new RunnerError({
                      message: `cannot listen on ${listen ?? options.host}:${options.port}: ${listenProblem(error.cause)}`
                    })
                  : error
              )
            )
          )
        )
      )

export const fleetGovernor: (typeof Host.Service)["fleetGovernor"] = ({ database, host, port }, limits) =>
  isFile(database) ? OriginGovernor.layer(limits) : Cluster.layerGovernor({ ...limits, database, host, port })

export const tarStore: (typeof Host.Service)["tarStore"] = (options) =>
  Effect.map(Layer.build(TarStore.layer(options)), (context) => ({
    store: Context.get(context, Store),
    finish: Context.get(context, TarStore.TarFiles).finish
  }))

const isFile = (database: Redacted.Redacted): boolean => Redacted.value(database).startsWith("file:")

/** Finds the package that an SQLite file needs, before anything is opened. */
const driverOf = (database: Redacted.Redacted): Effect.Effect<void, RunnerError> =>
  isFile(database)
    ? Effect.try({
        try: () => void createRequire(import.meta.url).resolve("@libsql/client"),
        catch: () =>
          new RunnerError({
            message:
              "an SQLite file needs the package @libsql/client: type 'npm install @libsql/client' as you have installed halyard (with --global, if it is global)"
          })
      })
    : Effect.void
