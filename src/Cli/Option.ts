/**
 * The options of a command. An option checks its own value, and the error for a wrong value states the rule.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Record from "effect/Record"
import * as Printable from "../internal/text/printable.js"

/** An option, with the function that reads its value. */
export interface Option<out A> extends Declaration {
  readonly form: Form
  /** Returns the value for the given texts, or the rule that a text violates, as a sentence. */
  readonly read: (texts: ReadonlyArray<string> | undefined) => Either.Either<A, string>
}

export type Form =
  | { readonly _tag: "Flag" }
  | { readonly _tag: "Choice"; readonly metavar: string; readonly choices: ReadonlyArray<string> }
  | {
      readonly _tag: "Value"
      readonly metavar: string
      readonly isRepeated: boolean
      /** The kind of path that a shell offers as the value. */
      readonly completion: "file" | "directory" | undefined
    }

export interface Declaration {
  /** With hyphens, short names first: `["-c", "--concurrency"]`. */
  readonly names: readonly [string, ...Array<string>]
  /** One line of at most 47 characters: the effect, the unit, the default. */
  readonly description: string
}

interface ValueDeclaration extends Declaration {
  /** The name of the value in help and errors. */
  readonly metavar: string
  readonly completion?: "file" | "directory" | undefined
}

export type Options = Readonly<Record<string, Option<unknown>>>

/** The values of some options. */
export type Values<O extends Options> = {
  readonly [key in keyof O]: O[key] extends Option<infer A> ? A : never
}

/** The texts of the options that were given. */
export type Texts = ReadonlyMap<Option<unknown>, ReadonlyArray<string>>

/** Returns the values of `options`, or the rule that a text violates. */
export function readOptions<O extends Options>(options: O, texts: Texts): Either.Either<Values<O>, string>
export function readOptions(options: Options, texts: Texts): Either.Either<object, string> {
  return Either.all(Record.map(options, (option) => option.read(texts.get(option))))
}

/** The first long name, without its value. */
export const longName = ({ names }: Pick<Declaration, "names">): string =>
  names.find((name) => name.startsWith("--")) ?? names[0]

/** An option without a value. */
export const flag = (declaration: Declaration): Option<boolean> => ({
  ...declaration,
  form: { _tag: "Flag" },
  read: (texts) => Either.right(texts !== undefined)
})

/** An option with one of several words. */
export const choice = <const A extends string>(
  declaration: ValueDeclaration & { readonly choices: ReadonlyArray<A> }
): Option<A | undefined> => ({
  ...declaration,
  form: { _tag: "Choice", metavar: declaration.metavar, choices: declaration.choices },
  read: single((text) => {
    const found = declaration.choices.find((candidate) => candidate === text)
    return found === undefined
      ? not(`${longName(declaration)} must be one of ${declaration.choices.join(", ")}`, text)
      : Either.right(found)
  })
})

/** An option with one text, which `read` checks. */
export const text = <A = string>(
  declaration: ValueDeclaration,
  read: (text: string) => Either.Either<A, string>
): Option<A | undefined> => ({ ...declaration, form: valueForm(declaration, false), read: single(read) })

/** An option that may be given more than once. `read` checks each text. */
export const texts = <A>(
  declaration: ValueDeclaration,
  read: (text: string) => Either.Either<A, string>
): Option<ReadonlyArray<A>> => ({
  ...declaration,
  form: valueForm(declaration, true),
  read: (given = []) => Either.all(given.map(read))
})

const valueForm = ({ completion, metavar }: ValueDeclaration, isRepeated: boolean): Form => ({
  _tag: "Value",
  metavar,
  isRepeated,
  completion
})

const single =
  <A>(read: (text: string) => Either.Either<A, string>): Option<A | undefined>["read"] =>
  (given) =>
    given?.[0] === undefined ? Either.right(undefined) : read(given[0])

