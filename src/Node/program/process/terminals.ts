/**
 * The terminals of standard input, output and error: what they support, and whether one is closed while the process runs.
 */
import { closeSync } from "node:fs"
import { isatty } from "node:tty"
import { isTerminal } from "../../Screen.js"

let isDumbUsed = false

/** From now on, a terminal that says it is dumb is used as one that supports escape sequences. */
export const useDumb = (): void => {
  isDumbUsed = true
}

/** Whether a stream is a terminal with escape sequences. */
export const supportsEscapes = (stream: { readonly isTTY?: boolean }): boolean =>
  isTerminal(stream) || (isDumbUsed && stream.isTTY === true)

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
