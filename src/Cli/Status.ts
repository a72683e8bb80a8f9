/**
 * `halyard status`: how far a batch is.
 */
import * as Effect from "effect/Effect"
import * as OneBatch from "./Batch/oneBatch.js"
import { database, json, progress } from "./Batch/options.js"
import type { Command } from "./Command.js"

const input = { database }

const output = { json, progress }

const options = { ...input, ...output }

export const command: Command = {
  name: "status",
  usage: "[OPTION]... ID",
  summary: "Show how far a batch is.",
  examples: [
    ["halyard status nightly", "until the batch ends"],
    ["halyard status nightly --json", "for scripts"],
    ["halyard status nightly --progress none", "one line"],
    ["halyard status nightly --database file:batches.db", "an SQLite file"]
  ],
  argument: { name: "ID", description: "The id that halyard submit has printed" },
  groups: { Input: input, Output: output },
  notes: [
    "HALYARD_DATABASE names the database too. No runner is needed.",
    "Exit code: 0 the batch was found, 1 not, 2 wrong command line."
  ],
  stopsAtArgument: false,
  read: (line) =>
    OneBatch.read(line, options, (id, values, url) =>
      Effect.flatMap(
        Effect.promise(() => import("./Status/status.js")),
        ({ status }) => status(id, url, values)
      )
    )
}
