/**
 * `halyard get`: any files, any number.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Action, Chosen } from "./Action.js"
import type { GetOptions } from "./Get/get.js"
import { integer, nonEmpty, seconds } from "./options.js"

const header = Options.text("header").pipe(
  Options.withPseudoName("NAME:VALUE"),
  Options.withAlias("H"),
  Options.withDescription("Send this header to the origin of the first URL, and to no other; may be repeated."),
  Options.repeated,
  // The value may be a secret, and is not shown.
  Options.mapEffect((texts) =>
    texts.every((text) => /^[^\s:]+:/.test(text))
      ? Effect.succeed(
          Object.fromEntries(
            texts.map((text) => [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1).trim()])
          )
        )
      : Effect.fail(ValidationError.invalidValue(HelpDoc.p("--header NAME:VALUE must have a name and a colon")))
  )
)

const options = {
  input: nonEmpty("input", "FILE").pipe(
    Options.withAlias("i"),
    Options.withDescription("Read URLs from FILE, one a line, or from standard input with '-'; # begins a comment."),
    Options.optional
  ),
  directory: nonEmpty("directory", "DIR").pipe(
    Options.withAlias("d"),
    Options.withDescription("Where the files are saved; made where it is missing. Default: here."),
    Options.withDefault(".")
  ),
  output: nonEmpty("output", "FILE").pipe(
    Options.withAlias("o"),
    Options.withDescription("Save the one URL as FILE."),
    Options.optional
  ),
  concurrency: integer("concurrency", "N", 1, 10_000).pipe(
    Options.withAlias("c"),
    Options.withDescription("Transfers at a time; default 8."),
    Options.withDefault(8)
  ),
  perOrigin: integer("per-origin", "M", 1, 10_000).pipe(
    Options.withDescription("Transfers at a time from one origin; default: as many as there are."),
    Options.optional
  ),
  retries: integer("retries", "N", 0, 1000).pipe(
    Options.withDescription("Attempts after the first, where the failure may pass; default 5."),
    Options.withDefault(5)
  ),
  timeout: seconds("timeout", "SECONDS").pipe(
    Options.withDescription("For one attempt as a whole; default: none but for silence and stalls."),
    Options.optional
  ),
  checksum: nonEmpty("checksum", "DIGEST").pipe(
    Options.withDescription("What the one URL's content must have: sha256:HEX, or a Subresource Integrity string."),
    Options.optional
  ),
  header,
  onExists: Options.choice("on-exists", ["skip", "overwrite", "fail", "unique"]).pipe(
    Options.withDescription(
      "What happens where the file is there already; unique gives the new one a number. Default skip, with --checksum overwrite."
    ),
    Options.optional
  ),
  durability: Options.choice("durability", ["full", "rename"]).pipe(
    Options.withDescription(
      "full: a saved file survives a power cut; rename: only the end of the program. Default full."
    ),
    Options.withDefault("full" as const)
  ),
  strict: Options.boolean("strict").pipe(
    Options.withDescription("Refuse content that nothing can verify: no length, no checksum.")
  ),
  publicOnly: Options.boolean("public-only").pipe(
    Options.withDescription("Refuse loopback, private and other addresses that are not public.")
  ),
  json: Options.boolean("json").pipe(
    Options.withDescription("Print one JSON object a line: each retry and outcome, then the report.")
  )
}

const urls = Args.text({ name: "URL" }).pipe(Args.withDescription("An http: or https: URL."), Args.repeated)

export const command = Command.make("get", { ...options, urls }, (parsed) => {
  const getOptions: GetOptions = {
    ...parsed,
    input: Option.getOrUndefined(parsed.input),
    output: Option.getOrUndefined(parsed.output),
    perOrigin: Option.getOrUndefined(parsed.perOrigin),
    timeout: Option.getOrUndefined(parsed.timeout),
    checksum: Option.getOrUndefined(parsed.checksum),
    // Content that is to be certain is not taken on trust because of its name.
    onExists: Option.getOrElse(parsed.onExists, () => (Option.isSome(parsed.checksum) ? "overwrite" : "skip"))
  }
  const action: Action = Effect.flatMap(
    Effect.promise(() => import("./Get/get.js")),
    ({ get }) => get(getOptions)
  )
  return Effect.flatMap(Chosen, (chosen) => chosen.set(action))
}).pipe(Command.withDescription("Download files, concurrently, whole or not at all."))
