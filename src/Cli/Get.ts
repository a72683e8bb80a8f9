/**
 * `halyard get`: downloads the files of URLs and lists.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action, Command } from "./commandLine/Command.js"
import { readOptions } from "./commandLine/Option.js"
import { groups, options } from "./Get/options.js"
import { Host } from "./Host.js"
import { UsageError } from "./UsageError.js"

export const command: Command = {
  name: "get",
  usage: "[OPTION]... [URL]...",
  summary: "Download files, many at a time, each whole or not at all.",
  examples: [
    ["halyard https://example.com/data.zip", "save data.zip here"],
    ["halyard get -i urls.txt -d files -c 32", "a list, 32 at a time"],
    ["halyard get -o - https://example.com/a.csv | wc -l", "to standard output"],
    ["halyard get -H @key.txt https://example.com/a.zip", "send headers of a file"]
  ],
  argument: { name: "URL...", description: "Files to download, by http: or https:" },
  groups,
  notes: [
    "'halyard URL' means 'halyard get URL'.",
    "A list has a URL per line, or is an input file of aria2, NDJSON, CSV with a",
    "column url, or checksums. # at the start or after white space begins a comment.",
    "A file that is there is kept if it came from this URL and has not changed, or",
    "if the server's file has the same size. --on-exists unique adds a number.",
    "-d s3://... needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and reads",
    "AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL.",
    "With --durability rename, a file survives a crash of the program only.",
    "If --connect-timeout, --headers-timeout or --speed-time ends an attempt, the",
    "next attempt has twice that time.",
    "@FILE has one header per line; @- is standard input.",
    "--no-json and --mtime switch off --json and --no-mtime of a settings file.",
    "SIZE is in bytes: 1000, 64k or 64KiB (times 1024), 2MB (times 1000 x 1000).",
    "Exit code: 0 all saved or skipped, 1 some failed, 2 wrong command line,",
    "130 or 143 interrupted."
  ],
  stopsAtArgument: false,
  read: (line, version) =>
    Either.map(
      readOptions(options, line.options),
      ({ config, jsonSchema }): Action =>
        Effect.gen(function* () {
          if (jsonSchema) {
            return yield* printSchema
          }
          const { load, merged } = yield* Effect.promise(() => import("./Config/configuration.js"))
          const { files, settings } = yield* load(options, config)
          const { sources, texts } = yield* merged(line.options, settings)
          const values = yield* Either.mapLeft(readOptions(options, texts), (message) => new UsageError({ message }))
          const { get } = yield* Effect.promise(() => import("./Get/get.js"))
          return yield* get(line.positional, values, { sources, files }, version)
        })
    )
}

const printSchema: Action = Effect.flatMap(Host, ({ stdout }) =>
  Effect.map(
    Effect.promise(() => import("../EventLine.js")),
    ({ jsonSchema }) => {
      stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`)
      return 0
    }
  )
)
