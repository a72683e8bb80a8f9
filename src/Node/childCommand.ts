/**
 * Runs a command for a person: on this process's terminal, with its signals and its exit code.
 *
 * Not `@effect/platform`'s Command: that starts its processes in a session of their own, where they have no terminal to
 * read from, and does not say which signal ended one.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { constants } from "node:os"
import { StringDecoder } from "node:string_decoder"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { CommandError } from "../Cli/Host.js"
import * as Printable from "../internal/printable.js"
import { isTerminal } from "./Screen.js"
import type { Signal, Signals } from "./signals.js"

export const run = (
  signals: Signals,
  commandLine: ReadonlyArray<string>,
  print: (text: string, write: (text: string) => void) => void
): Effect.Effect<number, CommandError> =>
  Effect.acquireUseRelease(
    start(commandLine, print),
    ({ child, ended }) => signals.redirected((signal) => forward(child, signal))(ended),
    ({ child, ended }) =>
      Effect.suspend(() => {
        if (child.exitCode !== null || child.signalCode !== null) {
          return Effect.void
        }
        child.kill("SIGTERM")
        // The process's own timer: the other process knows no test clock.
        const timer = setTimeout(() => child.kill("SIGKILL"), graceMillis)
        return Effect.ensuring(
          Effect.asVoid(ended),
          Effect.sync(() => clearTimeout(timer))
        )
      })
  )

const leftoverMillis = 200

const pipeBytes = 1024 * 1024

// From SIGTERM to SIGKILL. This timer and the one after an exit are the process's own: another process has its time,
// whatever Clock the program runs under.
const graceMillis = 5000

/** A started command; `ended` waits for its end and for the output that it wrote. */
interface Started {
  readonly child: ChildProcess
  readonly ended: Effect.Effect<number>
}

const start = (
  commandLine: ReadonlyArray<string>,
  print: (text: string, write: (text: string) => void) => void
): Effect.Effect<Started, CommandError> =>
  Effect.async((resume) => {
    const [name = "", ...parameters] = commandLine
    // Only what goes to the terminal can run into the spinner. What goes to a file or a pipe is not touched at all.
    const through = (stream: { readonly isTTY?: boolean }) => (isTerminal(stream) ? "pipe" : "inherit")
    let child: ChildProcess
    try {
      child = spawn(name, parameters, { stdio: ["inherit", through(process.stdout), through(process.stderr)] })
    } catch (error) {
      // An empty name, or one with a character that no name can have.
      resume(commandError(name, error))
      return
    }
    let read = 0
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr]
    ] as const) {
      const decoder = new StringDecoder("utf8")
      from?.on("data", (chunk: Buffer) => {
        read += chunk.length
        print(decoder.write(chunk), (text) => to.write(text))
      })
      from?.on("end", () => print(decoder.end(), (text) => to.write(text)))
    }
    const ended = Deferred.unsafeMake<number>(FiberId.none)
    const end = (code: number | null, signal: NodeJS.Signals | null) =>
      Deferred.unsafeDone(ended, Exit.succeed(codeOf(code, signal)))
    child.once("close", end)
    child.once("exit", (code, signal) => {
      // What the command has left running may keep its output open for ever. What it wrote itself is in the pipes by
      // now, and has been read when nothing comes any more, or more than fits into a pipe.
      const atExit = read
      let seen = read
      const look = () => {
        if (read !== seen && read - atExit < pipeBytes) {
          seen = read
          // As for the first look.
          timer = setTimeout(() => setImmediate(look), leftoverMillis)
          return
        }
        child.stdout?.destroy()
        child.stderr?.destroy()
        end(code, signal)
      }
      // The process's own timer: what it waits for is in a pipe of the system's.
      let timer = setTimeout(() => setImmediate(look), leftoverMillis)
      child.once("close", () => clearTimeout(timer))
    })
    child.once("spawn", () => resume(Effect.succeed({ child, ended: Deferred.await(ended) })))
    // Not once: a signal that may not be sent is such an event too, and unheard it would end this process.
    child.on("error", (error) => resume(commandError(name, error)))
  })

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? (signal === null ? 1 : 128 + constants.signals[signal])

// A terminal sends Ctrl-C to every process in its foreground, the command included: passing it on would make it two.
const forward = (child: ChildProcess, signal: Signal): void => {
  if (signal !== "SIGINT" || !hasTerminal()) {
    child.kill(signal)
  }
}

// Also where standard input and output are pipes or files: every process of a terminal's session can open this.
const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", "r"))
    return true
  } catch {
    return false
  }
}

const commandError = (name: string, error: unknown): CommandError => {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  return new CommandError({
    command: Printable.line(name),
    reason: code === "ENOENT" || name === "" ? "missing" : code === "EACCES" ? "not-executable" : "other",
    detail: code === "ERR_INVALID_ARG_VALUE" ? "a NUL character stands in it" : code
  })
}
