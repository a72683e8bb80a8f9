/**
 * The commands as `@effect/cli` knows them: for help, completions, the wizard, and what is wrong with a line. It is
 * loaded for these only; what a line means is read by the commands themselves.
 */
import * as Args from "@effect/cli/Args"
import type * as CliApp from "@effect/cli/CliApp"
import * as CliConfig from "@effect/cli/CliConfig"
import * as CliCommand from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Terminal from "@effect/platform/Terminal"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Maybe from "effect/Option"
import * as Record from "effect/Record"
import * as Printable from "../internal/text/printable.js"
import type { Line } from "./arguments.js"
import type { Argument, Command, Option, Texts } from "./Command.js"
import { UsageError } from "./UsageError.js"

/** What `@effect/cli` made of a line: a command and its line, or something printed. */
export interface Reading {
  readonly chosen: { readonly command: Command; readonly line: Line } | undefined
  readonly printed: string
}

export interface Program {
  readonly name: string
  readonly description: string
  readonly version: string
  readonly hasColors: boolean
  readonly commands: readonly [Command, ...Array<Command>]
}

/** Reads a line in canonical form. The wizard prints by itself. */
export const read = (
  program: Program,
  line: ReadonlyArray<string>
): Effect.Effect<Reading, UsageError, CliApp.CliApp.Environment> =>
  Effect.suspend(() => {
    let chosen: Reading["chosen"]
    let printed = ""
    const capture = (text: unknown) =>
      Effect.sync(() => {
        printed += `${String(text)}\n`
      })
    const reading = CliCommand.run(
      rootOf(program),
      program
    )(["node", program.name, ...line]).pipe(
      Effect.provideService(Chosen, {
        set: (command, line) =>
          Effect.sync(() => {
            chosen = { command, line }
          })
      }),
      Effect.provide(CliConfig.layer({ isCaseSensitive: true })),
      Effect.mapError((error) => new UsageError({ rule: ruleOf(error) }))
    )
    return (
      asksFor(line, "--wizard")
        ? program.hasColors
          ? reading
          : withoutColors(reading)
        : Console.consoleWith((console) =>
            Effect.withConsole(reading, { ...console, log: capture, error: () => Effect.void })
          )
    ).pipe(Effect.map(() => ({ chosen, printed })))
  })

/** Whether an option stands on a line in canonical form, and not only its name as an argument. */
export const asksFor = (line: ReadonlyArray<string>, option: string): boolean =>
  line.includes(option) && !line.includes("--")

// Select Graphic Rendition (ECMA-48 §8.3.117). The other sequences of a prompt move the cursor.
const colors = /\u001b\[[0-9;]*m/g

/** Removes colours from the output of the wizard. */
const withoutColors = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Terminal.Terminal> =>
  Console.consoleWith((console) =>
    Effect.withConsole(effect, { ...console, log: (text) => console.log(String(text).replace(colors, "")) })
  ).pipe(
    Effect.updateService(Terminal.Terminal, (terminal) => ({
      ...terminal,
      display: (text) => terminal.display(text.replace(colors, ""))
    }))
  )

class Chosen extends Context.Tag("halyard/Cli/Chosen")<
  Chosen,
  { readonly set: (command: Command, line: Line) => Effect.Effect<void> }
>() {}

const rootOf = ({ commands: [first, ...others], description, name }: Program) =>
  CliCommand.make(name).pipe(
    CliCommand.withDescription(description),
    CliCommand.withSubcommands([commandOf(first), ...others.map(commandOf)])
  )

const commandOf = (command: Command) =>
  CliCommand.make(
    command.name,
    { options: Options.all(Record.map(command.options, optionOf)), positional: argumentOf(command.argument) },
    (parsed) =>
      Effect.flatMap(Chosen, (chosen) =>
        chosen.set(command, {
          options: Object.entries(command.options).flatMap(([key, { name }]) => {
            const values = parsed.options[key]
            return values === undefined ? [] : [{ name: `--${name}`, values }]
          }),
          positional: parsed.positional ?? []
        })
      )
  ).pipe(CliCommand.withDescription(command.description))

const optionOf = (option: Option<unknown>): Options.Options<Texts | undefined> => {
  const { aliases, description, form, name } = option
  const named = <A>(options: Options.Options<A>) =>
    aliases.reduce((all, alias) => Options.withAlias(all, alias), options).pipe(Options.withDescription(description))
  const valid = (texts: Texts): Effect.Effect<Texts, ValidationError.ValidationError> =>
    Either.match(option.read(texts), {
      onLeft: (rule) => Effect.fail(ValidationError.invalidValue(HelpDoc.p(rule))),
      onRight: () => Effect.succeed(texts)
    })
  switch (form._tag) {
    case "Flag":
      return Options.map(named(Options.boolean(name)), (isGiven) => (isGiven ? [] : undefined))
    case "Choice":
      return optional(Options.map(named(Options.choice(name, form.choices)), (text) => [text]))
    case "Text":
      return optional(
        named(
          Options.text(name).pipe(
            Options.withPseudoName(form.metavar),
            Options.mapEffect((text) => valid([text]))
          )
        )
      )
    case "Texts":
      return named(Options.text(name).pipe(Options.withPseudoName(form.metavar))).pipe(
        Options.repeated,
        Options.mapEffect(valid),
        Options.map((texts) => (texts.length === 0 ? undefined : texts))
      )
  }
}

const optional = (options: Options.Options<Texts>): Options.Options<Texts | undefined> =>
  Options.map(Options.optional(options), Maybe.getOrUndefined)

const argumentOf = ({ description, isRepeated, name, problem }: Argument): Args.Args<Texts | undefined> => {
  const text = Args.text({ name }).pipe(
    Args.withDescription(description),
    Args.mapEffect((text) => {
      const rule = problem(text)
      return rule === undefined ? Effect.succeed(text) : Effect.fail(HelpDoc.p(rule))
    })
  )
  return isRepeated ? Args.repeated(text) : Args.map(Args.optional(text), Maybe.toArray)
}

const ruleOf = (error: ValidationError.ValidationError): string =>
  Printable.withoutEscapes(HelpDoc.toAnsiText(error.error)).replace(/\s+/g, " ").trim()
