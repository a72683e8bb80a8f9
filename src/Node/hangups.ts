/**
 * Whether the program was started to outlive its terminal (`nohup`).
 *
 * `nohup` has SIGHUP ignored and then runs the program in its own place, and Node sets every signal back to its default
 * before any JavaScript runs. So the traces that `nohup` leaves elsewhere are looked at.
 */
import { fstatSync, readFileSync, readSync, statSync } from "node:fs"
import { basename } from "node:path"

export const areIgnored = (): boolean =>
  process.platform !== "win32" && (isNamed() || isStandardInputUnreadable() || isIgnoredByParent())

// Shells put the path of the command that they run there: bash, zsh, ksh.
const isNamed = (): boolean => basename(process.env["_"] ?? "") === "nohup"

// In place of a terminal, GNU `nohup` gives as standard input the null device, open for writing.
const isStandardInputUnreadable = (): boolean => {
  try {
    if (fstatSync(0).rdev !== statSync("/dev/null").rdev) {
      return false
    }
    readSync(0, new Uint8Array(1))
    return false
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EBADF"
  }
}

// A shell that runs under `nohup` cannot change that for the commands that it runs. Linux alone tells.
const isIgnoredByParent = (): boolean => {
  try {
    const status = readFileSync(`/proc/${process.ppid}/status`, "latin1")
    const [, ignored = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status) ?? []
    // SIGHUP is 1, in the lowest bit.
    return Number.parseInt(ignored.slice(-1), 16) % 2 === 1
  } catch {
    return false
  }
}
