/**
 * `halyard clean`: lists and removes what interrupted runs have left.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action, Command } from "./commandLine/Command.js"
import { flag, readOptions } from "./commandLine/Option.js"
import * as BucketUrl from "./run/bucketUrl.js"

const input = {
  recursive: flag("-r, --recursive", "Also look into all directories below")
}

const behaviour = {
  dryRun: flag("-n, --dry-run", "Only list the parts, and remove nothing")
}

const output = {
  json: flag("--json", "Print one JSON object per part, and a report")
}

const options = { ...input, ...behaviour, ...output }

export const command: Command = {
  name: "clean",
  usage: "[OPTION]... [DIR]...",
  summary: "Remove the unfinished parts that earlier runs have left.",
  examples: [
    ["halyard clean", "the parts in the current directory"],
    ["halyard clean -n files", "only list the parts in files"],
    ["halyard clean -r files", "in files and in all directories below"],
    ["halyard clean s3://bucket/prefix", "in an object storage"]
  ],
  argument: { name: "DIR...", description: "Directories (default: the current one)" },
  groups: { Input: input, Output: output, Behaviour: behaviour },
  notes: [
    "A part that a running process uses is never removed. A part of another machine",
    "or container counts as in use if it was written to within the last hour.",
    "Exit code: 0 all well, 1 something could not be read or removed,",
    "2 wrong command line."
  ],
  stopsAtArgument: false,
  read: (line) =>
    Either.flatMap(readOptions(options, line.options), (values) =>
      Either.map(
        Either.all(line.positional.map((directory) => BucketUrl.directory(directory, "DIR"))),
        (directories): Action =>
          Effect.flatMap(
            Effect.promise(() => import("./Clean/clean.js")),
            ({ clean }) => clean(directories.length === 0 ? ["."] : directories, values)
          )
      )
    )
}
