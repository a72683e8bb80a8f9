/**
 * Runs of `halyard flags` in directories of their own, and what their output says.
 */
import * as Effect from "effect/Effect"
import { filesIn, type Options, run, temporaryDirectory } from "./program.js"

export const engines = ["sequential", "threads", "fibers"] as const

/** The chapter's 20 countries, sorted. */
export const populous: ReadonlyArray<string> = "BD BR CD CN DE EG ET FR ID IN IR JP MX NG PH PK RU TR US VN".split(" ")

/** On a busy machine, the 3.1 seconds that a request has by default are not enough. */
export const patient = (parameters: ReadonlyArray<string>): ReadonlyArray<string> =>
  parameters.some((parameter) => parameter.startsWith("--timeout"))
    ? ["flags", ...parameters]
    : ["flags", "--timeout=60", ...parameters]

/** Runs `halyard flags` with these parameters in an empty directory. */
export const flags = (parameters: ReadonlyArray<string>, options?: Options) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    const ended = yield* run(patient(parameters), { ...options, cwd })
    const directory = `${cwd}/downloads`
    return { ...ended, directory, lines: ended.stdout.split("\n"), saved: filesIn(directory) }
  })

/** The counts of the long report, by what is counted; of the short one, which all flags were saved for, its one count. */
export const countsIn = (stdout: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Array.from(
      stdout.matchAll(
        /^ *(\d+) (flag|error|not found|cancelled|not started)(?:s? downloaded\.| downloaded in .*|s?\.)$/gm
      ),
      ([, count, what = ""]) => [what, Number(count)]
    )
  )

export const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

/** The lines about single flags, sorted, without the port, which is another one each time. */
export const itemsIn = (stdout: string): ReadonlyArray<string> =>
  Array.from(stdout.matchAll(/^[A-Z]{2} (?:OK|skipped|cancelled|not started|not found: .+|error: .+)$/gm), ([line]) =>
    line.replace(/:\d+\//, ":PORT/")
  ).sort()
