/**
 * Starts a server or proxy of Debian in the foreground, on a free port of the loopback interface, and kills it with the scope.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { connect, createServer } from "node:net"
import { delimiter, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { until } from "../poll.js"
import { environment, temporaryDirectory } from "../program/program.js"

/** The names of the programs. Their packages have the same names, but for varnish and swift-proxy. `.ci/run` installs all of them. */
export type Name =
  | "nginx"
  | "apache2"
  | "lighttpd"
  | "caddy"
  | "squid"
  | "tinyproxy"
  | "haproxy"
  | "varnishd"
  | "microsocks"
  | "swift-proxy-server"

export interface Program {
  readonly port: number
  /** `http://127.0.0.1:PORT`; `https://localhost:PORT` with TLS. */
  readonly url: string
  /** The directory of its configuration and its log. */
  readonly directory: string
  readonly pid: number
  /** The lines of its access log so far. A line can appear after the client has the response. */
  readonly accessLog: () => ReadonlyArray<string>
  /** Everything that it has written to its outputs. */
  readonly output: () => string
  /** Kills it before the scope ends, and waits until it has ended. */
  readonly kill: Effect.Effect<void>
}

export interface Tls {
  readonly cert: string
  readonly key: string
}

interface Place {
  readonly directory: string
  readonly port: number
}

interface Configuration {
  /** The program that is run. Default: the one with the name. */
  readonly executable?: string | undefined
  readonly parameters: ReadonlyArray<string>
  /** The texts of files in the directory. */
  readonly files: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>> | undefined
  /** How the names of its shared memory begin, which it leaves if it is killed. */
  readonly sharedMemory?: string | undefined
}

export const isRoot = process.getuid?.() === 0

/** Whether the program is there. `withPrograms` asks that for a test that cannot do without it. */
export const isInstalled = (name: Name): boolean => pathOf(name) !== undefined

const pathOf = (name: Name): string | undefined =>
  // A user's path may lack the directories of daemons.
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"]
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** Starts the program, and waits until it accepts connections. */
export const start = (
  name: Name,
  tls: Tls | undefined,
  configure: (place: Place) => Configuration
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    // A server that starts as root continues as another user, who writes and reads here.
    chmodSync(directory, 0o777)
    // Another process may take the free port before the program does.
    for (let attempt = 1; ; attempt++) {
      const place = { directory, port: yield* freePort }
      const configuration = configure(place)
      const program = yield* Effect.acquireRelease(
        Effect.sync(() => launch(name, tls, place, configuration)),
        ({ kill }) => kill
      )
      const isReady = yield* until(
        `connection to ${name}`,
        () => (program.hasEnded() ? false : program.accepts() || undefined),
        program.output
      )
      if (isReady) {
        return program
      }
      if (attempt === 5) {
        return yield* Effect.dieMessage(`${name} does not start:\n${program.output()}`)
      }
    }
  })

const launch = (name: Name, tls: Tls | undefined, { directory, port }: Place, configuration: Configuration) => {
  const files = tls === undefined ? {} : { "certificate.pem": tls.cert, "key.pem": tls.key }
  for (const [file, text] of Object.entries({ ...files, ...configuration.files })) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), text, { mode: file.endsWith(".sh") ? 0o755 : 0o644 })
  }
  const child = spawn(configuration.executable ?? pathOf(name) ?? name, configuration.parameters, {
    cwd: directory,
    // Processes that the program starts belong to its group.
    detached: true,
    env: environment(configuration.env),
    stdio: ["ignore", "pipe", "pipe"]
  })
  const chunks: Array<Buffer> = []
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
  let hasEnded = false
  child.once("error", () => {
    hasEnded = true
  })
  child.once("exit", () => {
    hasEnded = true
  })
  const textOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "")
  // A program cannot open an output that is a socket, as Node's pipes are, by its path.
  const output = () => `${Buffer.concat(chunks)}${textOf(join(directory, "error.log"))}`
  return {
    port,
    url: tls !== undefined ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    directory,
    pid: child.pid ?? -1,
    accessLog: () =>
      textOf(join(directory, "access.log"))
        .split("\n")
        .filter((line) => line !== ""),
    output,
    hasEnded: () => hasEnded,
    accepts: probe(port),
    kill: Effect.suspend(() => {
      killGroup(child)
      child.stdout.destroy()
      child.stderr.destroy()
      const ended = until(`end of ${name}`, () => hasEnded || undefined, output)
      return Effect.zipLeft(
        ended,
        Effect.sync(() => removeSharedMemory(configuration))
      )
    })
  }
}

const removeSharedMemory = ({ sharedMemory }: Configuration): void => {
  const directory = "/dev/shm"
  if (sharedMemory !== undefined && existsSync(directory)) {
    for (const name of readdirSync(directory).filter((one) => one.startsWith(sharedMemory))) {
      rmSync(join(directory, name), { force: true })
    }
  }
}

const killGroup = ({ pid }: ChildProcess): void => {
  try {
    if (pid !== undefined) {
      process.kill(-pid, "SIGKILL")
    }
  } catch {
    // The group has ended.
  }
}

/** A function that returns true after a connection was made. Each call while no attempt is under way starts one. */
const probe = (port: number): (() => boolean) => {
  let isConnected = false
  let isTrying = false
  return () => {
    if (!isConnected && !isTrying) {
      isTrying = true
      const socket = connect(port, "127.0.0.1", () => {
        isConnected = true
        socket.destroy()
      })
      socket.on("error", () => undefined)
      socket.on("close", () => {
        isTrying = false
      })
    }
    return isConnected
  }
}

/**
 * A port of the loopback interface on which no program listens. Linux gives the ports from 32768 on to connections, so one of these could
 * be taken before the program listens on it.
 */
export const freePort: Effect.Effect<number> = Effect.suspend(() => listened(randomInt(20_000, 32_000))).pipe(
  Effect.retry({ times: 20 }),
  Effect.orDie
)

const listened = (port: number): Effect.Effect<number, Error> =>
  Effect.async((resume) => {
    const server = createServer()
    server.once("error", (cause) => resume(Effect.fail(cause)))
    server.listen(port, "127.0.0.1", () => {
      server.close(() => resume(Effect.succeed(port)))
    })
  })
