/**
 * The options of a command. An option checks its own value, and the error for a wrong value states the rule.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Record from "effect/Record"
import * as Printable from "../../internal/text/printable.js"

/** An option, with the function that reads its value. */
export interface Option<out A> {
  /** With hyphens, short names first: `["-c", "--concurrency"]`. */
  readonly names: ReadonlyArray<string>
  /** One line of at most 47 characters: the effect, the unit, the default. */
  readonly description: string
  readonly form: Form
  /** Returns the value for the given texts, or the rule that a text violates, as a sentence. */
  readonly read: (texts: ReadonlyArray<string> | undefined) => Either.Either<A, string>
}

export type Form =
  | { readonly _tag: "Flag" }
  | { readonly _tag: "Choice"; readonly metavar: string; readonly choices: ReadonlyArray<string> }
  | {
      readonly _tag: "Value"
      /** The name of the value in help and errors. */
      readonly metavar: string
      readonly isRepeated: boolean
      /** The kind of path that a shell offers as the value. */
      readonly completion: Completion
    }

type Completion = "file" | "directory" | undefined

export type Options = Readonly<Record<string, Option<unknown>>>

/** The values of some options. */
export type Values<O extends Options> = {
  readonly [key in keyof O]: O[key] extends Option<infer A> ? A : never
}

/** The texts of the options that were given. Undefined for a flag that is switched off. */
export type Texts = ReadonlyMap<Option<unknown>, ReadonlyArray<string> | undefined>

/** Returns the values of `options`, or the rule that a text violates. */
export function readOptions<O extends Options>(options: O, texts: Texts): Either.Either<Values<O>, string>
export function readOptions(options: Options, texts: Texts): Either.Either<object, string> {
  return Either.all(Record.map(options, (option) => option.read(texts.get(option))))
}

/** The first long name, without its value. */
export const longName = ({ names }: Pick<Option<unknown>, "names">): string =>
  names.find((name) => name.startsWith("--")) ?? ""

/** Splits a signature, which is written as in the help: `-c, --concurrency N`. The label names the option in errors. */
const parse = (signature: string) => {
  const words = signature.split(/,? /)
  const names = words.filter((word) => word.startsWith("-"))
  const metavar = words[names.length] ?? ""
  return { names, metavar, label: `${longName({ names })} ${metavar}` }
}

/** An option without a value. */
export const flag = (signature: string, description: string): Option<boolean> => ({
  names: parse(signature).names,
  description,
  form: { _tag: "Flag" },
  read: (given) => Either.right(given !== undefined)
})

/** An option with one of several words. */
export const choice = <const A extends string>(
  signature: string,
  description: string,
  choices: ReadonlyArray<A>
): Option<A | undefined> => {
  const { metavar, names } = parse(signature)
  return {
    names,
    description,
    form: { _tag: "Choice", metavar, choices },
    read: single((value) => {
      const found = choices.find((candidate) => candidate === value)
      return found === undefined
        ? not(`${longName({ names })} must be one of ${choices.join(", ")}`, value)
        : Either.right(found)
    })
  }
}

/** Reads one text. The rule begins with the label of the option. */
type Read<A> = (text: string, label: string) => Either.Either<A, string>

/** An option with one text, which `read` checks. */
export const text = <A = string>(
  signature: string,
  description: string,
  read: Read<A>,
  completion?: Completion
): Option<A | undefined> => {
  const { label, metavar, names } = parse(signature)
  return {
    names,
    description,
    form: { _tag: "Value", metavar, isRepeated: false, completion },
    read: single((value) => read(value, label))
  }
}

/** An option that may be given more than once. `read` checks each text. */
export const texts = <A>(
  signature: string,
  description: string,
  read: Read<A>,
  completion?: Completion
): Option<ReadonlyArray<A>> => {
  const { label, metavar, names } = parse(signature)
  return {
    names,
    description,
    form: { _tag: "Value", metavar, isRepeated: true, completion },
    read: (given = []) => Either.all(given.map((value) => read(value, label)))
  }
}

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

