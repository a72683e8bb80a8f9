/**
 * Batches on Node: a client of their database, and a runner. PostgreSQL is for any number of runners, an SQLite file for one.
 *
 * Needs the packages `@effect/cluster`, `@effect/rpc`, `@effect/sql` and `@effect/experimental`, and `@effect/sql-pg` or
 * `@effect/sql-libsql`. No environment variable is read.
 *
 * @since 0.2.0
 */
import { Socket } from "node:net"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SocketRunner from "@effect/cluster/SocketRunner"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import type { SocketServerError } from "@effect/platform/SocketServer"
import { layerClientProtocol, layerSocketServer } from "@effect/platform-node/NodeClusterSocket"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Engine from "../cluster/engine.js"
import { storageError } from "../cluster/errors.js"
import * as SqlRows from "../cluster/sql/sqlRows.js"
import { locked } from "../cluster/sql/sqlSchema.js"
import { Batches, BatchStorageError, FleetGovernor, Runner, type ShardRun } from "../cluster.js"
import type { OriginGovernor } from "../OriginGovernor.js"

/**
 * Options of a client and of a runner.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** `postgres://user:password@host:port/name` or `postgresql://…`, or `file:` and the path of an SQLite file. */
  readonly database: string | Redacted.Redacted
}

/**
 * Options of a runner.
 *
 * @category models
 * @since 0.2.0
 */
export interface RunnerOptions extends Options, Omit<Runner.Options, "name"> {
  /** The name or address under which the other runners reach this one. Not used with an SQLite file. */
  readonly host: string
  /** The port for messages between runners. They are not authenticated: only runners should reach it. */
  readonly port: number
  /** The address on which the runner listens. Default: `host`. */
  readonly listenHost?: string | undefined
}

/**
 * Submits batches, and shows what became of them. Needs the database, and no runner.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerClient = (options: Options): Layer.Layer<Batches.Batches, BatchStorageError> =>
  Batches.layer.pipe(Layer.provide(SqlRows.layer), Layer.provide(layerDatabase(options)))

/**
 * Carries out the batches of a database until the layer closes, with the other runners of the database. With an SQLite file, there is no
 * other runner, and this one opens no socket.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerRunner = (
  options: RunnerOptions
): Layer.Layer<Batches.Batches, BatchStorageError | SocketServerError, ShardRun.ShardRun> => {
  const name = `${options.host}:${options.port}`
  return Layer.merge(Batches.layer, Runner.layer({ ...options, name })).pipe(
    Layer.provide(isFile(options) ? layerOneProcess : layerFleet(options)),
    Layer.provide(SqlRows.layer),
    Layer.provide(layerDatabase(options))
  )
}

/**
 * A governor whose limits of an origin are those of all runners of the database together. Provide it to the downloader of a runner.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerGovernor = (
  options: Options & Omit<FleetGovernor.Options, "name"> & { readonly host: string; readonly port: number }
): Layer.Layer<OriginGovernor, BatchStorageError> =>
  FleetGovernor.layer({ ...options, name: `${options.host}:${options.port}` }).pipe(
    Layer.provide(SqlRows.layer),
    Layer.provide(layerDatabase(options, governorConnections))
  )

const layerFleet = ({ host, listenHost = host, port }: RunnerOptions) =>
  SocketRunner.layer.pipe(
    Layer.provide([layerSocketServer, layerHealth]),
    Layer.provide(layerClientProtocol),
    Layer.provideMerge(layerStorage),
    Layer.provide(
      ShardingConfig.layer({
        ...Engine.settings,
        runnerAddress: Option.some(RunnerAddress.make(host, port)),
        runnerListenAddress: Option.some(RunnerAddress.make(listenHost, port))
      })
    ),
    Layer.provide(RpcSerialization.layerMsgPack)
  )

const layerHealth = RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc))

// The engine makes its tables without a lock.
const layerStorage = Layer.scopedContext(
  locked(Layer.build(Layer.merge(SqlMessageStorage.layer, SqlRunnerStorage.layer))).pipe(
    Effect.catchTag("SqlError", (error) => Effect.fail(storageError("make the tables")(error)))
  )
)

const layerOneProcess = Engine.layerOneProcess.pipe(
  Layer.provideMerge(Layer.mapError(SqlMessageStorage.layer, storageError("make the tables"))),
  Layer.provide(ShardingConfig.layer(Engine.settings))
)

const urlOf = ({ database }: Options): string => (Redacted.isRedacted(database) ? Redacted.value(database) : database)

const isFile = (options: Options): boolean => urlOf(options).startsWith("file:")

const layerDatabase = (options: Options, maxConnections = connections): Layer.Layer<SqlClient, BatchStorageError> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const url = urlOf(options)
      if (isFile(options)) {
        const { layer } = yield* load("@effect/sql-libsql", () => import("@effect/sql-libsql/LibsqlClient"))
        return layer({ url, intMode: "bigint" })
      }
      if (!/^postgres(ql)?:\/\//.test(url)) {
        return yield* new BatchStorageError({
          operation: "open the database",
          detail: "its URL begins with neither postgres:// nor file:"
        })
      }
      const { layer } = yield* load("@effect/sql-pg", () => import("@effect/sql-pg/PgClient"))
      return Layer.mapError(
        withSockets((stream) =>
          layer({ url: Redacted.make(url), maxConnections, connectTimeout, stream, applicationName: "halyard" })
        ),
        storageError("open the database")
      )
    })
  )

// The client library cannot be interrupted while it connects. Closing its sockets ends that at once.
const withSockets = <A, E>(layerOf: (stream: () => Socket) => Layer.Layer<A, E>): Layer.Layer<A, E> =>
  Layer.scopedContext(
    Effect.uninterruptibleMask((restore) => {
      const sockets = new Set<Socket>()
      let isInterrupted = false
      const layer = layerOf(() => {
        const socket = new Socket()
        sockets.add(socket)
        if (isInterrupted) {
          // The library connects it before.
          process.nextTick(() => socket.destroy())
        }
        return socket.once("close", () => sockets.delete(socket))
      })
      return Effect.flatMap(Effect.fork(restore(Layer.build(layer))), (opening) =>
        Effect.onInterrupt(restore(Fiber.join(opening)), () => {
          isInterrupted = true
          for (const socket of sockets) {
            socket.destroy()
          }
          return Fiber.interrupt(opening)
        })
      )
    })
  )

const load = <A>(name: string, load: () => Promise<A>): Effect.Effect<A, BatchStorageError> =>
  Effect.tryPromise({
    try: load,
    catch: () =>
      new BatchStorageError({ operation: "open the database", detail: `the package ${name} cannot be loaded` })
  })

/** Also limits the wait for a free connection of the pool. The 5 seconds of the client library are too short for a busy server. */
const connectTimeout = "30 seconds"

/** One of them is kept by the engine for its locks. */
const connections = 10

/** A governor has two loops with one statement at a time each. */
const governorConnections = 2
