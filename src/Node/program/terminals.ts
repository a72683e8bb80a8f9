/**
 * Detects a terminal of standard input, output or error that is closed while the process runs.
 */
import { closeSync } from "node:fs"
import { isatty } from "node:tty"

const terminalsAtStart: ReadonlyArray<number> = [0, 1, 2].filter((descriptor) => isatty(descriptor))

/** Whether a terminal was closed since the start. */
export const isClosed = (): boolean => terminalsAtStart.some((descriptor) => !isatty(descriptor))

/**
 * Closes the descriptors of closed terminals. At exit, Node restores the modes of terminals and aborts the process if this fails
 * (`ResetStdio`). It skips closed descriptors.
 */
export const closeDescriptors = (): void => {
  for (const descriptor of terminalsAtStart) {
    if (!isatty(descriptor)) {
      closeSync(descriptor)
    }
  }
}
