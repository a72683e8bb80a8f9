/**
 * `halyard config`: the options of `halyard get` that are in force, and where they come from.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { displayText } from "../internal/text/displayUrl.js"
import * as Printable from "../internal/text/printable.js"
import type { Action, Command } from "./commandLine/Command.js"
import { flag, longName, nonEmpty, type Option, readOptions } from "./commandLine/Option.js"
import { groups as getGroups, options as getOptions } from "./Get/options.js"
import { Host } from "./Host.js"

const output = {
  config: nonEmpty("--config FILE", "Read options from FILE only", "file"),
  json: flag("--json", "Print one JSON object per option")
}

export const command: Command = {
  name: "config",
  usage: "[OPTION]...",
  summary: "Show the options of get that are in force, and where they come from.",
  examples: [
    ["halyard config", "one line per option"],
    ["halyard config --json", "for scripts"],
    ["halyard config --config ci.toml", "with this file only"],
    ["HALYARD_RETRIES=9 halyard config", "with a variable"]
  ],
  argument: { name: "", description: "" },
  groups: { Output: output },
  notes: [
    "An option is taken from the command line of get, or else from its variable",
    "(HALYARD_RETRIES), from the project (halyard.toml, or the key halyard of",
    "package.json), or from the user ($XDG_CONFIG_HOME/halyard/halyard.toml)."
  ],
  stopsAtArgument: false,
  read: (line) =>
    line.positional.length > 0
      ? Either.left(`config takes no argument, not '${Printable.excerpt(line.positional[0] ?? "")}'`)
      : Either.map(readOptions(output, line.options), show)
}

const show = (given: { readonly config: string | undefined; readonly json: boolean }): Action =>
  Effect.gen(function* () {
    const { load, merged } = yield* Effect.promise(() => import("./Config/configuration.js"))
    const { stdout } = yield* Host
    const { settings } = yield* load(getOptions, given.config)
    yield* merged(new Map(), settings)
    for (const option of Object.values(getGroups).flatMap(
      (group): ReadonlyArray<Option<unknown>> => Object.values(group)
    )) {
      const setting = settings.get(option)
      const value = setting === undefined ? defaultOf(option) : shown(option, setting.texts)
      if (value !== undefined) {
        const from = setting?.from ?? "default"
        stdout.write(
          given.json
            ? `${JSON.stringify({ option: longName(option).slice(2), value, from })}\n`
            : `${longName(option).slice(2)} = ${Printable.line(JSON.stringify(value))}  # ${Printable.line(from)}\n`
        )
      }
    }
    return 0
  })

/** The default, if it is a text or a number. Others stand in the help. */
const defaultOf = (option: Option<unknown>): string | number | undefined => {
  const value = Either.getOrUndefined(option.read(undefined))
  return typeof value === "string" || typeof value === "number" ? value : undefined
}

// The values of these options are, or may contain, a secret.
const secret = /^(?:header|user|cookie|proxy-user|data|.*(?:pass|token|secret).*)$/

const shown = (option: Option<unknown>, texts: ReadonlyArray<string> | undefined): unknown => {
  if (option.form._tag === "Flag") {
    return texts !== undefined
  }
  const values = (texts ?? []).map((text) => (secret.test(longName(option).slice(2)) ? "…" : displayText(text)))
  return option.form._tag === "Value" && option.form.isRepeated ? values : values[0]
}
