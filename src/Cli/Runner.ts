/**
 * `halyard runner`: carries out the batches of a database.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Printable from "../internal/text/printable.js"
import type { Action, Command } from "./commandLine/Command.js"
import { readOptions } from "./commandLine/Option.js"
import { groups, options } from "./Runner/options.js"

export const command: Command = {
  name: "runner",
  usage: "[OPTION]...",
  summary: "Carry out the batches of a database, with its other runners.",
  examples: [
    ["halyard runner", "the database of HALYARD_DATABASE"],
    ["halyard runner --host 10.0.0.7", "other machines reach it there"],
    ["halyard runner --database file:batches.db", "the only one of an SQLite file"],
    ["halyard runner --health-port 7411", "GET /health answers 200 or 503"]
  ],
  argument: { name: "", description: "" },
  groups,
  notes: [
    "Each option can be a variable: HALYARD_DATABASE, HALYARD_HOST, HALYARD_PORT.",
    "Files in an object storage need AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "SIGTERM lets shards continue for three quarters of --drain. Then they are",
    "interrupted, and other runners continue them. A second signal ends at once.",
    "--per-origin, --origin-rate and --origin-limit-rate hold for all runners of the",
    "database together: give all runners the same. Other limits are of one runner.",
    "Only other runners should reach the port: messages are not authenticated.",
    "Exit code: 1 the database or the port cannot be used, 2 wrong command line,",
    "130 or 143 ended by a signal."
  ],
  stopsAtArgument: false,
  read: (line, version) =>
    line.positional.length > 0
      ? Either.left(`runner takes no argument, not '${Printable.excerpt(line.positional[0] ?? "")}'`)
      : Either.map(
          readOptions(options, line.options),
          (): Action =>
            Effect.gen(function* () {
              const OptionSources = yield* Effect.promise(() => import("./Batch/optionSources.js"))
              const { runner } = yield* Effect.promise(() => import("./Runner/runner.js"))
              return yield* runner(yield* OptionSources.texts(options, line.options), version)
            })
        )
}
