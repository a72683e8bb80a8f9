/**
 * The lines that a command with `--json` has printed. Each is read by its schema.
 */
import * as Either from "effect/Either"
import * as EventLine from "../../../src/EventLine.js"

export const linesOf = (stdout: string): ReadonlyArray<EventLine.EventLine> =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((text) => {
      const line = Either.getOrThrow(EventLine.decode(text))
      if (EventLine.toText(line) !== `${text}\n`) {
        throw new Error(`a line is read as another one: ${text}`)
      }
      return line
    })

/** The lines of the outcomes, in the order in which they were printed. */
export const outcomesOf = (stdout: string): ReadonlyArray<typeof EventLine.Finished.Type> =>
  linesOf(stdout).flatMap((line) => (line.event === "Finished" ? [line] : []))

/** The line at the end. Fails if the last line is another one. */
export const endOf = (stdout: string): typeof EventLine.Report.Type => {
  const last = linesOf(stdout).at(-1)
  if (last?.event !== "Report") {
    throw new Error(`the last line is ${JSON.stringify(last)}`)
  }
  return last
}

/** The counts of the line at the end. */
export const reportOf = (stdout: string): (typeof EventLine.Report.Type)["report"] => endOf(stdout).report
