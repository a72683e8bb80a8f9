// Measures what a shard costs besides its downloads, with PostgreSQL of Debian: `node bench/scale.mjs`. docs/scale.md uses the figures.
import { readdirSync, readFileSync } from "node:fs"
import { Effect, Layer, Schedule, Stream } from "effect"
import { Batches, ShardRun } from "../dist/cluster.js"
import { Download, DownloadError } from "../dist/index.js"
import * as Cluster from "../dist/Node/Cluster.js"
import { freePort, startPostgres } from "./postgres.mjs"

const shards = Number(process.argv[2] ?? 200)
const shardSize = 1000

const { database, pid, query } = await startPostgres()

const sizeOf = (table) => Number(query(`SELECT pg_total_relation_size('${table}')`))
const statements = () => Number(query("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'"))
const walBytes = () => Number(query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))
const cpuSeconds = () => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1e6
}
/** The CPU time of the server and of its processes that have ended. */
const databaseSeconds = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/stat`, "latin1")
          .replace(/^.*\) /, "")
          .split(" ")
      } catch {
        return []
      }
    })
    .filter((fields) => Number(fields[2]) === pid || Number(fields[1]) === pid)
    .reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) / 100, 0)

// A URL of 90 characters, as in lists of pictures.
const urlOf = (index) =>
  `https://images-${index % 4999}.example.com/photos/2024/06/${((index * 2654435761) % 4294967296).toString(16).padStart(8, "0")}-${((index * 40503) % 65536).toString(36)}-1600x1200.jpg`

const requests = Stream.range(0, shards * shardSize - 1).pipe(
  Stream.map((index) =>
    Download.request({
      url: urlOf(index),
      destination: `out/${Math.floor(index / shardSize)}/${index}.jpg`,
      onExists: "skip"
    })
  )
)

/** Each request has its outcome at once. One of seven fails, as in old lists of pictures. */
const instantly = Layer.succeed(ShardRun.ShardRun, {
  run: (_, given) =>
    Stream.zipWithIndex(given).pipe(
      Stream.map(([request, index]) =>
        index % 7 === 0
          ? new Download.Failed({ request, error: missing(request.url) }, unvalidated)
          : new Download.Skipped({ request, destination: request.destination, reason: "exists" }, unvalidated)
      )
    )
})

const unvalidated = { disableValidation: true }

const missing = (url) => new DownloadError.HttpStatus({ url, status: 404 }, unvalidated)

const perShard = (value, digits = 1) => (value / shards).toFixed(digits)

const measured = Effect.gen(function* () {
  const client = yield* Layer.build(Cluster.layerClient({ database }))
  const begun = { cpu: cpuSeconds(), at: performance.now(), wal: walBytes() }
  yield* Effect.provide(
    Effect.flatMap(Batches.Batches, (batches) => batches.submit({ id: "scale", requests, shardSize })),
    client
  )
  const seconds = (performance.now() - begun.at) / 1000
  query("VACUUM ANALYZE")
  console.log(
    `submit: ${perShard((cpuSeconds() - begun.cpu) * 1000)} ms of CPU a shard, ${Math.round((shards * shardSize) / seconds)} requests a second, ${perShard((walBytes() - begun.wal) / 1024)} KiB of WAL a shard`
  )
  console.log(`manifest: ${perShard(sizeOf("halyard_slice") / 1024)} KiB a shard of ${shardSize} requests`)
  const before = {
    cpu: cpuSeconds(),
    database: databaseSeconds(),
    statements: statements(),
    wal: walBytes(),
    at: performance.now()
  }
  const runner = yield* Layer.build(
    Cluster.layerRunner({ database, host: "127.0.0.1", port: yield* Effect.promise(freePort) }).pipe(
      Layer.provide(instantly)
    )
  )
  const status = Effect.provide(
    Effect.flatMap(Batches.Batches, (batches) => batches.status("scale")),
    runner
  )
  yield* status.pipe(
    Effect.repeat(Schedule.spaced("2 seconds").pipe(Schedule.untilInput(({ state }) => state === "ended")))
  )
  const connections = query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'halyard'")
  const took = (performance.now() - before.at) / 1000
  console.log(
    `run: ${perShard((cpuSeconds() - before.cpu) * 1000)} ms of CPU of the runner a shard, ${perShard((databaseSeconds() - before.database) * 1000)} ms of the database, ${perShard(statements() - before.statements)} transactions, ${perShard((walBytes() - before.wal) / 1024)} KiB of WAL`
  )
  console.log(
    `rate: ${Math.round(shards / took)} shards a second, one runner; ${connections} connections of the client and the runner`
  )
  query("VACUUM ANALYZE")
  console.log(
    `rows: ${perShard(sizeOf("halyard_shard"), 0)} bytes a shard in halyard_shard; ${Number(query("SELECT count(*) FROM cluster_messages"))} messages and ${Number(query("SELECT count(*) FROM cluster_replies"))} replies left`
  )
  query(`INSERT INTO halyard_batch (id, manifest, digest, shards, files, settings, submitted_millis, ended_millis, is_closed)
    VALUES ('large', 'none', '', 1000000, 1000000000, '{}', 0, 1, 1)`)
  query(`INSERT INTO halyard_shard (batch, shard, files, state, attempts, saved, bytes)
    SELECT 'large', shard, 1000, 'done', 1, 1000, 100000000 FROM generate_series(0, 999999) AS shard`)
  query("VACUUM ANALYZE")
  for (const method of ["status", "report"]) {
    const at = performance.now()
    yield* Effect.provide(
      Effect.flatMap(Batches.Batches, (batches) => batches[method]("large")),
      client
    )
    console.log(`${method} of a batch of a million shards: ${((performance.now() - at) / 1000).toFixed(2)} s`)
  }
})

await Effect.runPromise(Effect.scoped(measured))
process.exit(0)
