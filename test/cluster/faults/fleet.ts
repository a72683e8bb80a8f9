/**
 * Runners in processes of their own, a PostgreSQL server, an origin, and the checks after a fault.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Download } from "halyard"
import { Batches, type BatchStatus } from "halyard/cluster"
import * as Cluster from "halyard/Node/Cluster"
import { until, within } from "../../support/poll.js"
import { type Running, run, runCommand, start, temporaryDirectory } from "../../support/program/program.js"
import * as Postgres from "../../support/servers/postgres.js"
import { freePort } from "../../support/servers/serverProcess.js"
import * as Origin from "./origin.js"

const script = fileURLToPath(new URL("runner.mjs", import.meta.url))

export interface Runner extends Running {
  readonly name: string
  /** The shards of a batch that it has begun, with an entry for each attempt. */
  readonly begun: (id: string) => ReadonlyArray<number>
  /** The shards of the attempts that have begun and not ended. */
  readonly running: (id: string) => ReadonlyArray<number>
  readonly drives: () => boolean
}

export interface RunnerOptions {
  readonly command?: ReadonlyArray<string>
  readonly host?: string
  readonly database?: string
}

export interface Expected {
  readonly abandoned?: number
  /** The requests of the abandoned shards. */
  readonly more?: number
  /** Whether runners were killed. */
  readonly hasKills?: boolean
}

const shards = 60
const filesOfShard = 20

/** Starts a server and an origin. Its runners end with the scope. */
export const make = (options: { readonly originHost?: string } = {}) =>
  Effect.gen(function* () {
    const postgres = yield* Postgres.start
    const database = yield* postgres.database
    const origin = yield* Origin.make(options.originHost)
    const directory = yield* temporaryDirectory
    const cwd = yield* temporaryDirectory
    const runners: Array<Runner> = []
    const paths: Array<string> = []

    const startRunner = (name: string, { command = [], host = "127.0.0.1", ...rest }: RunnerOptions = {}) =>
      Effect.gen(function* () {
        const port = yield* freePort
        const parameters = { database, ...rest, host, port, name, concurrency: 5 }
        const [program = "", ...before] = [...command, process.execPath]
        const running = yield* start(program, [...before, script, JSON.stringify(parameters)], { cwd })
        const runner: Runner = { ...running, name, ...linesOf(running) }
        runners.push(runner)
        return runner
      })

    const client = <A, E, R>(use: (batches: typeof Batches.Batches.Service) => Effect.Effect<A, E, R>) =>
      Effect.scoped(Effect.provide(Effect.flatMap(Batches.Batches, use), Cluster.layerClient({ database })))

    const submit = (id: string, more: ReadonlyArray<string> = []) => {
      const mine = Array.from(
        { length: shards * filesOfShard },
        (_, n) => `/${id}/${Math.floor(n / filesOfShard)}/${n % filesOfShard}`
      ).concat(more)
      paths.push(...mine.filter((path) => !more.includes(path) && !paths.includes(path)))
      const requests = Stream.map(Stream.fromIterable(mine), (path) =>
        Download.request({
          url: `${origin.url}${path}`,
          destination: `${directory}${path}`,
          onExists: "update",
          resume: true
        })
      )
      return client((batches) => batches.submit({ id, requests, shardSize: filesOfShard }))
    }

    /** Lets `check` expect one of the paths in `more`. */
    const expect = (path: string): void => void paths.push(path)

    const status = (id: string) => client((batches) => batches.status(id))

    const ended = (id: string): Effect.Effect<BatchStatus> =>
      status(id).pipe(
        // The database may be about to start.
        Effect.retry(everySecond),
        Effect.orDie,
        Effect.delay("500 millis"),
        Effect.repeat({ until: ({ state }) => state === "ended" || state === "cancelled" }),
        within(`end of the batch ${id}`, () => logOf(runners))
      )

    /** Runs a query, and returns its lines. */
    const query = (text: string) =>
      Effect.map(
        runCommand("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", database, "-c", text]),
        ({ exitCode, stderr, stdout }) => {
          assert.strictEqual(exitCode, 0, stderr)
          return stdout.split("\n").filter((line) => line !== "")
        }
      )

    const awaitTrue = (what: string, condition: () => boolean) =>
      until(
        what,
        () => condition() || undefined,
        () => logOf(runners)
      )

    /** Holds the responses after `count` of them, and waits until all of these runners have some that are held. */
    const awaitHeld = (...names: ReadonlyArray<string>) =>
      awaitTrue(`transfers of ${names}`, () => names.every((name) => origin.held().includes(name)))

    /** The runner that drives the batch, and another one. */
    const roles = Effect.map(
      awaitTrue("driver", () => runners.some((runner) => runner.drives() && !runner.hasEnded())),
      () => {
        const living = runners.filter((runner) => !runner.hasEnded())
        const driver = living.find((runner) => runner.drives())
        const other = living.find((runner) => !runner.drives())
        return driver === undefined || other === undefined ? assert.fail("no two roles") : { driver, other }
      }
    )

    /** Waits for a request of one of these shards by another runner. Returns the time from `sinceMillis` to it. */
    const recovery = (id: string, of: ReadonlyArray<number>, not: string, sinceMillis: number) => {
      const mine = of.map((shard) => `/${id}/${shard}/`)
      return until(
        "request by another runner",
        () => {
          const first = origin.asked.find(
            ({ atMillis, path, runner }) =>
              atMillis >= sinceMillis && runner !== not && mine.some((prefix) => path.startsWith(prefix))
          )
          return first && first.atMillis - sinceMillis
        },
        () => logOf(runners)
      )
    }

    /** Checks a batch that has ended, all files and rows. Then stops the runners, and checks that nothing is left. */
    const check = (id: string, note: string, { abandoned = 0, hasKills = false, more = 0 }: Expected = {}) =>
      Effect.gen(function* () {
        const total = shards * filesOfShard + more
        const { attempts, files, foundSaved, shards: states } = yield* ended(id)
        const { exitCode, report } = yield* client((batches) => batches.report(id))
        assert.deepInclude(states, { waiting: 0, running: 0, cancelled: 0, abandoned })
        assert.strictEqual(files.total, total)
        assert.strictEqual(files.saved + files.skipped + files.notModified + files.failed, total)
        assert.deepInclude(files, { failed: more, cancelled: 0 })
        assert.strictEqual(files.skipped + files.notModified, foundSaved)
        assert.strictEqual(report.saved, files.saved)
        assert.strictEqual(exitCode, more === 0 ? 0 : 1)
        const counted = "saved + skipped + not_modified + failed + cancelled"
        const wrong = `SELECT count(*) FROM halyard_shard WHERE batch = '${id}' AND (${counted} <> files OR attempts < 1)`
        assert.deepStrictEqual(yield* query(wrong), ["0"])
        assert.deepStrictEqual(
          yield* query(`SELECT count(*), count(DISTINCT shard) FROM halyard_shard WHERE batch = '${id}'`),
          [`${states.done + abandoned}|${states.done + abandoned}`]
        )
        if (hasKills) {
          // As after any killed run, a part that no later attempt could continue is left for this command.
          const { exitCode, stderr, stdout } = yield* run(["clean", "--recursive", directory])
          assert.strictEqual(exitCode, 0, stderr)
          yield* Console.log(`${note}: ${stdout.trim()}${stderr.trim()}`)
        }
        checkFiles(directory, paths)
        // The attempts that runners have said are those that are counted. One whose answer was lost is counted, and did not begin.
        const begun = runners.flatMap((runner) => runner.begun(id)).length
        assert.isAtLeast(attempts, begun)
        yield* Console.log(
          `${note}: ${attempts} attempts of ${states.done + abandoned} shards, ${begun} begun; ${foundSaved} files found saved; ` +
            `${origin.complete()} whole responses for ${total - more} files`
        )
        return { attempts, begun, foundSaved }
      })

    const awaitNone = (what: string, text: string) =>
      query(text).pipe(
        Effect.delay("500 millis"),
        Effect.repeat({ until: ([count]) => count === "0" }),
        within(`end of ${what}`, () => logOf(runners))
      )

    /** Waits until the batches have left no message. Then stops the runners, and waits until no connection is left. */
    const stop = Effect.gen(function* () {
      yield* awaitNone("the messages", "SELECT count(*) FROM cluster_messages")
      yield* Effect.forEach(
        runners.filter((runner) => !runner.hasEnded()),
        (runner) => Effect.zipRight(runner.signal("SIGTERM"), runner.ended),
        { concurrency: "unbounded" }
      )
      yield* awaitNone("the connections", othersConnected)
      yield* awaitTrue("end of the sockets", () => origin.sockets() === 0)
    })

    return {
      awaitHeld,
      awaitTrue,
      check,
      client,
      cwd,
      database,
      directory,
      ended,
      expect,
      origin,
      postgres,
      query,
      recovery,
      roles,
      runners,
      startRunner,
      status,
      stop,
      submit
    }
  })

