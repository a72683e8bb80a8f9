/**
 * Writes to standard output and the screen in order and without blocking. Handles a closed pipe, a closed terminal and a full
 * disk.
 */
import { fstatSync } from "node:fs"

// The exit codes that a shell reports for a process that SIGPIPE or SIGHUP ended.
const brokenPipe = 141
const hangup = 129

/**
 * Calls `end` with an exit code when standard output fails. It prints the reason unless the reader has closed the pipe. With
 * `outlivesTerminal`, a closed terminal does not call `end`: reports are lost, and a transfer to the terminal fails.
 */
export const onError = (
  end: (exitCode: number) => void,
  isQuiet: () => boolean = () => false,
  outlivesTerminal = false
): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const hasNoReader = error.code === "EPIPE"
    const isTerminalClosed = error.code === "EIO" && process.stdout.isTTY
    if (isTerminalClosed && outlivesTerminal) {
      return
    }
    if (!hasNoReader && !isTerminalClosed && !isQuiet()) {
      const why = error.code === "ENOSPC" ? "there is no space left" : (error.code ?? error.message)
      process.stderr.write(`halyard: cannot write standard output: ${why}\n`)
    }
    end(hasNoReader ? brokenPipe : isTerminalClosed ? hangup : 1)
  })
  // The work continues without frames and messages.
  process.stderr.on("error", () => {})
}

/**
 * Makes writes to terminals non-blocking. By default Node blocks in a write, and handles no signal while a terminal is stopped
 * (Ctrl-S) or its other end is not read.
 */
export const stopBlocking = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    const handle: unknown = stream.isTTY ? Reflect.get(stream, "_handle") : undefined
    if (isOwnTerminal(handle)) {
      handle.setBlocking(false)
    }
  }
}

interface TerminalHandle {
  readonly fd: number
  readonly setBlocking: (blocking: boolean) => unknown
}

// Usually Node opens the terminal again, so the mode belongs to this process only. Otherwise all processes on the terminal share
// the descriptor, and its mode is not changed.
const isOwnTerminal = (handle: unknown): handle is TerminalHandle =>
  process.platform !== "win32" &&
  typeof handle === "object" &&
  handle !== null &&
  "fd" in handle &&
  typeof handle.fd === "number" &&
  handle.fd > 2 &&
  "setBlocking" in handle &&
  typeof handle.setBlocking === "function"

/** The stream of the screen. If both outputs are one terminal, they share a stream: two queues would mix their lines. */
export const screen = (): NodeJS.WriteStream =>
  process.stdout.isTTY && process.stderr.isTTY && fstatSync(1).rdev === fstatSync(2).rdev
    ? process.stdout
    : process.stderr

let waiting: Array<() => string> = []
let timer: NodeJS.Timeout | undefined

const waitingAtMost = 128

// A run of small files prints thousands of lines a second, and each write takes as long as a request.
const waitMillis = 20

/** Writes within 20 milliseconds, after all earlier text. `text` is called then. */
export const writeSoon = (text: () => string): void => {
  waiting.push(text)
  if (waiting.length >= waitingAtMost) {
    flush()
  } else {
    // Real time, because the reader is another process.
    timer ??= setTimeout(flush, waitMillis)
  }
}

/** Writes the waiting text. Call it before other text is written to the same terminal or file. */
export const flush = (): void => {
  clearTimeout(timer)
  timer = undefined
  if (waiting.length > 0) {
    const texts = waiting
    waiting = []
    process.stdout.write(texts.map((text) => text()).join(""))
  }
}

/** Writes at once, after all earlier text. */
export const write = (text: string): void => {
  flush()
  process.stdout.write(text)
}

// Text that a terminal or a pipe has not taken stays in memory. This is the limit for a full output.
const fullAt = 1024 * 1024

/** Whether 1 MiB of text waits for a reader. */
export const isFull = (): boolean => untaken() >= fullAt

const untaken = (): number => process.stdout.writableLength + process.stderr.writableLength

const checkMillis = 10

const checksAtMost = 200

/**
 * Calls `then` when all text was taken, or when nothing was taken for two seconds. It counts checks, not time, so that a standstill
 * of this process does not count.
 */
export const whenTaken = (then: () => void): void => {
  const check = (before: number, checks: number): void => {
    const left = untaken()
    if (left === 0 || checks === checksAtMost) {
      then()
    } else {
      // Real time, because the reader is another process.
      setTimeout(check, checkMillis, left, left < before ? 0 : checks + 1)
    }
  }
  check(Number.POSITIVE_INFINITY, 0)
}
