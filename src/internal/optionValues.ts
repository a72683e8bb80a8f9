/**
 * Checks times and numbers in options, and throws a `RangeError` with the option's name if a value is out of range. Effect would
 * read a negative time or `NaN` as 0.
 */
import * as Duration from "effect/Duration"

export const nonNegativeDuration = (name: string, input: Duration.DurationInput): Duration.Duration => {
  if (!isNonNegative(input)) {
    throw new RangeError(`${name} must be a time of 0 or more, not ${format(input)}`)
  }
  return Duration.decode(input)
}

export const positiveDuration = (name: string, input: Duration.DurationInput): Duration.Duration => {
  if (!isNonNegative(input) || !(Duration.toMillis(input) > 0)) {
    throw new RangeError(`${name} must be a time above 0, not ${format(input)}`)
  }
  return Duration.decode(input)
}

export const nonNegativeNumber = (name: string, value: number): number => {
  if (!(value >= 0)) {
    throw new RangeError(`${name} must be a number of 0 or more, not ${value}`)
  }
  return value
}

const isNonNegative = (input: Duration.DurationInput): boolean => {
  if (typeof input === "number" || typeof input === "bigint") {
    return input >= 0
  }
  if (Array.isArray(input)) {
    return input.length === 2 && input.every((part: unknown) => typeof part === "number" && part >= 0)
  }
  return typeof input === "string"
    ? !input.startsWith("-") && Duration.decodeUnknown(input)._tag === "Some"
    : Duration.isDuration(input)
}

const format = (input: Duration.DurationInput): string =>
  Duration.isDuration(input) ? Duration.format(input) : String(input)