/** Sets the value of an absent option. */
export const withDefault = <A, B>(option: Option<A | undefined>, value: B): Option<A | B> => ({
  ...option,
  read: (given) => Either.map(option.read(given), (read) => read ?? value)
})

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)$/

const not = (rule: string, value: string): Either.Either<never, string> =>
  Either.left(`${rule}, not '${Printable.excerpt(value)}'`)

/** An option and its value, as errors name them. */
export const label = (declaration: Pick<ValueDeclaration, "names" | "metavar">): string =>
  `${longName(declaration)} ${declaration.metavar}`

/** A whole number of at least `minimum`. */
export const integer = (
  declaration: ValueDeclaration & { readonly minimum: number; readonly maximum?: number | undefined }
): Option<number | undefined> => {
  const { maximum = Number.MAX_SAFE_INTEGER, minimum } = declaration
  return text(declaration, (value) => {
    const number = Number(value)
    if (!/^[+-]?\d+$/.test(value)) {
      return not(`${label(declaration)} must be a whole number`, value)
    }
    if (maximum !== Number.MAX_SAFE_INTEGER && (number < minimum || number > maximum)) {
      return not(`${label(declaration)} must be from ${minimum} to ${maximum}`, value)
    }
    return number < minimum
      ? not(`${label(declaration)} must be >= ${minimum}`, value)
      : number > maximum
        ? not(`${label(declaration)} must be <= ${maximum}`, value)
        : Either.right(number)
  })
}

/** A probability. */
export const rate = (declaration: ValueDeclaration): Option<number | undefined> =>
  text(declaration, (value) =>
    decimal.test(value) && Number(value) >= 0 && Number(value) <= 1
      ? Either.right(Number(value))
      : not(`${label(declaration)} must be from 0 to 1`, value)
  )

/** A positive time in seconds. */
export const seconds = (declaration: ValueDeclaration): Option<Duration.Duration | undefined> =>
  text(declaration, (value) =>
    decimal.test(value) && Number(value) > 0 && Number.isFinite(Number(value))
      ? Either.right(Duration.seconds(Number(value)))
      : not(`${label(declaration)} must be a number of seconds > 0`, value)
  )

const sizePattern = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])(i?b)?|b)?$/i

/** A number of bytes, with or without a unit: `k` and `KiB` are 1024 bytes, `kB` is 1000. */
export const size = (declaration: ValueDeclaration): Option<number | undefined> =>
  text(declaration, (value) => {
    const [, digits, letter = "", unit = ""] = sizePattern.exec(value) ?? []
    const base = unit.toLowerCase() === "b" ? 1000 : 1024
    const bytes = Math.floor(Number(digits) * base ** ("kmgt".indexOf(letter.toLowerCase()) + (letter === "" ? 0 : 1)))
    return digits !== undefined && bytes > 0 && Number.isSafeInteger(bytes)
      ? Either.right(bytes)
      : not(`${label(declaration)} must be a number of bytes > 0, such as 1000, 64k or 2GB`, value)
  })

/** Two times in seconds, `0.5..5`, or one. */
export const secondsRange = (
  declaration: ValueDeclaration
): Option<{ readonly min: Duration.Duration; readonly max: Duration.Duration } | undefined> =>
  text(declaration, (value) => {
    const [from = "", to = from, ...more] = value.split("..")
    const min = Number(from)
    const max = Number(to)
    return more.length === 0 && decimal.test(from) && decimal.test(to) && min >= 0 && min <= max
      ? Either.right({ min: Duration.seconds(min), max: Duration.seconds(max) })
      : not(`${label(declaration)} must be two numbers of seconds such as 0.5..5`, value)
  })

/** A text of at least one character. */
export const nonEmpty = (declaration: ValueDeclaration): Option<string | undefined> =>
  text(declaration, (value) =>
    value === "" ? Either.left(`${label(declaration)} must not be empty`) : Either.right(value)
  )
