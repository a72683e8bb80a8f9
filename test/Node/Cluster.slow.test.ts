/**
 * Batches in a real database, with runners in this process. The test of the program has runners that are killed.
 */
import { createServer } from "node:net"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { OriginGovernor } from "halyard"
import { Batches, ShardRun } from "halyard/cluster"
import * as Cluster from "halyard/Node/Cluster"
import { requests, saved } from "../cluster/world.js"
import { until, within } from "../support/poll.js"
import { temporaryDirectory } from "../support/program/program.js"
import * as Postgres from "../support/servers/postgres.js"
import { freePort } from "../support/servers/serverProcess.js"

/** A run of shards that records the shards which it has begun, and saves files when `gate` is open. */
const recorded = () => {
  const begun: Array<string> = []
  const gate = Effect.unsafeMakeLatch(true)
  let running = 0
  const run: (typeof ShardRun.ShardRun.Service)["run"] = ({ batch, shard }, requested) =>
    Stream.unwrapScoped(
      Effect.as(
        Effect.acquireRelease(
          Effect.sync(() => {
            begun.push(`${batch}/${shard}`)
            running++
          }),
          () => Effect.sync(() => running--)
        ),
        Stream.mapEffect(requested, (request) => gate.whenOpen(Effect.succeed(saved(request))))
      )
    )
  return { begun, gate, running: () => running, layer: Layer.succeed(ShardRun.ShardRun, { run }) }
}

const quiet = Logger.minimumLogLevel(LogLevel.None)

/** Starts a runner. Its scope ends with that of the test, or before. */
const startRunner = (database: string, { layer }: { readonly layer: Layer.Layer<ShardRun.ShardRun> }) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const runner = Cluster.layerRunner({ database, host: "127.0.0.1", port: yield* freePort, drain: "1 second" })
    yield* Layer.buildWithScope(runner.pipe(Layer.provide(layer), Layer.provide(quiet)), scope)
    return { stop: Scope.close(scope, Exit.void) }
  })

const ended = (id: string) =>
  Effect.flatMap(Batches.Batches, (batches) =>
    batches.status(id).pipe(
      Effect.delay("100 millis"),
      Effect.repeat({ until: ({ state }) => state === "ended" || state === "cancelled" }),
      within(`end of the batch ${id}`, () => "")
    )
  )

const submit = (id: string, shards: number) =>
  Effect.flatMap(Batches.Batches, (batches) => batches.submit({ id, requests: requests(shards * 5), shardSize: 5 }))

const awaitTrue = (what: string, condition: () => boolean) =>
  until(
    what,
    () => condition() || undefined,
    () => ""
  )

Postgres.withPostgres("three runners that start at once carry out a batch", () =>
  Effect.gen(function* () {
    const database = yield* (yield* Postgres.start).database
    const runs = [recorded(), recorded(), recorded()]
    yield* Effect.forEach(runs, (run) => startRunner(database, run), { concurrency: 3 })
    yield* Effect.gen(function* () {
      yield* submit("a", 60)
      assert.deepInclude(yield* submit("a", 60), { isNew: false })
      const status = yield* ended("a")
      assert.deepInclude(status.files, { saved: 300, total: 300 })
      assert.deepInclude(status.shards, { done: 60 })
      assert.strictEqual(status.attempts, runs.flatMap(({ begun }) => begun).length)
      assert.isTrue(runs.every(({ begun }) => begun.length > 0))
      assert.strictEqual((yield* (yield* Batches.Batches).report("a")).exitCode, 0)
    }).pipe(Effect.provide(Cluster.layerClient({ database })))
  })
)

Postgres.withPostgres("a runner that stops gives its shards to another one, and counts no lost attempt", () =>
  Effect.gen(function* () {
    const database = yield* (yield* Postgres.start).database
    const [first, second] = [recorded(), recorded()]
    first.gate.unsafeClose()
    const runner = yield* startRunner(database, first)
    yield* Effect.gen(function* () {
      yield* submit("a", 12)
      yield* awaitTrue("four shards", () => first.running() === 4)
      yield* runner.stop
      assert.strictEqual(first.running(), 0)
      assert.deepInclude((yield* (yield* Batches.Batches).status("a")).shards, { waiting: 12 })
      yield* startRunner(database, second)
      const status = yield* ended("a")
      assert.deepInclude(status, { attempts: 16 })
      assert.deepInclude(status.files, { saved: 60 })
      assert.strictEqual(second.begun.length, 12)
    }).pipe(Effect.provide(Cluster.layerClient({ database })))
  })
)

Postgres.withPostgres("another client cancels the shards of all runners", () =>
  Effect.gen(function* () {
    const database = yield* (yield* Postgres.start).database
    const runs = [recorded(), recorded()]
    yield* Effect.forEach(runs, (run) => {
      run.gate.unsafeClose()
      return startRunner(database, run)
    })
    yield* submit("a", 60).pipe(Effect.provide(Cluster.layerClient({ database })))
    yield* awaitTrue("shards on both runners", () => runs.every(({ running }) => running() === 4))
    yield* Effect.gen(function* () {
      yield* (yield* Batches.Batches).cancel("a")
      const status = yield* ended("a")
      assert.deepInclude(status, { state: "cancelled", attempts: 8 })
      assert.deepInclude(status.files, { cancelled: 300, total: 300 })
      assert.deepStrictEqual(
        runs.map(({ running }) => running()),
        [0, 0]
      )
    }).pipe(Effect.provide(Cluster.layerClient({ database })))
  })
)

