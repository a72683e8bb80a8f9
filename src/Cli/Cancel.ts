/**
 * `halyard cancel`: stops a batch.
 */
import * as Effect from "effect/Effect"
import * as OneBatch from "./Batch/oneBatch.js"
import { database } from "./Batch/options.js"
import type { Command } from "./commandLine/Command.js"

const input = { database }

export const command: Command = {
  name: "cancel",
  usage: "[OPTION]... ID",
  summary: "Stop a batch on all runners. Saved files remain.",
  examples: [
    ["halyard cancel nightly", "of HALYARD_DATABASE"],
    ["halyard cancel nightly --database file:batches.db", "an SQLite file"]
  ],
  argument: { name: "ID", description: "The id that halyard submit has printed" },
  groups: { Input: input },
  notes: [
    "HALYARD_DATABASE names the database too. No runner is needed: the runners see",
    "within seconds that the batch is cancelled.",
    "Exit code: 0 the batch is cancelled or has ended, 1 there is no such batch,",
    "2 wrong command line."
  ],
  stopsAtArgument: false,
  read: (line) =>
    OneBatch.read(line, input, (id, _, url) =>
      Effect.flatMap(
        Effect.promise(() => import("./Cancel/cancel.js")),
        ({ cancel }) => cancel(id, url)
      )
    )
}
