/**
 * Finds arguments that are not UTF-8. Node decodes the command line as UTF-8 and replaces other bytes with U+FFFD.
 */
import { isUtf8 } from "node:buffer"
import { readFileSync } from "node:fs"

/** The index of the first argument whose bytes are not UTF-8. If the system does not provide the bytes, U+FFFD marks them. */
export const notUtf8 = (argv: ReadonlyArray<string>): number | undefined => {
  const bytes = commandLine()
  const found = argv.findIndex((argument, index) => {
    const original = bytes?.at(index - argv.length)
    return argument.includes("\ufffd") && (original === undefined || !isUtf8(original))
  })
  return found < 0 ? undefined : found
}

/** The arguments of this process as bytes. The program's own arguments are the last ones. */
const commandLine = (): ReadonlyArray<Buffer> | undefined => {
  let text: string
  try {
    text = readFileSync("/proc/self/cmdline", "latin1")
  } catch {
    return undefined
  }
  // Each argument ends with a NUL.
  return text
    .split("\0")
    .slice(0, -1)
    .map((argument) => Buffer.from(argument, "latin1"))
}
