/**
 * Finds arguments that Node has changed: it decodes a command line as UTF-8, and puts U+FFFD in the place of other bytes.
 */
import { isUtf8 } from "node:buffer"
import { readFileSync } from "node:fs"

/** The index of the first argument whose bytes are not UTF-8. Where the system does not show them, U+FFFD stands for such. */
export const notUtf8 = (argv: ReadonlyArray<string>): number | undefined => {
  const bytes = commandLine()
  const found = argv.findIndex((argument, index) => {
    const original = bytes?.at(index - argv.length)
    return argument.includes("\ufffd") && (original === undefined || !isUtf8(original))
  })
  return found < 0 ? undefined : found
}

/** The arguments of this process as they were given, the program's own last. */
const commandLine = (): ReadonlyArray<Buffer> | undefined => {
  let text: string
  try {
    text = readFileSync("/proc/self/cmdline", "latin1")
  } catch {
    return undefined
  }
  // Each ends with a NUL.
  return text
    .split("\0")
    .slice(0, -1)
    .map((argument) => Buffer.from(argument, "latin1"))
}
