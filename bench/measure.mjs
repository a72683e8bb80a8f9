// Runs one program as a whole process and says what it took.
//
// GNU time gives the user and system time of the process and of all its descendants that were waited for, and the peak
// resident memory of the largest of them (wait4(2)); the wall clock is this process's own, from spawn to exit.
import { execFileSync, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

const gnuTime = "/usr/bin/time"

export const hasGnuTime = () => {
  try {
    execFileSync(gnuTime, ["-f", "%e %U %S %M", "true"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const groups = new Set()
let over = false

/** Kills what is being measured, and begins nothing more; for the end of the benchmarks. */
export const killMeasured = () => {
  over = true
  for (const pid of groups) {
    try {
      process.kill(-pid, "SIGKILL")
    } catch {
      // It is gone already.
    }
  }
}

// Without the settings, proxies and options of the user who runs the benchmarks.
const environmentOf = (home, caches) => ({
  PATH: process.env.PATH,
  HOME: home,
  XDG_CACHE_HOME: caches,
  LANG: "C.UTF-8",
  PYTHONDONTWRITEBYTECODE: "1"
})

const lastLine = (text) =>
  text
    .trim()
    .split(/[\r\n]+/)
    .at(-1)
    ?.trim() ?? ""

// Node's last line is its version.
const complaint = (text) =>
  text
    .split(/[\r\n]+/)
    .find((line) => /error/i.test(line))
    ?.trim() ?? lastLine(text)

const quoted = (argument) => `'${argument.replaceAll("'", "'\\''")}'`

// On a pseudo-terminal, GNU time runs inside of it, so the figures are those of the program alone.
const onTerminal = (words) => [
  "script",
  ["--quiet", "--return", "--command", `stty rows 40 cols 120; exec ${words.map(quoted).join(" ")}`, "/dev/null"]
]

/** Whether `terminal` can be measured: util-linux has `script`, which makes a pseudo-terminal. */
export const hasTerminals = () => {
  try {
    execFileSync("script", ["--quiet", "--return", "--command", "stty rows 40 cols 120", "/dev/null"], {
      stdio: "ignore"
    })
    return true
  } catch {
    return false
  }
}

/**
 * @param {{ command: string, args: Array<string>, input?: string, scratch: string, limitMinutes?: number,
 *   onStart?: (child: import("node:child_process").ChildProcess) => void, output?: "none" | "file" | "kept", caches?: string,
 *   environment?: Record<string, string>, terminal?: boolean }} program
 * `input` is a file; with `onStart` the input is a pipe. All runs share a directory for caches, but for those with `caches`.
 * `output` is where standard output goes: nowhere, into a file, or into a file that the result has. With `terminal`, the
 * program has a pseudo-terminal of 120 columns.
 */
export const measure = ({
  command,
  args,
  input,
  scratch,
  onStart,
  caches = join(dirname(scratch), "caches"),
  environment = {},
  output = "none",
  terminal = false,
  limitMinutes = 5
}) =>
  new Promise((resolve) => {
    const [timeFile, outFile, errorFile] = ["time", "stdout", "stderr"].map((name) => join(scratch, name))
    const stdin = onStart !== undefined ? "pipe" : input === undefined ? "ignore" : openSync(input, "r")
    const out = openSync(output === "none" && !terminal ? "/dev/null" : outFile, "w")
    const error = openSync(errorFile, "w")
    const begun = performance.now()
    const timed = ["-f", "%e %U %S %M", "-o", timeFile, command, ...args]
    const [program, words] = terminal ? onTerminal([gnuTime, ...timed]) : [gnuTime, timed]
    const child = spawn(program, words, {
      cwd: scratch,
      env: { ...environmentOf(scratch, caches), ...(terminal ? { TERM: "xterm-256color" } : {}), ...environment },
      stdio: [stdin, out, error],
      detached: true
    })
    groups.add(child.pid)
    let late = false
    // Ends a program that hangs. Real time, because the program is another process. Ends with the program.
    const limit = setTimeout(() => {
      late = true
      process.kill(-child.pid, "SIGKILL")
    }, limitMinutes * 60_000)
    child.on("error", (cause) => {
      clearTimeout(limit)
      resolve({ failure: cause.message })
    })
    child.on("exit", (code, signal) => {
      if (over) {
        return
      }
      const wallSeconds = (performance.now() - begun) / 1000
      clearTimeout(limit)
      groups.delete(child.pid)
      for (const descriptor of [stdin, out, error]) {
        if (typeof descriptor === "number") {
          closeSync(descriptor)
        }
      }
      if (late) {
        resolve({ failure: `still running after ${limitMinutes} minutes`, late })
      } else if (code !== 0) {
        resolve({
          failure: `${signal ?? `exit code ${code}`}: ${complaint(readFileSync(terminal ? outFile : errorFile, "utf8"))}`
        })
      } else {
        const [, user, system, kibibytes] = lastLine(readFileSync(timeFile, "utf8")).split(" ").map(Number)
        resolve({
          wallSeconds,
          cpuSeconds: user + system,
          rssBytes: kibibytes * 1024,
          ...(output === "kept" ? { output: readFileSync(outFile, "utf8") } : {})
        })
      }
    })
    onStart?.(child)
  })
