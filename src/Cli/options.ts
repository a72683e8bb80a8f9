/**
 * Options whose values are read by a rule of their own, so that a wrong one is answered with that rule.
 */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Printable from "../internal/printable.js"

const invalid = (rule: string, text: string) =>
  Effect.fail(ValidationError.invalidValue(HelpDoc.p(`${rule}, not '${Printable.line(text)}'`)))

const number =
  (read: (text: string) => number | string) =>
  (options: Options.Options<string>): Options.Options<number> =>
    Options.mapEffect(options, (text) => {
      const value = read(text)
      return typeof value === "number" ? Effect.succeed(value) : invalid(value, text)
    })

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)$/

/** A whole number of at least `minimum`. */
export const integer = (
  name: string,
  metavar: string,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER
): Options.Options<number> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    number((text) => {
      const value = Number(text)
      if (!/^[+-]?\d+$/.test(text)) {
        return `--${name} ${metavar} must be a whole number`
      }
      if (maximum !== Number.MAX_SAFE_INTEGER && (value < minimum || value > maximum)) {
        return `--${name} ${metavar} must be from ${minimum} to ${maximum}`
      }
      return value < minimum
        ? `--${name} ${metavar} must be >= ${minimum}`
        : value > maximum
          ? `--${name} ${metavar} must be <= ${maximum}`
          : value
    })
  )

/** A probability. */
export const rate = (name: string, metavar: string): Options.Options<number> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    number((text) =>
      decimal.test(text) && Number(text) >= 0 && Number(text) <= 1
        ? Number(text)
        : `--${name} ${metavar} must be from 0 to 1`
    )
  )

/** A positive time in seconds. */
export const seconds = (name: string, metavar: string): Options.Options<Duration.Duration> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    number((text) =>
      decimal.test(text) && Number(text) > 0 && Number.isFinite(Number(text))
        ? Number(text)
        : `--${name} ${metavar} must be a number of seconds > 0`
    ),
    Options.map(Duration.seconds)
  )

/** Two times in seconds, `0.5..5`, or one. */
export const secondsRange = (
  name: string,
  metavar: string
): Options.Options<{ readonly min: Duration.Duration; readonly max: Duration.Duration }> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    Options.mapEffect((text) => {
      const [from = "", to = from, ...more] = text.split("..")
      const min = Number(from)
      const max = Number(to)
      return more.length === 0 && decimal.test(from) && decimal.test(to) && min >= 0 && min <= max
        ? Effect.succeed({ min: Duration.seconds(min), max: Duration.seconds(max) })
        : invalid(`--${name} ${metavar} must be two numbers of seconds such as 0.5..5`, text)
    })
  )

/** A text of at least one character. */
export const nonEmpty = (name: string, metavar: string): Options.Options<string> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    Options.mapEffect((text) =>
      text === ""
        ? Effect.fail(ValidationError.invalidValue(HelpDoc.p(`--${name} ${metavar} must not be empty`)))
        : Effect.succeed(text)
    )
  )
