/**
 * `halyard submit`: stores a list as a batch, which runners carry out.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action, Command } from "./commandLine/Command.js"
import { readOptions } from "./commandLine/Option.js"
import { groups, options } from "./Submit/options.js"

export const command: Command = {
  name: "submit",
  usage: "[OPTION]... [URL]...",
  summary: "Download a list by many processes, on this machine or on many.",
  examples: [
    ["halyard submit --local -i urls.txt -d files", "all processors"],
    ["halyard submit --local --processes 2 -i urls.txt", "two processes"],
    ["halyard submit -i urls.txt -d /shared --id night", "by many machines"],
    ["halyard submit -i urls.txt -d s3://bucket/prefix", "into an object storage"]
  ],
  argument: { name: "URL...", description: "Files to download, by http: or https:" },
  groups,
  notes: [
    "Without --local, the batch needs --database or HALYARD_DATABASE, and runners.",
    "Options of transfers, such as -c and --proxy, belong to halyard runner then.",
    "For -d s3://..., each runner needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "With --local, each process has one shard at a time, and limits such as",
    "--per-origin and --rate are divided. Without --database, the batch is in memory.",
    "The id of the batch goes to standard output.",
    "Exit code: 0 submitted, or with --local all saved or skipped; 1 not, or some",
    "failed; 2 wrong command line; 130 or 143 interrupted."
  ],
  stopsAtArgument: false,
  read: (line, version) =>
    Either.map(
      readOptions(options, line.options),
      (): Action =>
        Effect.gen(function* () {
          const OptionSources = yield* Effect.promise(() => import("./Batch/optionSources.js"))
          const { submit } = yield* Effect.promise(() => import("./Submit/submit.js"))
          return yield* submit(line, yield* OptionSources.texts(options, line.options), version)
        })
    )
}
