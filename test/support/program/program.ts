/**
 * Runs the built program as a child process with pipes, the way a script does.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { until, within } from "../poll.js"

/** The program's one file. */
export const bin: string = fileURLToPath(new URL("../../../dist/bin.cjs", import.meta.url))

/** The flags that the embedded origin serves, as `cc.gif`. */
export const originDirectory: string = join(
  dirname(createRequire(import.meta.url).resolve("famfamfam-flags/package.json")),
  "dist",
  "gif"
)

/** How a process ended, and all that it wrote. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Buffer
  readonly stderrBytes: Buffer
  /** `null` where a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process under way. */
export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Writes to its standard input. A text of a megabyte takes until the process reads it. */
  readonly type: (text: string) => Effect.Effect<void>
  /** Ends its standard input. */
  readonly closeStdin: Effect.Effect<void>
  /** Stops reading its standard output, as a reader does that has seen enough. */
  readonly closeStdout: Effect.Effect<void>
  /** Waits until both outputs together match. */
  readonly awaitOutput: (pattern: RegExp) => Effect.Effect<void>
  readonly hasEnded: () => boolean
  /** Waits for its end and the end of its output. */
  readonly ended: Effect.Effect<Ended>
}

export interface Options {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Whether standard input stays open for `type`; otherwise it is at its end from the start. */
  readonly stdin?: "open" | undefined
}

// What a developer's shell or the test runner prefers is nothing that the program shall see.
const preferences =
  /^(?:_$|NO_COLOR|FORCE_COLOR|COLORTERM|CI|AWS_|NODE_|SSL_CERT_|OTEL_|TRACEPARENT$|VITEST|npm_|(?:https?|all|no)_proxy$)/i

// The programs of all tests use one code cache, and not that of the developer.
const caches = fileURLToPath(new URL("../../../node_modules/.cache", import.meta.url))

/** The environment of every process that the tests start. */
export const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !preferences.test(name)) {
      kept[name] = value
    }
  }
  return { ...kept, TERM: "xterm-256color", XDG_CACHE_HOME: caches, ...more }
}

/** Starts a command; it is killed with the scope where it has not ended by then. */
export const start = (
  command: string,
  parameters: ReadonlyArray<string>,
  options: Options = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => open(command, parameters, options)),
      ({ child, over }) =>
        Effect.suspend(() => {
          child.kill("SIGKILL")
          // Something that the command has left running may hold the pipes.
          child.stdout.destroy()
          child.stderr.destroy()
          return until(
            "end after SIGKILL",
            () => over() || undefined,
            () => command
          )
        })
    ),
    ({ running }) => running
  )

/** Starts the program. */
export const halyard = (parameters: ReadonlyArray<string>, options?: Options) =>
  start(process.execPath, [bin, ...parameters], options)

/** Runs a command to its end. */
export const runCommand = (command: string, parameters: ReadonlyArray<string>, options?: Options) =>
  Effect.scoped(Effect.flatMap(start(command, parameters, options), ({ ended }) => ended))

/** Runs the program to its end. */
export const run = (parameters: ReadonlyArray<string>, options?: Options) =>
  runCommand(process.execPath, [bin, ...parameters], options)

/** A script for bash in which `halyard` is the program. */
export const runBash = (script: string, options?: Options) =>
  runCommand("bash", ["--norc", "-c", `halyard() { "${process.execPath}" "${bin}" "$@"; }\n${script}`], options)

/** An empty directory for the time of the scope. */
export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "halyard-test-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** The names of the files in a directory, sorted; none where there is no such directory. */
export const filesIn = (directory: string): ReadonlyArray<string> =>
  existsSync(directory)
    ? readdirSync(directory)
        .filter((name) => name !== ".halyard.ndjson")
        .sort()
    : []

/** What in a directory is not, byte for byte, the origin's file of the same name: parts, torn files and all else. */
export const notWhole = (directory: string): ReadonlyArray<string> =>
  filesIn(directory).filter((name) => {
    const [origin, file] = [join(originDirectory, name), join(directory, name)]
    return !existsSync(origin) || !statSync(file).isFile() || !readFileSync(origin).equals(readFileSync(file))
  })

/** Whether there is such a process. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

interface Open {
  readonly child: ChildProcessWithoutNullStreams
  readonly over: () => boolean
  readonly running: Running
}

const open = (command: string, parameters: ReadonlyArray<string>, options: Options): Open => {
  const child = spawn(command, parameters, { cwd: options.cwd, env: environment(options.env), stdio: "pipe" })
  const written = { stdout: collect(child.stdout), stderr: collect(child.stderr) }
  // A process that ends does not read what is still on its way.
  child.stdin.on("error", () => undefined)
  if (options.stdin !== "open") {
    child.stdin.end()
  }
  let end: Ended | undefined
  let failure: Error | undefined
  child.once("error", (error) => {
    failure = error
  })
  child.once("close", (exitCode, signal) => {
    const [stdoutBytes, stderrBytes] = [written.stdout(), written.stderr()]
    end = { stdout: `${stdoutBytes}`, stderr: `${stderrBytes}`, stdoutBytes, stderrBytes, exitCode, signal }
  })
  const seen = () => `${written.stdout()}\n${written.stderr()}`
  const running: Running = {
    pid: child.pid ?? -1,
    stdout: () => `${written.stdout()}`,
    stderr: () => `${written.stderr()}`,
    signal: (signal) => Effect.sync(() => child.kill(signal)),
    type: (text) => Effect.async((resume) => void child.stdin.write(text, () => resume(Effect.void))),
    closeStdin: Effect.sync(() => child.stdin.end()),
    closeStdout: Effect.sync(() => child.stdout.destroy()),
    awaitOutput: (pattern) => Effect.asVoid(until(`output ${pattern}`, () => pattern.test(seen()) || undefined, seen)),
    hasEnded: () => end !== undefined || failure !== undefined,
    ended: Effect.async<Ended>((resume) => {
      const settle = () => {
        if (failure !== undefined) {
          resume(Effect.die(failure))
        } else if (end !== undefined) {
          resume(Effect.succeed(end))
        }
      }
      settle()
      child.once("close", settle)
      child.once("error", settle)
      return Effect.sync(() => {
        child.off("close", settle)
        child.off("error", settle)
      })
    }).pipe(within(`end of ${command} ${parameters.join(" ")}`, seen))
  }
  return { child, over: () => end !== undefined || failure !== undefined, running }
}

const collect = (stream: NodeJS.ReadableStream): (() => Buffer) => {
  const chunks: Array<Buffer> = []
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
  })
  return () => Buffer.concat(chunks)
}
