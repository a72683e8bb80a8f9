/**
 * `halyard flags`: the chapter's downloader, with the options of its fuller version.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Printable from "../internal/text/printable.js"
import type { Action } from "./Action.js"
import { argumentsOf, type Command, given } from "./Command.js"
import type { FlagsOptions } from "./Flags/download.js"
import { engines } from "./Flags/engines.js"
import { servers } from "./Flags/servers.js"
import { choice, flag, integer, nonEmpty, seconds, text, withDefault } from "./options.js"

const options = {
  all: flag({ name: "all", aliases: ["a"], description: "Fetch all available flags (AD to ZW)." }),
  every: flag({
    name: "every",
    aliases: ["e"],
    description: "Fetch a flag for every possible code (AA to ZZ); wins over --all and CC."
  }),
  limit: integer({
    name: "limit",
    metavar: "N",
    minimum: 1,
    aliases: ["l"],
    description: "Fetch the first N of the sorted codes."
  }),
  maxReq: integer({
    name: "max_req",
    metavar: "CONCURRENT",
    minimum: 1,
    aliases: ["m", "c", "concurrency"],
    description: `Concurrent requests at most; default ${Object.entries(engines)
      .map(([name, { concurrency }]) => `${concurrency} (${name})`)
      .join(", ")}.`
  }),
  server: text(
    {
      name: "server",
      metavar: "LABEL",
      aliases: ["s"],
      description:
        "LOCAL (default) answers at once. DELAY answers after 0.5 to 5 s. ERROR is like DELAY, and answers one request in four with an error. REMOTE is the book's own site."
    },
    (label) => {
      const found = servers.find((candidate) => candidate === label.toUpperCase())
      return found === undefined
        ? Either.left(`--server LABEL must be one of ${servers.join(", ")}, not '${Printable.excerpt(label)}'`)
        : Either.right(found)
    }
  ),
  verbose: flag({
    name: "verbose",
    aliases: ["v"],
    description: "Print a line for each flag, and the count of each kind of outcome."
  }),
  engine: withDefault(
    choice({
      name: "engine",
      choices: ["sequential", "threads", "fibers"],
      description: "What carries the requests out; the outcomes are the same."
    }),
    "fibers" as const
  ),
  directory: withDefault(
    nonEmpty({
      name: "directory",
      metavar: "DIR",
      aliases: ["d"],
      description: "Where the flags are saved, as DIR/cc.gif; made where it is missing."
    }),
    "downloads"
  ),
  baseUrl: text(
    { name: "base-url", metavar: "URL", description: "Fetch URL/cc/cc.gif instead of starting a server." },
    (url) => Either.right(url)
  ),
  timeout: withDefault(
    seconds({ name: "timeout", metavar: "SECONDS", description: "For each request; default 3.1." }),
    Duration.millis(3100)
  ),
  seed: withDefault(
    integer({
      name: "seed",
      metavar: "N",
      minimum: 0,
      description: "What DELAY and ERROR draw from: the same N, the same each time. Default 1."
    }),
    1
  ),
  json: flag({
    name: "json",
    description: "Print one JSON object a line: an outcome for each flag, then the report."
  })
}

const codes = {
  name: "CC",
  description: "A country code, or its first letter (B for BA to BZ). Default: the 20 most populous countries.",
  isRepeated: true,
  problem: () => undefined
}

export const command: Command = {
  name: "flags",
  description:
    "Download country flags, concurrently. Exit code: 0 all saved, 1 some failed or not found, 2 the command line is wrong.",
  options,
  argument: codes,
  passThrough: false,
  read: (line) =>
    Either.map(
      Either.all({
        codes: argumentsOf(line, codes),
        all: given(line, options.all),
        every: given(line, options.every),
        limit: given(line, options.limit),
        maxReq: given(line, options.maxReq),
        server: given(line, options.server),
        verbose: given(line, options.verbose),
        engine: given(line, options.engine),
        directory: given(line, options.directory),
        baseUrl: given(line, options.baseUrl),
        timeout: given(line, options.timeout),
        seed: given(line, options.seed),
        json: given(line, options.json)
      }),
      (flagsOptions: FlagsOptions): Action =>
        Effect.flatMap(
          Effect.promise(() => import("./Flags/download.js")),
          ({ download }) => download(flagsOptions)
        )
    )
}
