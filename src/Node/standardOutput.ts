/**
 * Standard output, and the stream that shows the screen: written to without blocking, in order, and with an answer for a
 * reader that leaves, a terminal that is closed and a disk that is full.
 */
import { fstatSync } from "node:fs"

// What a shell reports for a process that SIGPIPE or SIGHUP ended.
const brokenPipe = 141
const hangup = 129

/**
 * Calls `end` with an exit code when standard output takes nothing more. It says why, unless there is no reader. A
 * terminal that is closed ends nothing if `outlivesTerminal`.
 */
export const onError = (
  end: (exitCode: number) => void,
  isQuiet: () => boolean = () => false,
  outlivesTerminal = false
): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const isLeft = error.code === "EPIPE"
    const isClosed = error.code === "EIO" && process.stdout.isTTY
    if (isClosed && outlivesTerminal) {
      return
    }
    if (!isLeft && !isClosed && !isQuiet()) {
      const why = error.code === "ENOSPC" ? "there is no space left" : (error.code ?? error.message)
      process.stderr.write(`halyard: cannot write standard output: ${why}\n`)
    }
    end(isLeft ? brokenPipe : isClosed ? hangup : 1)
  })
  // The work goes on without its frames and messages.
  process.stderr.on("error", () => {})
}

/**
 * Lets terminals take text when they are ready for it. By default Node waits for them, and hears no signal while a
 * terminal is stopped (Ctrl-S) or its other side does not read.
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

// Node opens a terminal anew, and then the mode is that of this process alone. If it cannot, the descriptor is the one
// that all processes on the terminal share, and stays as it is.
const isOwnTerminal = (handle: unknown): handle is TerminalHandle =>
  process.platform !== "win32" &&
  typeof handle === "object" &&
  handle !== null &&
  "fd" in handle &&
  typeof handle.fd === "number" &&
  handle.fd > 2 &&
  "setBlocking" in handle &&
  typeof handle.setBlocking === "function"

/** The stream that shows the screen. Both outputs may be one terminal, and a queue for each would mix their lines. */
export const screen = (): NodeJS.WriteStream =>
  process.stdout.isTTY && process.stderr.isTTY && fstatSync(1).rdev === fstatSync(2).rdev
    ? process.stdout
    : process.stderr

let waiting = ""
let isDue = false

// A run of small files has several outcomes in a turn, and a call for each was a twentieth of its time.
const mostCharacters = 64 * 1024

/** Writes by the end of this turn of the event loop, behind everything before it. */
export const writeSoon = (text: string): void => {
  waiting += text
  if (waiting.length >= mostCharacters) {
    flush()
  } else if (!isDue) {
    isDue = true
    setImmediate(() => {
      isDue = false
      flush()
    })
  }
}

/** Brings out what waits: before something else is written anywhere that is to stand behind it. */
export const flush = (): void => {
  if (waiting !== "") {
    const text = waiting
    waiting = ""
    process.stdout.write(text)
  }
}

/** Writes at once, behind everything before it. */
export const write = (text: string): void => {
  flush()
  process.stdout.write(text)
}

// What a terminal or a pipe has not taken yet stays in memory.
const fullAt = 1024 * 1024

/** Whether 1 MiB of text waits for a reader. */
export const isFull = (): boolean => untaken() >= fullAt

const untaken = (): number => process.stdout.writableLength + process.stderr.writableLength

const lookMillis = 10

const mostLooks = 200

/**
 * Calls `then` when all text was taken, or when nothing was taken for two seconds. Looks are counted, because a process
 * that was stopped does not count as a reader that is slow.
 */
export const whenTaken = (then: () => void): void => {
  const look = (before: number, looks: number): void => {
    const left = untaken()
    if (left === 0 || looks === mostLooks) {
      then()
    } else {
      // The process's own timer: the reader has its time, whatever Clock the program runs under.
      setTimeout(look, lookMillis, left, left < before ? 0 : looks + 1)
    }
  }
  look(Number.POSITIVE_INFINITY, 0)
}
