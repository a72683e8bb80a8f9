/**
 * Options that check their own values, so that the error for a wrong value states the rule.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Printable from "../internal/text/printable.js"
import type { Option } from "./Command.js"

interface Declaration {
  readonly name: string
  /** Without hyphens; those of one character are short options. */
  readonly aliases?: ReadonlyArray<string> | undefined
  readonly description: string
}

interface TextDeclaration extends Declaration {
  /** What the help calls the value. */
  readonly metavar: string
}

/** An option without a value. */
export const flag = ({ aliases = [], description, name }: Declaration): Option<boolean> => ({
  name,
  aliases,
  description,
  form: { _tag: "Flag" },
  read: (texts) => Either.right(texts !== undefined)
})

/** One of a few words. */
export const choice = <const A extends string>({
  aliases = [],
  choices,
  description,
  name
}: Declaration & { readonly choices: ReadonlyArray<A> }): Option<A | undefined> => ({
  name,
  aliases,
  description,
  form: { _tag: "Choice", choices },
  read: single((text) => {
    const found = choices.find((candidate) => candidate === text)
    return found === undefined ? Either.left(`--${name} must be one of ${choices.join(", ")}`) : Either.right(found)
  })
})

/** Any text, by a rule. */
export const text = <A = string>(
  { aliases = [], description, metavar, name }: TextDeclaration,
  read: (text: string) => Either.Either<A, string>
): Option<A | undefined> => ({
  name,
  aliases,
  description,
  form: { _tag: "Text", metavar },
  read: single(read)
})

const single =
  <A>(read: (text: string) => Either.Either<A, string>): Option<A | undefined>["read"] =>
  (texts) =>
    texts?.[0] === undefined ? Either.right(undefined) : read(texts[0])

/** Gives an option a value for the case that it is absent. */
export const withDefault = <A, B>(option: Option<A | undefined>, otherwise: B): Option<A | B> => ({
  ...option,
  read: (texts) => Either.map(option.read(texts), (value) => value ?? otherwise)
})

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)$/

const not = (rule: string, value: string): Either.Either<never, string> =>
  Either.left(`${rule}, not '${Printable.excerpt(value)}'`)

/** A whole number of at least `minimum`. */
export const integer = (
  declaration: TextDeclaration & { readonly minimum: number; readonly maximum?: number | undefined }
): Option<number | undefined> => {
  const { maximum = Number.MAX_SAFE_INTEGER, metavar, minimum, name } = declaration
  return text(declaration, (value) => {
    const number = Number(value)
    if (!/^[+-]?\d+$/.test(value)) {
      return not(`--${name} ${metavar} must be a whole number`, value)
    }
    if (maximum !== Number.MAX_SAFE_INTEGER && (number < minimum || number > maximum)) {
      return not(`--${name} ${metavar} must be from ${minimum} to ${maximum}`, value)
    }
    return number < minimum
      ? not(`--${name} ${metavar} must be >= ${minimum}`, value)
      : number > maximum
        ? not(`--${name} ${metavar} must be <= ${maximum}`, value)
        : Either.right(number)
  })
}

/** A probability. */
export const rate = (declaration: TextDeclaration): Option<number | undefined> =>
  text(declaration, (value) =>
    decimal.test(value) && Number(value) >= 0 && Number(value) <= 1
      ? Either.right(Number(value))
      : not(`--${declaration.name} ${declaration.metavar} must be from 0 to 1`, value)
  )

/** A positive time in seconds. */
export const seconds = (declaration: TextDeclaration): Option<Duration.Duration | undefined> =>
  text(declaration, (value) =>
    decimal.test(value) && Number(value) > 0 && Number.isFinite(Number(value))
      ? Either.right(Duration.seconds(Number(value)))
      : not(`--${declaration.name} ${declaration.metavar} must be a number of seconds > 0`, value)
  )

const sizePattern = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])(i?b)?|b)?$/i

/** A number of bytes, with or without a unit: `k` and `KiB` are 1024 bytes, `kB` is 1000. */
export const size = (declaration: TextDeclaration): Option<number | undefined> =>
  text(declaration, (value) => {
    const [, digits, letter = "", unit = ""] = sizePattern.exec(value) ?? []
    const base = unit.toLowerCase() === "b" ? 1000 : 1024
    const bytes = Math.floor(Number(digits) * base ** ("kmgt".indexOf(letter.toLowerCase()) + (letter === "" ? 0 : 1)))
    return digits !== undefined && bytes > 0 && Number.isSafeInteger(bytes)
      ? Either.right(bytes)
      : not(
          `--${declaration.name} ${declaration.metavar} must be a number of bytes > 0, such as 1000, 64k or 2GB`,
          value
        )
  })

/** Two times in seconds, `0.5..5`, or one. */
export const secondsRange = (
  declaration: TextDeclaration
): Option<{ readonly min: Duration.Duration; readonly max: Duration.Duration } | undefined> =>
  text(declaration, (value) => {
    const [from = "", to = from, ...more] = value.split("..")
    const min = Number(from)
    const max = Number(to)
    return more.length === 0 && decimal.test(from) && decimal.test(to) && min >= 0 && min <= max
      ? Either.right({ min: Duration.seconds(min), max: Duration.seconds(max) })
      : not(`--${declaration.name} ${declaration.metavar} must be two numbers of seconds such as 0.5..5`, value)
  })

/** A text of at least one character. */
export const nonEmpty = (declaration: TextDeclaration): Option<string | undefined> =>
  text(declaration, (value) =>
    value === "" ? Either.left(`--${declaration.name} ${declaration.metavar} must not be empty`) : Either.right(value)
  )