/** The error for a wrong value. */
export const not = (rule: string, value: string): Either.Either<never, string> =>
  Either.left(`${rule}, not '${Printable.excerpt(value)}'`)

/** A whole number in a range. */
export const integer = (
  signature: string,
  description: string,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER
): Option<number | undefined> =>
  text(signature, description, (value, label) => {
    const number = Number(value)
    if (!/^[+-]?\d+$/.test(value)) {
      return not(`${label} must be a whole number`, value)
    }
    if (maximum !== Number.MAX_SAFE_INTEGER && (number < minimum || number > maximum)) {
      return not(`${label} must be from ${minimum} to ${maximum}`, value)
    }
    return number < minimum
      ? not(`${label} must be >= ${minimum}`, value)
      : number > maximum
        ? not(`${label} must be <= ${maximum}`, value)
        : Either.right(number)
  })

/** A probability. */
export const rate = (signature: string, description: string): Option<number | undefined> =>
  text(signature, description, (value, label) =>
    decimal.test(value) && Number(value) >= 0 && Number(value) <= 1
      ? Either.right(Number(value))
      : not(`${label} must be from 0 to 1`, value)
  )

/** A positive time in seconds. */
export const seconds = (signature: string, description: string): Option<Duration.Duration | undefined> =>
  text(signature, description, (value, label) =>
    decimal.test(value) && Number(value) > 0 && Number.isFinite(Number(value))
      ? Either.right(Duration.seconds(Number(value)))
      : not(`${label} must be a number of seconds > 0`, value)
  )

const sizePattern = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])(i?b)?|b)?$/i

/** A number of bytes, with or without a unit: `k` and `KiB` are 1024 bytes, `kB` is 1000. */
export const size = (signature: string, description: string): Option<number | undefined> =>
  text(signature, description, (value, label) => {
    const [, digits, letter = "", unit = ""] = sizePattern.exec(value) ?? []
    const base = unit.toLowerCase() === "b" ? 1000 : 1024
    const bytes = Math.floor(Number(digits) * base ** ("kmgt".indexOf(letter.toLowerCase()) + (letter === "" ? 0 : 1)))
    return digits !== undefined && bytes > 0 && Number.isSafeInteger(bytes)
      ? Either.right(bytes)
      : not(`${label} must be a number of bytes > 0, such as 1000, 64k or 2GB`, value)
  })

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** A number of requests in a unit of time, `5/s` or `100/m`. Its value is a number a second. */
export const requestRate = (signature: string, description: string): Option<number | undefined> =>
  text(signature, description, (value, label) => {
    const [, digits, unit = ""] = /^(\d{1,9})\/([smhd])$/.exec(value) ?? []
    const perSecond = Number(digits) / (unitSeconds[unit] ?? 1)
    return perSecond > 0
      ? Either.right(perSecond)
      : not(`${label} must be a number above 0 and a unit, such as 5/s, 100/m, 1000/h or 5000/d`, value)
  })

/** Two times in seconds, `0.5..5`, or one. */
export const secondsRange = (
  signature: string,
  description: string
): Option<{ readonly min: Duration.Duration; readonly max: Duration.Duration } | undefined> =>
  text(signature, description, (value, label) => {
    const [from = "", to = from, ...more] = value.split("..")
    const min = Number(from)
    const max = Number(to)
    return more.length === 0 && decimal.test(from) && decimal.test(to) && min >= 0 && min <= max
      ? Either.right({ min: Duration.seconds(min), max: Duration.seconds(max) })
      : not(`${label} must be two numbers of seconds such as 0.5..5`, value)
  })

/** A text of at least one character. */
export const nonEmpty = (signature: string, description: string, completion?: Completion): Option<string | undefined> =>
  text(signature, description, nonEmptyText, completion)

export const nonEmptyText = (value: string, label: string): Either.Either<string, string> =>
  value === "" ? Either.left(`${label} must not be empty`) : Either.right(value)
