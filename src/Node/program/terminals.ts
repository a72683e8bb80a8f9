/**
 * Detects and handles terminals among standard input, output and error that are closed while the process runs.
 */
import { closeSync } from "node:fs"
import { isatty } from "node:tty"

const atStart: ReadonlyArray<number> = [0, 1, 2].filter((descriptor) => isatty(descriptor))

/** Whether a terminal of the start was closed since. */
export const isClosed = (): boolean => atStart.some((descriptor) => !isatty(descriptor))

/**
 * Closes the descriptors of closed terminals. At exit, Node restores the modes of terminals and aborts the process if this fails
 * (`ResetStdio`). It skips closed descriptors.
 */
export const leave = (): void => {
  for (const descriptor of atStart) {
    if (!isatty(descriptor)) {
      closeSync(descriptor)
    }
  }
}
