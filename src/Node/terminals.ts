/**
 * The terminals among standard input, output and error, and what happens when one is closed while the process runs.
 */
import { closeSync } from "node:fs"
import { isatty } from "node:tty"

const atStart: ReadonlyArray<number> = [0, 1, 2].filter((descriptor) => isatty(descriptor))

/** Whether a terminal that was there at the start was closed since. */
export const isClosed = (): boolean => atStart.some((descriptor) => !isatty(descriptor))

/**
 * Closes the descriptors of terminals that were closed. At its exit Node sets the modes of the terminals back, and aborts
 * the process if a terminal refuses (`ResetStdio`); it passes over descriptors that are closed.
 */
export const leave = (): void => {
  for (const descriptor of atStart) {
    if (!isatty(descriptor)) {
      closeSync(descriptor)
    }
  }
}
