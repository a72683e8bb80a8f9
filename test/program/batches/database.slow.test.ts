/**
 * The commands about batches on a database: an SQLite file, and PostgreSQL with two runners.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Cluster from "../../../src/Node/Cluster.js"
import { OriginGovernor } from "../../../src/OriginGovernor.js"
import { until } from "../../support/poll.js"
import { listOf } from "../../support/program/batches.js"
import { linesOf, reportOf } from "../../support/program/eventLines.js"
import { filesIn, halyard, run, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"
import { start as startPostgres, withPostgres } from "../../support/servers/postgres.js"
import { freePort } from "../../support/servers/serverProcess.js"

const origin = http((request, response) =>
  request.url === "/missing" ? response.writeHead(404).end() : response.end(`content of ${request.url}`)
)

/** Asks for the status until it is such. */
const awaitStatus = (id: string, env: Readonly<Record<string, string>>, pattern: RegExp) =>
  Effect.iterate("", {
    while: (status) => !pattern.test(status),
    body: () => Effect.map(run(["status", id], { env }), ({ stderr, stdout }) => stdout + stderr)
  })

const healthOf = (port: number) =>
  Effect.tryPromise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health`)
    return { status: response.status, body: await response.text() }
  })

describe("the commands about batches", () => {
  it.scopedLive("submit, show, carry out, report and cancel batches of an SQLite file", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const list = listOf(cwd, url, 20, ["missing"])
      const env = { HALYARD_DATABASE: `file:${join(cwd, "batches.db")}` }
      const line = ["submit", "-i", list, "-d", "files", "--shard-size", "5"]
      const submitted = yield* run([...line, "--id", "nightly"], { cwd, env })
      assert.deepStrictEqual([submitted.exitCode, submitted.stdout], [0, "nightly\n"], submitted.stderr)
      assert.match(submitted.stderr, /^submitted: 21 files in 5 shards$/m)
      const again = yield* run([...line, "--id", "nightly", "--json"], { cwd, env })
      assert.deepStrictEqual(JSON.parse(again.stdout), { id: "nightly", files: 21, shards: 5, isNew: false })
      const other = yield* run(["submit", `${url}/other`, "--id", "nightly"], { cwd, env })
      assert.deepStrictEqual([other.exitCode, other.stdout], [1, ""])
      assert.match(other.stderr, /^halyard submit: there is a batch nightly with other content; choose another id$/m)

      // Without a runner.
      const waiting = yield* run(["status", "nightly"], { env })
      assert.match(waiting.stdout, /^nightly: waiting; 0 of 21 files: 0 saved; 0 B; 0 of 5 shards done\n$/)
      const one = yield* run(["status"], { env })
      assert.match(
        one.stdout,
        /^nightly: waiting; 0 of 21 files done, 0 failed; submitted \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/
      )
      const early = yield* run(["report", "--batch", "nightly"], { env })
      assert.strictEqual(early.exitCode, 1)
      assert.match(early.stderr, /^the batch nightly has not ended: it is waiting$/m)
      const second = yield* run([...line, "--id", "second"], { cwd, env })
      assert.strictEqual(second.exitCode, 0)
      const cancelled = yield* run(["cancel", "second"], { env })
      assert.deepStrictEqual([cancelled.exitCode, cancelled.stderr], [0, ""])
      assert.match(cancelled.stdout, /^second: cancel/)

      const healthPort = yield* freePort
      const runner = yield* halyard(["runner", "--health-port", `${healthPort}`, "--drain", "4"], { cwd, env })
      yield* runner.awaitOutput(/^Running batches as 127\.0\.0\.1:7410$/m)
      const { body, status } = yield* healthOf(healthPort)
      assert.strictEqual(status, 200)
      assert.deepInclude(JSON.parse(body), { state: "running" })
      yield* awaitStatus("nightly", env, /^nightly: ended/)
      yield* awaitStatus("second", env, /^second: cancelled/)
      assert.strictEqual(filesIn(join(cwd, "files")).length, 20)
      const shown = yield* run(["status", "nightly", "--json"], { env })
      assert.deepInclude(JSON.parse(shown.stdout), { state: "ended", bytes: 270 })
      const all = yield* run(["status"], { env })
      assert.deepStrictEqual([all.exitCode, all.stderr], [0, ""])
      assert.match(
        all.stdout,
        /^second: cancelled; 21 of 21 files done, 0 failed; .*Z\nnightly: ended; 21 of 21 files done, 1 failed; .*Z\n$/
      )
      const listed = yield* run(["status", "--json"], { env })
      const [, last = ""] = listed.stdout.split("\n")
      assert.strictEqual(`${last}\n`, shown.stdout)

      const report = yield* run(["report", "--batch", "nightly", "--html", "run.html"], { cwd, env })
      assert.strictEqual(report.exitCode, 1)
      assert.match(report.stdout, /^http:.*\/missing: HTTP error 404 - Not Found\n20 saved, 1 failed; 270 B in /)
      const [, data = ""] =
        /<script type="application\/json" id="run">([^<]*)</.exec(readFileSync(join(cwd, "run.html"), "utf8")) ?? []
      const { counts, shards, transfers } = JSON.parse(data)
      assert.deepInclude(counts, { failed: 1, saved: 20, unfinished: 0 })
      assert.deepStrictEqual(transfers.file, [join(cwd, "files", "missing")])
      assert.deepInclude(shards, { batch: "nightly", state: "ended", total: 5, attempts: 5 })
      assert.deepStrictEqual(
        [shards.files, shards.failed],
        [
          [5, 5, 5, 5, 1],
          [0, 0, 0, 0, 1]
        ]
      )
      assert.strictEqual(shards.origins[0].origin, "127.0.0.1:7410")
      const lines = yield* run(["report", "--batch", "nightly", "--json"], { env })
      const [begin, failure] = linesOf(lines.stdout)
      assert.deepInclude(begin, { event: "Run", command: "get" })
      assert.deepInclude(failure, {
        event: "Finished",
        outcome: "Failed",
        index: 21,
        url: `${url}/missing`,
        file: join(cwd, "files", "missing")
      })
      assert.deepInclude(reportOf(lines.stdout), { saved: 20, failed: 1, bytes: 270 })
      yield* runner.signal("SIGTERM")
      assert.strictEqual((yield* runner.ended).exitCode, 143)
    })
  )

  it.scopedLive("say in one sentence what is missing, and exit with 1", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const database = `file:${join(cwd, "batches.db")}`
      const port = yield* freePort
      const noBatch = "there is no batch none: type 'halyard status' to see the ids"
      const empty = yield* run(["status", "--database", database])
      assert.deepStrictEqual([empty.exitCode, empty.stdout, empty.stderr], [0, "", "the database has no batches\n"])
      for (const [line, sentence] of [
        [["status", "none", "--database", database], `halyard status: ${noBatch}`],
        [["cancel", "none", "--database", database], `halyard cancel: ${noBatch}`],
        [["report", "--batch", "none", "--database", database], `halyard report: ${noBatch}`],
        [
          ["status", "none", "--database", `postgres://user:secret@127.0.0.1:${port}/none`],
          `halyard status: the database of the batches failed (open the database): connect ECONNREFUSED 127.0.0.1:${port}`
        ],
        [
          ["runner", "--database", `postgres://user:secret@127.0.0.1:${port}/none`],
          `halyard runner: the database of the batches failed (open the database): connect ECONNREFUSED 127.0.0.1:${port}`
        ]
      ] as const) {
        const { exitCode, stderr, stdout } = yield* run(line)
        assert.deepStrictEqual([exitCode, stdout, stderr], [1, "", `${sentence}\n`])
      }
    })
  )

  withPostgres("let two runners carry out a batch of PostgreSQL, and cancel another", () =>
    Effect.gen(function* () {
      const postgres = yield* startPostgres
      const env = { HALYARD_DATABASE: yield* postgres.database }
      const cwd = yield* temporaryDirectory
      let release = () => {}
      const isReleased = new Promise<void>((resolve) => {
        release = resolve
      })
      const { url } = yield* http((request, response) => {
        void isReleased.then(() => response.end(`content of ${request.url}`))
      })
      const list = listOf(cwd, url, 200)
      const line = ["submit", "-i", list, "--shard-size", "5"]
      const [one, two] = [yield* freePort, yield* freePort]
      const runners = yield* Effect.forEach([one, two], (port) =>
        Effect.tap(halyard(["runner", "--port", `${port}`, "--drain", "4"], { cwd, env }), ({ awaitOutput }) =>
          awaitOutput(new RegExp(`^Running batches as 127\\.0\\.0\\.1:${port}$`, "m"))
        )
      )
      assert.strictEqual((yield* run([...line, "-d", "first", "--id", "first"], { cwd, env })).exitCode, 0)
      // Eight shards at a time are those of two runners.
      yield* awaitStatus("first", env, / 8 running/)
      assert.strictEqual((yield* run(["cancel", "first"], { cwd, env })).exitCode, 0)
      yield* awaitStatus("first", env, /^first: cancelled/)
      release()
      assert.strictEqual((yield* run([...line, "-d", "second", "--id", "second"], { cwd, env })).exitCode, 0)
      yield* awaitStatus("second", env, /^second: ended/)
      assert.strictEqual(filesIn(join(cwd, "second")).length, 200)
      const { exitCode, stdout } = yield* run(["report", "--batch", "second", "--json"], { env })
      assert.strictEqual(exitCode, 0)
      assert.deepInclude(reportOf(stdout), { saved: 200, failed: 0 })
      for (const runner of runners) {
        yield* runner.signal("SIGTERM")
      }
      for (const runner of runners) {
        assert.strictEqual((yield* runner.ended).exitCode, 143)
      }
    })
  )

  withPostgres("keep the limit of an origin for all runners together, and tell all of them of a pause", () =>
    Effect.gen(function* () {
      const database = yield* (yield* startPostgres).database
      const env = { HALYARD_DATABASE: database }
      const cwd = yield* temporaryDirectory
      let [open, most] = [0, 0]
      const { url } = yield* http((request, response) => {
        if (request.url === "/busy") {
          response.writeHead(429, { "retry-after": "60" }).end()
          return
        }
        most = Math.max(most, ++open)
        setTimeout(() => {
          open--
          response.end(`content of ${request.url}`)
        }, 20)
      })
      yield* Effect.forEach([yield* freePort, yield* freePort], (port) =>
        Effect.tap(halyard(["runner", "--port", `${port}`, "--per-origin", "3"], { cwd, env }), ({ awaitOutput }) =>
          awaitOutput(/^Running batches/m)
        )
      )
      const list = listOf(cwd, url, 100)
      yield* run(["submit", "-i", list, "--shard-size", "5", "-d", "files", "--id", "all"], { cwd, env })
      yield* awaitStatus("all", env, /^all: ended/)
      assert.strictEqual(filesIn(join(cwd, "files")).length, 100)
      // Eight transfers of eight shards at a time would be more.
      assert.isAtMost(most, 3)
      const other = Context.get(
        yield* Layer.build(Cluster.layerGovernor({ database, host: "127.0.0.1", port: yield* freePort })),
        OriginGovernor
      )
      yield* run(["submit", `${url}/busy`, "-d", "files", "--id", "busy"], { cwd, env })
      yield* until(
        "pause of another runner",
        () => other.inUse(url).pauseMillis > 0 || undefined,
        () => ""
      )
    })
  )
})
