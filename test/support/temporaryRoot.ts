/**
 * One directory for the temporary files of a test run: those of tests, servers, browsers and the test runner.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"

const prefix = "halyard-tests-"

/** Makes the directory, and removes it when this process exits. Also removes the directories of killed runs. */
export const useTemporaryRoot = (): void => {
  const root = tmpdir()
  // The configuration is read more than once.
  if (basename(root).startsWith(prefix)) {
    return
  }
  for (const name of readdirSync(root)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (pid > 0 && hasEnded(pid)) {
      remove(join(root, name))
    }
  }
  const own = mkdtempSync(join(root, `${prefix}${process.pid}-`))
  // Some servers run as other users.
  chmodSync(own, 0o755)
  process.env["TMPDIR"] = own
  process.once("exit", () => remove(own))
}

const remove = (directory: string): void => {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    // A process still writes to it, or it belongs to another user. The next run removes it.
  }
}

const hasEnded = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && Reflect.get(error, "code") === "ESRCH"
  }
}
