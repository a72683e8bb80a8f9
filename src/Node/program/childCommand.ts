/**
 * Runs a command on the terminal of this process. The command receives the signals, and its exit code is passed on.
 *
 * `@effect/platform`'s Command cannot do this: it starts processes in their own session, where they cannot read the terminal, and it
 * does not report the signal that ended a process.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { accessSync, closeSync, constants, openSync, statSync } from "node:fs"
import * as Os from "node:os"
import { StringDecoder } from "node:string_decoder"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { CommandError } from "../../Cli/Host.js"
import * as Printable from "../../internal/text/printable.js"
import { isTerminal } from "../Screen.js"
import * as StandardOutput from "./output/standardOutput.js"
import { afterTurn, type Signal, type Signals } from "./process/signals.js"
import * as Terminals from "./process/terminals.js"

export const run = (
  signals: Signals,
  commandLine: ReadonlyArray<string>,
  print: (text: string, write: (text: string) => void) => void
): Effect.Effect<number, CommandError> =>
  Effect.suspend(() => {
    let stopSignal: Signal = "SIGTERM"
    return Effect.acquireUseRelease(
      start(signals, commandLine, print),
      ({ child, ended, isStarting }) =>
        signals.withHandler((signal, program) => {
          if (signal === "SIGHUP" && Terminals.isClosed()) {
            // The user can no longer end the command from the terminal. It gets the signal, and then the time until SIGKILL.
            stopSignal = signal
            program(signal)
          } else if (signal !== "SIGINT" || isStarting() || !hasTerminal()) {
            child.kill(signal)
          }
        })(ended),
      ({ child, ended }) =>
        Effect.suspend(() => {
          if (child.exitCode !== null || child.signalCode !== null) {
            return Effect.void
          }
          child.kill(stopSignal)
          // A timer of the process, because a test clock does not apply to another process.
          const timer = setTimeout(() => child.kill("SIGKILL"), graceMillis)
          return Effect.ensuring(
            Effect.asVoid(ended),
            Effect.sync(() => clearTimeout(timer))
          )
        })
    )
  })

// The time from SIGTERM or SIGHUP to SIGKILL. All timers here use real time, because the command is another process.
const graceMillis = 5000

// A process that a command has left running may keep the output open, and may write without end. The command's own output is in
// the pipes when the command ends. It counts as read when nothing more arrives, when more than the size of a pipe was read, or
// after a second.
const leftoverMillis = 200

const leftoverChecksAtMost = 5

const pipeBytes = 1024 * 1024

// The interval of checks of a terminal that takes no output.
const fullMillis = 20

/** A started command. */
interface Started {
  readonly child: ChildProcess
  /** Waits for its end and for the output that it wrote. */
  readonly ended: Effect.Effect<number>
  /**
   * Whether a Ctrl-C that arrives now may be older than the command. In that case the terminal sent it only to this process, so it
   * must be passed on. A command that has just started treats two signals as one.
   */
  readonly isStarting: () => boolean
}