Postgres.withPostgres("a result waits until the database is back", () =>
  Effect.gen(function* () {
    const server = yield* Postgres.start
    const database = yield* server.database
    const run = recorded()
    run.gate.unsafeClose()
    yield* startRunner(database, run)
    yield* Effect.gen(function* () {
      const batches = yield* Batches.Batches
      yield* submit("a", 8)
      yield* awaitTrue("four shards", () => run.running() === 4)
      yield* server.kill
      assert.deepInclude(yield* Effect.flip(submit("b", 1)), { _tag: "BatchStorageError" })
      assert.deepInclude(yield* Effect.flip(batches.status("a")), { _tag: "BatchStorageError" })
      run.gate.unsafeOpen()
      yield* awaitTrue("end of four shards", () => run.running() === 0)
      yield* server.start
      const status = yield* ended("a")
      assert.deepInclude(status.files, { saved: 40, total: 40 })
      assert.deepInclude(status.shards, { done: 8 })
      assert.deepInclude(status, { attempts: 8 })
    }).pipe(Effect.provide(Cluster.layerClient({ database })))
  })
)

Postgres.withPostgres("two runners share the permits of an origin, and a pause", () =>
  Effect.gen(function* () {
    const database = yield* (yield* Postgres.start).database
    const origin = "http://origin.test"
    const [a, b] = yield* Effect.all(
      [1, 2].map((port) =>
        Effect.map(
          Layer.build(Cluster.layerGovernor({ database, host: "127.0.0.1", port, perOrigin: 8 })),
          Context.get(OriginGovernor.OriginGovernor)
        )
      ),
      { concurrency: 2 }
    )
    assert.isDefined(a)
    assert.isDefined(b)
    yield* b.report(origin, { signal: "neutral", beganAtMillis: 0 })
    yield* awaitTrue("share of 4", () => b.inUse(origin).limit === 4)
    yield* a.report(origin, { signal: "overload", beganAtMillis: 0, pauseMillis: 60_000 })
    yield* awaitTrue("pause", () => b.inUse(origin).obstacle === "pause")
    assert.isAbove(b.inUse(origin).pauseMillis, 30_000)
  })
)

it.scopedLive("without a database, a client and a runner fail with a typed error", () =>
  Effect.gen(function* () {
    const port = yield* freePort
    for (const database of [`postgres://nobody:secret@127.0.0.1:${port}/none`, "mysql://localhost/none"]) {
      const client = Layer.build(Cluster.layerClient({ database }))
      const runner = Layer.build(
        Layer.provide(Cluster.layerRunner({ database, host: "127.0.0.1", port: yield* freePort }), recorded().layer)
      )
      for (const failed of [client, runner]) {
        const error = yield* Effect.flip(failed)
        assert.strictEqual(error._tag, "BatchStorageError")
        assert.notInclude(JSON.stringify(error), "secret")
      }
    }
  })
)

it.scopedLive("one process continues the batches of an SQLite file", () =>
  Effect.gen(function* () {
    const database = `file:${yield* temporaryDirectory}/batches.db`
    const [first, second] = [recorded(), recorded()]
    first.gate.unsafeClose()
    const runner = yield* startRunner(database, first)
    yield* Effect.gen(function* () {
      yield* submit("a", 12)
      yield* awaitTrue("four shards", () => first.running() === 4)
    }).pipe(Effect.provide(Cluster.layerClient({ database })))
    yield* runner.stop
    yield* startRunner(database, second)
    yield* Effect.gen(function* () {
      const status = yield* ended("a")
      assert.deepInclude(status, { attempts: 16 })
      assert.deepInclude(status.files, { saved: 60 })
    }).pipe(Effect.provide(Cluster.layerClient({ database })))
  })
)

it.scopedLive("a client that is interrupted while it connects closes its connection at once", () =>
  Effect.gen(function* () {
    let sockets = 0
    const server = createServer((socket) => {
      sockets++
      socket
        .on("error", () => {})
        .on("close", () => sockets--)
        .resume()
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => server.close())
    )
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : assert.fail("no port")
    const database = `postgres://halyard@127.0.0.1:${port}/halyard`
    const opening = yield* Effect.fork(Effect.scoped(Layer.build(Cluster.layerClient({ database }))))
    yield* awaitTrue("connection", () => sockets > 0)
    const [elapsed, exit] = yield* Effect.timed(Fiber.interrupt(opening))
    assert.isTrue(Exit.isInterrupted(exit))
    // Otherwise it ends with its time limit of 30 seconds.
    assert.isBelow(Duration.toSeconds(elapsed), 25)
    yield* awaitTrue("end of the connection", () => sockets === 0)
  })
)
