/**
 * `halyard flags`: the downloader of the chapter.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action, Command } from "./commandLine/Command.js"
import { readOptions } from "./commandLine/Option.js"
import { engines, groups, options } from "./Flags/options.js"

export const command: Command = {
  name: "flags",
  usage: "[OPTION]... [CC]...",
  summary: "Download country flags, many at a time.",
  examples: [
    ["halyard flags", "20 flags into downloads"],
    ["halyard flags BR CN -v", "two countries"],
    ["halyard flags --all -c 20 -d flags", "all flags, 20 at a time"],
    ["halyard flags IN US --engine threads --json", "in threads, and as JSON"]
  ],
  argument: { name: "CC...", description: "Codes, or first letters (default: the top 20)" },
  groups,
  notes: [
    "The top 20 are the 20 most populous countries. B means BA to BZ.",
    "LOCAL answers at once, DELAY after 0.5 to 5 seconds, ERROR after the same delay",
    "and one time in four with an error. REMOTE is the site of the book.",
    `Requests at a time: ${Object.entries(engines)
      .map(([name, { concurrency }]) => `${name} ${concurrency}`)
      .join(", ")}.`,
    "Exit code: 0 all saved, 1 some failed or not found, 2 wrong command line,",
    "130 or 143 interrupted."
  ],
  stopsAtArgument: false,
  read: (line, version) =>
    Either.map(
      readOptions(options, line.options),
      (values): Action =>
        Effect.flatMap(
          Effect.promise(() => import("./Flags/download.js")),
          ({ download }) => download(line.positional, values, version)
        )
    )
}
