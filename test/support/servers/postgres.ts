/**
 * A PostgreSQL server of Debian (package postgresql) in a temporary directory, on a free port of the loopback interface. It ends with
 * the scope. As root, it runs as the user `postgres` or `nobody`, because it refuses root.
 */
import { execFileSync, spawn } from "node:child_process"
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { until } from "../poll.js"
import { environment, temporaryDirectory } from "../program/program.js"
import { freePort, isRoot } from "./serverProcess.js"

export interface Postgres {
  /** Makes a database, and returns its URL. */
  readonly database: Effect.Effect<string>
  readonly port: number
  /** Ends the server as a crash does. */
  readonly kill: Effect.Effect<void>
  /** Starts a server that was killed, and waits until it accepts connections. */
  readonly start: Effect.Effect<void>
  /** Suspends the server's processes. */
  readonly suspend: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

const packages = "/usr/lib/postgresql"

/** The directory of its programs, which Debian leaves out of the path. */
const programs = (existsSync(packages) ? readdirSync(packages) : [])
  .sort((a, b) => Number(b) - Number(a))
  .map((version) => join(packages, version, "bin"))
  .find((directory) => existsSync(join(directory, "initdb")))

/** Declares a test that runs in real time, and is skipped if PostgreSQL is not installed. Its title then says so. */
export const withPostgres = (title: string, test: () => Effect.Effect<void, unknown, Scope.Scope>): void => {
  const reason = programs === undefined ? " (skipped: postgresql is not installed)" : ""
  it.scopedLive.skipIf(programs === undefined)(`${title}${reason}`, test)
}

/** Whether PostgreSQL is installed. */
export const isInstalled: boolean = programs !== undefined

/** Makes an empty database and its server. */
export const start: Effect.Effect<Postgres, never, Scope.Scope> = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const user = isRoot ? owner() : undefined
  const options = { cwd: directory, env: environment({}), ...user }
  const data = join(directory, "data")
  chmodSync(directory, 0o755)
  mkdirSync(data, { mode: 0o700 })
  if (user !== undefined) {
    chownSync(data, user.uid, user.gid)
  }
  const path = (program: string) => join(programs ?? "", program)
  execFileSync(path("initdb"), ["-D", data, "-U", "halyard", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"], {
    ...options,
    stdio: "ignore"
  })
  const port = yield* freePort
  let databases = 0
  let server: { readonly pid: number; readonly hasEnded: () => boolean; readonly output: () => string } | undefined

  const launch = () => {
    const settings = [
      `port=${port}`,
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "fsync=off",
      // No memory is left in /dev/shm if it is killed.
      "dynamic_shared_memory_type=mmap"
    ]
    const parameters = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])]
    const child = spawn(path("postgres"), parameters, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] })
    const chunks: Array<Buffer> = []
    let hasEnded = false
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.once("error", () => {
      hasEnded = true
    })
    child.once("close", () => {
      hasEnded = true
    })
    return { pid: child.pid ?? -1, hasEnded: () => hasEnded, output: () => `${Buffer.concat(chunks)}` }
  }

  const begin = Effect.suspend(() => {
    const begun = launch()
    server = begun
    const isReady = () =>
      begun.hasEnded() ? false : begun.output().includes("ready to accept connections") || undefined
    return Effect.flatMap(until("start of PostgreSQL", isReady, begun.output), (ready) =>
      ready ? Effect.void : Effect.dieMessage(`PostgreSQL does not start:\n${begun.output()}`)
    )
  })

  const signal = (name: NodeJS.Signals, group: boolean) =>
    Effect.sync(() => {
      if (server !== undefined && !server.hasEnded()) {
        process.kill(group ? -server.pid : server.pid, name)
      }
    })

  const kill = Effect.suspend(() => {
    const ending = server
    // SIGQUIT ends all of its processes at once, and a suspended process needs SIGCONT for it.
    return ending === undefined
      ? Effect.void
      : Effect.all([
          signal("SIGQUIT", false),
          signal("SIGCONT", true),
          until("end of PostgreSQL", () => ending.hasEnded() || undefined, ending.output)
        ])
  }).pipe(Effect.asVoid)

  yield* Effect.acquireRelease(begin, () => kill)
  return {
    database: Effect.sync(() => {
      const name = `halyard${++databases}`
      execFileSync(path("createdb"), ["-h", "127.0.0.1", "-p", `${port}`, "-U", "halyard", name], options)
      return `postgres://halyard@127.0.0.1:${port}/${name}`
    }),
    port,
    kill,
    start: begin,
    suspend: signal("SIGSTOP", true),
    resume: signal("SIGCONT", true)
  }
})

/** The user of the package, or `nobody`. */
const owner = (): { readonly uid: number; readonly gid: number } => {
  const users = readFileSync("/etc/passwd", "utf8").split("\n")
  const line = users.find((one) => one.startsWith("postgres:")) ?? users.find((one) => one.startsWith("nobody:"))
  const [, , uid, gid] = (line ?? "").split(":")
  return { uid: Number(uid), gid: Number(gid) }
}
