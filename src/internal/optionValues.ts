/**
 * Reads times and counts from options. These checks are needed because Effect treats a negative time or `NaN` as 0.
 *
 * @internal
 */
import * as Duration from "effect/Duration"

/** Reads a time of at least 0; throws a `RangeError` that names it if it is none. */
export const nonNegativeDuration = (name: string, input: Duration.DurationInput): Duration.Duration => {
  if (!isTime(input)) {
    throw new RangeError(`${name} must be a time of 0 or more, not ${shown(input)}`)
  }
  return Duration.decode(input)
}

/** Reads a time above 0; throws a `RangeError` that names it if it is none. */
export const positiveDuration = (name: string, input: Duration.DurationInput): Duration.Duration => {
  if (!isTime(input) || !(Duration.toMillis(input) > 0)) {
    throw new RangeError(`${name} must be a time above 0, not ${shown(input)}`)
  }
  return Duration.decode(input)
}

/** Reads a count of at least 0; throws a `RangeError` that names it if it is none. */
export const nonNegativeNumber = (name: string, count: number): number => {
  if (!(count >= 0)) {
    throw new RangeError(`${name} must be a number from 0 on, not ${count}`)
  }
  return count
}

const isTime = (input: Duration.DurationInput): boolean => {
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

const shown = (input: Duration.DurationInput): string =>
  Duration.isDuration(input) ? Duration.format(input) : `${Array.isArray(input) ? input.join() : String(input)}`
