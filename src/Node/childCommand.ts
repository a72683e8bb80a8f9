/**
 * Runs a command for a person: on this process's terminal, with its signals and its exit code.
 *
 * Not `@effect/platform`'s Command: that starts its processes in a session of their own, where they have no terminal to
 * read from, and does not say which signal ended one.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { constants } from "node:os"
import { StringDecoder } from "node:string_decoder"
import * as Effect from "effect/Effect"
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
        return Effect.asVoid(ended)
      })
  )

/** A started command; `ended` waits for its end and for the end of its output. */
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
    const child = spawn(name, parameters, {
      stdio: ["inherit", through(process.stdout), through(process.stderr)]
    })
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr]
    ] as const) {
      const decoder = new StringDecoder("utf8")
      from?.on("data", (chunk: Buffer) => print(decoder.write(chunk), (text) => to.write(text)))
      from?.on("end", () => print(decoder.end(), (text) => to.write(text)))
    }
    let exitCode: number | undefined
    const ended = Effect.async<number>((done) => {
      if (exitCode !== undefined) {
        done(Effect.succeed(exitCode))
        return
      }
      const listener = (code: number | null, signal: NodeJS.Signals | null) =>
        done(Effect.succeed(codeOf(code, signal)))
      child.once("close", listener)
      return Effect.sync(() => child.off("close", listener))
    })
    child.once("close", (code, signal) => {
      exitCode = codeOf(code, signal)
    })
    child.once("spawn", () => resume(Effect.succeed({ child, ended })))
    child.once("error", (error) => resume(commandError(name, error)))
  })

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? (signal === null ? 1 : 128 + constants.signals[signal])

// A terminal sends Ctrl-C to every process in its foreground, the command included: passing it on would make it two.
const forward = (child: ChildProcess, signal: Signal): void => {
  if (signal !== "SIGINT" || !(process.stdin.isTTY || process.stderr.isTTY)) {
    child.kill(signal)
  }
}

const commandError = (name: string, error: NodeJS.ErrnoException): CommandError =>
  new CommandError({
    command: Printable.line(name),
    reason: error.code === "ENOENT" ? "missing" : error.code === "EACCES" ? "not-executable" : "other",
    detail: error.code ?? Printable.line(error.message)
  })
