/**
 * A command as it is declared, once: for the reader of lines (`Cli/arguments`), and for `@effect/cli`, which prints its
 * help and says what is wrong with a line.
 */
import * as Either from "effect/Either"
import * as Printable from "../internal/text/printable.js"
import type { Action } from "./Action.js"
import type * as Arguments from "./arguments.js"

/** What stands behind an option on a line: nothing behind a flag, else a text for each time it was given. */
export type Texts = ReadonlyArray<string>

/** An option, and what its texts mean to the command. */
export interface Option<out A> {
  /** The longest name, without hyphens, as the others are. */
  readonly name: string
  readonly aliases: ReadonlyArray<string>
  readonly description: string
  readonly form: Form
  /** What was given, `undefined` for nothing; or the rule that it breaks, as a sentence. */
  readonly read: (texts: Texts | undefined) => Either.Either<A, string>
}

export type Form =
  | { readonly _tag: "Flag" }
  | { readonly _tag: "Choice"; readonly choices: ReadonlyArray<string> }
  | { readonly _tag: "Text"; readonly metavar: string }
  | { readonly _tag: "Texts"; readonly metavar: string }

/** What stands on a line beside the options. */
export interface Argument {
  readonly name: string
  readonly description: string
  readonly isRepeated: boolean
  /** The rule that a text breaks. */
  readonly problem: (text: string) => string | undefined
}

export interface Command {
  readonly name: string
  readonly description: string
  /** In the order of the help. */
  readonly options: Readonly<Record<string, Option<unknown>>>
  readonly argument: Argument
  /** Whether all that follows the first argument belongs to it, as for a command that runs another. */
  readonly passThrough: boolean
  /** What a line stands for, or the first rule that it breaks. */
  readonly read: (line: Arguments.Line) => Either.Either<Action, string>
}

/** What an option of a line means. */
export const given = <A>(line: Arguments.Line, option: Option<A>): Either.Either<A, string> =>
  option.read(line.options.find(({ name }) => name === `--${option.name}`)?.values)

/** What the reader of lines has to know of a command. */
export const specOf = (command: Command): Arguments.Spec => ({
  options: Object.values(command.options).map(({ aliases, form, name }) => ({
    names: [
      ...aliases.filter(isShort).map((text) => `-${text}`),
      ...[name, ...aliases.filter(isLong)].map((text) => `--${text}`)
    ],
    takesValue: form._tag !== "Flag",
    repeated: form._tag === "Texts",
    choices: form._tag === "Choice" ? form.choices : undefined
  })),
  passThrough: command.passThrough
})

const isShort = (name: string): boolean => name.length === 1

const isLong = (name: string): boolean => !isShort(name)

/** The texts beside the options, each by its rule. */
export const argumentsOf = (line: Arguments.Line, { isRepeated, problem }: Argument): Either.Either<Texts, string> => {
  const texts = line.positional
  const broken = texts.map(problem).find((rule) => rule !== undefined)
  const [, second] = texts
  return broken !== undefined
    ? Either.left(broken)
    : isRepeated || second === undefined
      ? Either.right(texts)
      : Either.left(`the command takes one argument, and '${Printable.line(second)}' is a second one`)
}

/** Whether `@effect/cli` reads a line as it is meant: it may take a value that begins with a hyphen for an option. */
export const isPlain = (line: Arguments.Line): boolean =>
  line.options.every(({ values }) => values.every((value) => !value.startsWith("-")))
