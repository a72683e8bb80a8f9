/**
 * `halyard flags`: the chapter's downloader, with the options of its fuller version.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Printable from "../internal/printable.js"
import { type Action, Chosen } from "./Action.js"
import type { FlagsOptions } from "./Flags/download.js"
import { engines } from "./Flags/engines.js"
import { servers } from "./Flags/servers.js"
import { integer, nonEmpty, seconds } from "./options.js"

const server = Options.text("server").pipe(
  Options.withPseudoName("LABEL"),
  Options.mapEffect((text) => {
    const found = servers.find((label) => label === text.toUpperCase())
    return found === undefined
      ? Effect.fail(
          ValidationError.invalidValue(
            HelpDoc.p(`--server LABEL must be one of ${servers.join(", ")}, not '${Printable.line(text)}'`)
          )
        )
      : Effect.succeed(found)
  })
)

const options = {
  all: Options.boolean("all").pipe(
    Options.withAlias("a"),
    Options.withDescription("Fetch all available flags (AD to ZW).")
  ),
  every: Options.boolean("every").pipe(
    Options.withAlias("e"),
    Options.withDescription("Fetch a flag for every possible code (AA to ZZ); wins over --all and CC.")
  ),
  limit: integer("limit", "N", 1).pipe(
    Options.withAlias("l"),
    Options.withDescription("Fetch the first N of the sorted codes."),
    Options.optional
  ),
  maxReq: integer("max_req", "CONCURRENT", 1).pipe(
    Options.withAlias("m"),
    Options.withAlias("c"),
    Options.withAlias("concurrency"),
    Options.withDescription(
      `Concurrent requests at most; default ${Object.entries(engines)
        .map(([name, { concurrency }]) => `${concurrency} (${name})`)
        .join(", ")}.`
    ),
    Options.optional
  ),
  server: server.pipe(
    Options.withAlias("s"),
    Options.withDescription(
      "LOCAL answers at once, DELAY after 0.5 to 5 s, ERROR so too and one time in four with an error; REMOTE is the book's own site."
    ),
    Options.withDefault("LOCAL" as const)
  ),
  verbose: Options.boolean("verbose").pipe(
    Options.withAlias("v"),
    Options.withDescription("Print a line for each flag, and the count of each kind of outcome.")
  ),
  engine: Options.choice("engine", ["sequential", "threads", "fibers"]).pipe(
    Options.withDescription("What carries the requests out; the outcomes are the same."),
    Options.withDefault("fibers" as const)
  ),
  directory: nonEmpty("directory", "DIR").pipe(
    Options.withAlias("d"),
    Options.withDescription("Where the flags are saved, as DIR/cc.gif; made where it is missing."),
    Options.withDefault("downloads")
  ),
  baseUrl: Options.text("base-url").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription("Fetch URL/cc/cc.gif instead of starting a server."),
    Options.optional
  ),
  timeout: seconds("timeout", "SECONDS").pipe(
    Options.withDescription("For each request; default 3.1."),
    Options.withDefault(Duration.millis(3100))
  ),
  seed: integer("seed", "N", 0).pipe(
    Options.withDescription("What DELAY and ERROR draw from: the same N, the same each time. Default 1."),
    Options.withDefault(1)
  ),
  json: Options.boolean("json").pipe(
    Options.withDescription("Print one JSON object a line: an outcome for each flag, then the report.")
  )
}

const codes = Args.text({ name: "CC" }).pipe(
  Args.withDescription(
    "A country code, or its first letter (B for BA to BZ). Default: the 20 most populous countries."
  ),
  Args.repeated
)

export const command = Command.make("flags", { ...options, codes }, (parsed) => {
  const flagsOptions: FlagsOptions = {
    ...parsed,
    limit: Option.getOrUndefined(parsed.limit),
    maxReq: Option.getOrUndefined(parsed.maxReq),
    baseUrl: Option.getOrUndefined(parsed.baseUrl)
  }
  const action: Action = Effect.flatMap(
    Effect.promise(() => import("./Flags/download.js")),
    ({ download }) => download(flagsOptions)
  )
  return Effect.flatMap(Chosen, (chosen) => chosen.set(action))
}).pipe(Command.withDescription("Download country flags, concurrently."))
