/**
 * Standard output whose reader leaves, or whose disk is full.
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
