/**
 * Standard output: what is written in one turn of the event loop by one call, and a reader that leaves, or a disk that is
 * full.
 */

// What a shell reports for a process that wrote to a closed pipe.
const brokenPipe = 141

/** Says why nothing more can be written, unless the reader has left: then there is nobody to tell it to. */
export const onError = (end: (exitCode: number) => void, isQuiet: () => boolean = () => false): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && !isQuiet()) {
      const why = error.code === "ENOSPC" ? "there is no space left" : (error.code ?? error.message)
      process.stderr.write(`halyard: cannot write standard output: ${why}\n`)
    }
    end(error.code === "EPIPE" ? brokenPipe : 1)
  })
  // Frames and messages that nobody can see cost nobody the work.
  process.stderr.on("error", () => {})
}

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
    // Comes back when a file or a pipe has taken it.
    process.stdout.write(text)
  }
}

/** Writes at once, behind everything before it. */
export const write = (text: string): void => {
  flush()
  process.stdout.write(text)
}
