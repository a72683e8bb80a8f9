/**
 * The processes of the machine, as far as the owner of a part has to be found.
 *
 * @internal
 */
import { execFile, execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { codeOf } from "../DownloadError/diskErrors.js"
import * as ProcessTable from "../Store/kept/processTable.js"

/** Read once: it does not change while the process runs. */
export const own: Effect.Effect<ProcessTable.ProcessTable> = Effect.suspend(() => {
  table ??= Effect.runSync(
    Effect.map(ProcessTable.fromLinux(files), (found) => found ?? (process.platform === "linux" ? unseen : portable()))
  )
  return Effect.succeed(table)
})

let table: ProcessTable.ProcessTable | undefined

const uid = process.geteuid?.()

class Unreadable extends Data.TaggedError("Unreadable")<{ readonly code: string }> {}

const unreadable = (cause: unknown): Unreadable => new Unreadable({ code: codeOf(cause) })

// Small files of the kernel, which do not block.
const files: ProcessTable.LinuxFiles = {
  read: (path) => Effect.try({ try: () => Fs.readFileSync(path, "latin1"), catch: unreadable }),
  readLink: (path) => Effect.try({ try: () => Fs.readlinkSync(path), catch: unreadable }),
  uid: Effect.succeed(uid)
}

/** A Linux system without `/proc`. */
const unseen: ProcessTable.ProcessTable = { ...ProcessTable.none, uid }

const isWindows = process.platform === "win32"

/** macOS and BSD have `ps`. Windows tells only whether there is a process with a number. */
export const portable = (): ProcessTable.ProcessTable =>
  ProcessTable.make(
    {
      kernel: `${process.platform} ${Os.hostname()}`,
      machine: undefined,
      // The wall clock, because the start of the machine is the same for all processes. A test clock does not know it.
      boot: `time:${Math.round(Date.now() / 1000 - Os.uptime())}`,
      uid,
      pid: process.pid,
      start: () => (isWindows ? undefined : ownStart())
    },
    (pid) =>
      Effect.suspend(() => (isWindows || !isThere(pid) ? Effect.succeed(isThere(pid) ? "0" : undefined) : startOf(pid)))
  )

// The time in seconds, in a form that neither the language nor the time zone of the process changes.
const ps = (pid: number) =>
  [
    "ps",
    ["-o", "lstart=", "-p", `${pid}`],
    { encoding: "utf8", env: { ...process.env, LC_ALL: "C", TZ: "UTC" } }
  ] as const

const startIn = (lstart: string): string => {
  const seconds = Date.parse(`${lstart.trim()} UTC`) / 1000
  return Number.isNaN(seconds) ? "0" : seconds.toString(36)
}

const ownStart = (): string | undefined => {
  try {
    return startIn(execFileSync(...ps(process.pid)))
  } catch {
    // Then only the number of the process is compared.
    return undefined
  }
}

/** `ps` fails and writes nothing if there is no such process. */
const startOf = (pid: number): Effect.Effect<string | undefined, unknown> =>
  Effect.async((resume) => {
    execFile(...ps(pid), (error, stdout) => {
      resume(
        error === null ? Effect.succeed(startIn(stdout)) : isThere(pid) ? Effect.fail(error) : Effect.succeed(undefined)
      )
    })
  })

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return codeOf(cause) !== "ESRCH"
  }
}
