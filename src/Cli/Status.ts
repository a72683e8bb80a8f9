/**
 * `halyard status`: the batches of a database, or how far one of them is.
 */
import * as Effect from "effect/Effect"
import * as OneBatch from "./Batch/oneBatch.js"
import { database, json, progress } from "./Batch/options.js"
import type { Command } from "./commandLine/Command.js"

const input = { database }

const output = { json, progress }

const options = { ...input, ...output }

export const command: Command = {
  name: "status",
  usage: "[OPTION]... [ID]",
  summary: "List the batches, or show how far one is.",
  examples: [
    ["halyard status", "a line for each batch"],
    ["halyard status nightly", "until the batch ends"],
    ["halyard status nightly --json", "for scripts"],
    ["halyard status nightly --progress none", "one line"]
  ],
  argument: { name: "ID", description: "The id that halyard submit has printed" },
  groups: { Input: input, Output: output },
  notes: [
    "HALYARD_DATABASE names the database too. No runner is needed.",
    "Without ID, the 100 newest batches are listed, as JSON one a line.",
    "Exit code: 0 the batch was found, 1 not, 2 wrong command line."
  ],
  stopsAtArgument: false,
  read: (line) =>
    line.positional.length === 0
      ? OneBatch.withDatabase(line, options, (values, url) =>
          Effect.flatMap(
            Effect.promise(() => import("./Status/list.js")),
            ({ list }) => list(url, values)
          )
        )
      : OneBatch.read(line, options, (id, values, url) =>
          Effect.flatMap(
            Effect.promise(() => import("./Status/status.js")),
            ({ status }) => status(id, url, values)
          )
        )
}
