/**
 * Detects whether the program was started to outlive its terminal (`nohup`).
 *
 * `nohup` ignores SIGHUP and then replaces itself with the program. But Node resets every signal to its default before any
 * JavaScript runs. So this module looks for other traces of `nohup`.
 */
import { fstatSync, readFileSync, readSync, statSync } from "node:fs"
import { basename } from "node:path"

export const ignoresHangups = (): boolean =>
  process.platform !== "win32" && (isNamed() || isStandardInputUnreadable() || isIgnoredByParent())

// The shells bash, zsh and ksh set `_` to the path of the command that they run.
const isNamed = (): boolean => basename(process.env["_"] ?? "") === "nohup"

// GNU `nohup` replaces a terminal as standard input with the null device, open only for writing.
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

// A shell under `nohup` cannot change this for its commands. Only Linux reports it.
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