const start = (
  { ignoresHangups }: Signals,
  commandLine: ReadonlyArray<string>,
  print: (text: string, write: (text: string) => void) => void
): Effect.Effect<Started, CommandError> =>
  Effect.async((resume) => {
    const [name = ""] = commandLine
    const refused = ignoresHangups ? execError(name) : undefined
    if (refused !== undefined) {
      resume(commandError(name, refused))
      return
    }
    const [program = "", ...parameters] = ignoresHangups ? ["/bin/sh", "-c", immune, "sh", ...commandLine] : commandLine
    // Output to a terminal is printed around the spinner. Output to a file or a pipe goes there directly.
    const through = (stream: { readonly isTTY?: boolean }) => (isTerminal(stream) ? "pipe" : "inherit")
    let child: ChildProcess
    try {
      child = spawn(program, parameters, { stdio: ["inherit", through(process.stdout), through(process.stderr)] })
    } catch (error) {
      // The name is empty or contains a NUL character.
      resume(commandError(name, errorCode(error)))
      return
    }
    let starting = true
    afterTurn(() => {
      starting = false
    })
    let exited = false
    let read = 0
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, StandardOutput.screen()]
    ] as const) {
      const decoder = new StringDecoder("utf8")
      const proceed = (): void => {
        if (exited || !StandardOutput.isFull()) {
          from?.resume()
        } else {
          // Real time, because it waits for the reader of an output. Ends at the first check after the command has exited.
          setTimeout(proceed, fullMillis)
        }
      }
      from?.on("data", (chunk: Buffer) => {
        read += chunk.length
        print(decoder.write(chunk), (text) => to.write(text))
        if (!exited && StandardOutput.isFull()) {
          from.pause()
          proceed()
        }
      })
      from?.on("end", () => {
        const rest = decoder.end()
        if (rest !== "") {
          print(rest, (text) => to.write(text))
        }
      })
    }
    const ended = Deferred.unsafeMake<number>(FiberId.none)
    const end = (code: number | null, signal: NodeJS.Signals | null) =>
      Deferred.unsafeDone(ended, Exit.succeed(codeOf(code, signal)))
    child.once("close", end)
    child.once("exit", (code, signal) => {
      exited = true
      child.stdout?.resume()
      child.stderr?.resume()
      const atExit = read
      let seen = read
      let leftovers = 0
      const check = () => {
        leftovers++
        if (read !== seen && read - atExit < pipeBytes && leftovers < leftoverChecksAtMost) {
          seen = read
          timer = checkLater()
          return
        }
        child.stdout?.destroy()
        child.stderr?.destroy()
        end(code, signal)
      }
      // Real time, because it waits for other processes. The number of checks is limited, and the last timer ends with the streams.
      const checkLater = () => setTimeout(() => setImmediate(check), leftoverMillis)
      let timer = checkLater()
      child.once("close", () => clearTimeout(timer))
    })
    child.once("spawn", () =>
      resume(Effect.succeed({ child, ended: Deferred.await(ended), isStarting: () => starting }))
    )
    // Not `once`: a signal that cannot be sent is an event as well, and without a listener it would end this process.
    child.on("error", (error) => resume(commandError(name, errorCode(error))))
  })

// Node resets the signals of a command to their defaults; a shell can ignore them.
const immune = `trap '' HUP; exec "$@"`

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? (signal === null ? 1 : 128 + Os.constants.signals[signal])

// A terminal sends Ctrl-C to every process in the foreground. If the program passed it on, the command would receive two. Every
// process of the terminal's session can open this device, also if its standard input and output are pipes or files.
const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK))
    return true
  } catch {
    return false
  }
}

/**
 * The error code with which the system refuses to execute a command (`execvp`), if it does. Asked before a shell is started, which
 * would report it in its own words, and with an exit code that the command may have as well.
 */
const execError = (name: string): string | undefined => {
  if (name === "" || name.includes("/")) {
    return accessError(name)
  }
  let refused = "ENOENT"
  for (const directory of (process.env["PATH"] ?? "/bin:/usr/bin").split(":")) {
    const error = accessError(`${directory === "" ? "." : directory}/${name}`)
    if (error === "EACCES") {
      refused = error
    } else if (error !== "ENOENT" && error !== "ENOTDIR") {
      return error
    }
  }
  return refused
}

const accessError = (path: string): string | undefined => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile() ? undefined : "EACCES"
  } catch (error) {
    return errorCode(error)
  }
}

const errorCode = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "")

const commandError = (name: string, code: string): CommandError =>
  new CommandError({
    command: Printable.line(name),
    reason: code === "ENOENT" || name === "" ? "missing" : code === "EACCES" ? "not-executable" : "other",
    detail: code === "ERR_INVALID_ARG_VALUE" ? "it contains a NUL character" : code
  })
