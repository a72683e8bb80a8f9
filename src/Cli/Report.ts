/**
 * `halyard report`: makes a page or a HAR file of a run from the lines that it has printed.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as OneBatch from "./Batch/oneBatch.js"
import type { Action, Command } from "./commandLine/Command.js"
import { readOptions } from "./commandLine/Option.js"
import type { Line } from "./commandLine/parse.js"
import { groups, type Options, options } from "./Report/options.js"

export const command: Command = {
  name: "report",
  usage: "[OPTION]... [FILE]",
  summary: "Show a run that has printed JSON lines, or a batch.",
  examples: [
    ["halyard report run.ndjson --html run.html", "after halyard get --json > run.ndjson"],
    ["halyard report run.ndjson --har run.har", "for the network panel of a browser"],
    ["halyard report --batch nightly --html night.html", "a batch"]
  ],
  argument: { name: "FILE", description: "Lines of 'halyard get --json' (-: stdin)" },
  groups,
  notes: [
    "The page has no pictures: the files of the lines are not opened.",
    "A run that was killed may have left a last line that is cut off.",
    "The page of a batch has its shards and its failed files.",
    "With --batch, the exit code is that of get, and 1 if the batch has not ended.",
    "Exit code: 0 all well, 1 if some lines could not be read or the output",
    "could not be written, 2 wrong command line."
  ],
  stopsAtArgument: false,
  read: (line, version) =>
    Either.flatMap(readOptions(options, line.options), (values) =>
      values.batch === undefined ? ofFile(line, values, version) : ofBatch(line, values.batch, values, version)
    )
}

const ofFile = (line: Line, values: Options, version: string): Either.Either<Action, string> => {
  const [file, ...more] = line.positional
  return file === undefined || file === "" || more.length > 0
    ? Either.left("give one FILE, with the lines of a run, or - for standard input")
    : values.json || values.database !== undefined
      ? Either.left(`${values.json ? "--json" : "--database URL"} is for --batch ID`)
      : values.html === undefined && values.har === undefined
        ? Either.left("give the file to write: --html FILE or --har FILE")
        : Either.right(
            Effect.flatMap(
              Effect.promise(() => import("./Report/report.js")),
              ({ report }) => report(file, values, version)
            )
          )
}

const ofBatch = (line: Line, id: string, values: Options, version: string): Either.Either<Action, string> =>
  line.positional.length > 0
    ? Either.left("give FILE or --batch ID, and not both")
    : values.har !== undefined
      ? Either.left("--har FILE is for the lines of a run: a batch does not keep its requests")
      : OneBatch.read({ ...line, positional: [id] }, options, (batch, { html, json }, url) =>
          Effect.flatMap(
            Effect.promise(() => import("./Report/batch.js")),
            ({ ofBatch }) => ofBatch(batch, url, { html, json, version })
          )
        )
