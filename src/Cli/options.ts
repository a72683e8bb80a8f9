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

/** A decimal number within bounds; `rule` says which. */
const number =
  (rule: string, pattern: RegExp, accepts: (value: number) => boolean) =>
  (options: Options.Options<string>): Options.Options<number> =>
    Options.mapEffect(options, (text) => {
      const value = Number(text)
      return pattern.test(text) && accepts(value) ? Effect.succeed(value) : invalid(rule, text)
    })

const whole = /^[+-]?\d{1,15}$/
const decimal = /^[+-]?(\d{1,15}(\.\d*)?|\.\d+)$/

/** A whole number of at least `minimum`. */
export const integer = (
  name: string,
  metavar: string,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER
): Options.Options<number> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    number(
      maximum === Number.MAX_SAFE_INTEGER
        ? `--${name} ${metavar} must be >= ${minimum}`
        : `--${name} ${metavar} must be from ${minimum} to ${maximum}`,
      whole,
      (value) => value >= minimum && value <= maximum
    )
  )

/** A probability. */
export const rate = (name: string, metavar: string): Options.Options<number> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    number(`--${name} ${metavar} must be from 0 to 1`, decimal, (value) => value >= 0 && value <= 1)
  )

/** A positive time in seconds. */
export const seconds = (name: string, metavar: string): Options.Options<Duration.Duration> =>
  Options.text(name).pipe(
    Options.withPseudoName(metavar),
    number(`--${name} ${metavar} must be a number of seconds > 0`, decimal, (value) => value > 0),
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