export type Fleet = Effect.Effect.Success<ReturnType<typeof make>>

const everySecond = Schedule.spaced("1 second")

const linesOf = ({ stdout }: Running) => {
  const attempts = (what: "begin" | "end", id: string) =>
    stdout()
      .split("\n")
      .flatMap((line) => (line.startsWith(`${what} ${id} `) ? [line.slice(what.length)] : []))
  const shardOf = (line: string) => Number(line.split(" ")[2])
  return {
    begun: (id: string) => attempts("begin", id).map(shardOf),
    running: (id: string) => {
      const ended = new Set(attempts("end", id))
      return attempts("begin", id)
        .filter((line) => !ended.has(line))
        .map(shardOf)
    },
    drives: () => /^log drives the batch/m.test(stdout())
  }
}

const logOf = (runners: ReadonlyArray<Runner>): string =>
  runners
    .map(
      ({ hasEnded, name, stderr, stdout }) =>
        `${name}${hasEnded() ? " (ended)" : ""}:\n${tail(stdout())}\n${tail(stderr())}`
    )
    .join("\n")

const tail = (text: string): string => text.split("\n").slice(-40).join("\n")

/** The directory has these files with their content, and no other but those of the journal. */
const checkFiles = (directory: string, paths: ReadonlyArray<string>): void => {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== ".halyard.ndjson")
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length))
  const [expected, present] = [new Set(paths), new Set(found)]
  const extra = found.filter((path) => !expected.has(path))
  const missing = paths.filter((path) => !present.has(path))
  assert.deepStrictEqual({ extra, missing }, { extra: [], missing: [] })
  for (const path of paths) {
    assert.isTrue(readFileSync(`${directory}${path}`).equals(Origin.contentOf(path)), path)
  }
}

const othersConnected =
  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
