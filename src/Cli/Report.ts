/**
 * `halyard report`: makes a page or a HAR file of a run from the lines that it has printed.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action, Command } from "./Command.js"
import { readOptions } from "./Option.js"
import { groups, options } from "./Report/options.js"

export const command: Command = {
  name: "report",
  usage: "[OPTION]... FILE",
  summary: "Show a run that has printed JSON lines.",
  examples: [
    ["halyard report run.ndjson --html run.html", "after halyard get --json > run.ndjson"],
    ["halyard report run.ndjson --har run.har", "for the network panel of a browser"]
  ],
  argument: { name: "FILE", description: "Lines of 'halyard get --json' (-: stdin)" },
  groups,
  notes: [
    "The page has no pictures: the files of the lines are not opened.",
    "A run that was killed may have left a last line that is cut off.",
    "Exit code: 0 all well, 1 if some lines could not be read or the output",
    "could not be written, 2 wrong command line."
  ],
  stopsAtArgument: false,
  read: (line, version) =>
    Either.flatMap(readOptions(options, line.options), (values) => {
      const [file, ...more] = line.positional
      return file === undefined || file === "" || more.length > 0
        ? Either.left("give one FILE, with the lines of a run, or - for standard input")
        : values.html === undefined && values.har === undefined
          ? Either.left("give the file to write: --html FILE or --har FILE")
          : Either.right(
              Effect.flatMap(
                Effect.promise(() => import("./Report/report.js")),
                ({ report }) => report(file, values, version)
              ) satisfies Action
            )
    })
}
