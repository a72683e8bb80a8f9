/**
 * Reads a command line by the conventions of POSIX and GNU (options anywhere, `-c4`, `-c 4`, `--opt=4`, `--opt 4`,
 * `-ab`, `--`) and writes it again in the one form that `@effect/cli` takes: options first, then `--`, then the rest.
 */
import * as Either from "effect/Either"
import { closest, distance } from "fastest-levenshtein"
import * as Printable from "../internal/text/printable.js"

/** What is known of a command's options. */
export interface Spec {
  readonly options: ReadonlyArray<OptionSpec>
  /** Whether all that follows the first positional argument is positional too, as for a command that runs another. */
  readonly passThrough: boolean
}

interface OptionSpec {
  /** With their hyphens; the first is the one to write. */
  readonly names: ReadonlyArray<string>
  readonly takesValue: boolean
  readonly repeated: boolean
  /** The only values, where there is a choice. */
  readonly choices?: ReadonlyArray<string> | undefined
}

/** The options that every command has. */
export const builtIns: ReadonlyArray<OptionSpec> = [
  { names: ["--help", "-h"], takesValue: false, repeated: false },
  { names: ["--version"], takesValue: false, repeated: false },
  { names: ["--wizard"], takesValue: false, repeated: false },
  { names: ["--completions"], takesValue: true, repeated: false, choices: ["sh", "bash", "fish", "zsh"] },
  {
    names: ["--log-level"],
    takesValue: true,
    repeated: false,
    choices: ["all", "trace", "debug", "info", "warning", "error", "fatal", "none"]
  }
]

/** A command line, read: each option by its longest name, with its values. */
export interface Line {
  readonly options: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<string> }>
  readonly positional: ReadonlyArray<string>
}

/** Reads a command line, or says in a sentence what is wrong with it. */
export const parse = (spec: Spec, argv: ReadonlyArray<string>): Either.Either<Line, string> => {
  const given = new Map<OptionSpec, ReadonlyArray<string>>()
  const positional: Array<string> = []
  const rest = argv.slice()

  const take = (shown: string, option: OptionSpec, value: string | undefined): string | undefined => {
    if (!option.takesValue) {
      given.set(option, [])
      return value === undefined ? undefined : `option '${shown}' takes no value`
    }
    const taken = value ?? rest.shift()
    if (taken === undefined) {
      return `option '${shown}' needs a value`
    }
    const before = given.get(option)
    if (before !== undefined && !option.repeated) {
      return `option '${shown}' was given more than once`
    }
    if (option.choices !== undefined && !option.choices.includes(taken)) {
      return `option '${shown}' must be one of ${option.choices.join(", ")}, not '${Printable.excerpt(taken)}'`
    }
    given.set(option, [...(before ?? []), taken])
    return undefined
  }

  for (let token = rest.shift(); token !== undefined; token = rest.shift()) {
    if (token === "--") {
      positional.push(...rest)
      break
    }
    if (!token.startsWith("-") || token === "-") {
      positional.push(token)
      if (spec.passThrough) {
        positional.push(...rest)
        break
      }
      continue
    }
    const problem = token.startsWith("--") ? long(spec, token, take) : short(spec, token, take)
    if (problem !== undefined) {
      return Either.left(problem)
    }
  }

  const options = Array.from(given, ([option, values]) => ({
    name: option.names.find((candidate) => candidate.startsWith("--")) ?? option.names[0] ?? "",
    values
  }))
  return Either.right({ options, positional })
}

/** A line in the one form that `@effect/cli` takes. */
export const canonical = ({ options, positional }: Line): ReadonlyArray<string> => [
  ...options.flatMap(({ name, values }) => (values.length === 0 ? [name] : values.flatMap((value) => [name, value]))),
  ...(positional.length === 0 ? [] : ["--", ...positional])
]

type Take = (shown: string, option: OptionSpec, value: string | undefined) => string | undefined

const long = (spec: Spec, token: string, take: Take): string | undefined => {
  const at = token.indexOf("=")
  const name = at < 0 ? token : token.slice(0, at)
  const option = spec.options.find(({ names }) => names.includes(name))
  return option === undefined
    ? unknown(
        "option",
        name,
        spec.options.flatMap(({ names }) => names.filter((known) => known.startsWith("--")))
      )
    : take(name, option, at < 0 ? undefined : token.slice(at + 1))
}

const short = (spec: Spec, token: string, take: Take): string | undefined => {
  for (let index = 1; index < token.length; index++) {
    const name = `-${token[index]}`
    const option = spec.options.find(({ names }) => names.includes(name))
    if (option === undefined) {
      return index === 1 && token.length > 2
        ? unknown(
            "option",
            token,
            spec.options.flatMap(({ names }) => names)
          )
        : unknown("option", name, [])
    }
    if (option.takesValue) {
      const attached = token.slice(index + 1)
      return take(name, option, attached === "" ? undefined : attached.replace(/^=/, ""))
    }
    const problem = take(name, option, token[index + 1] === "=" ? token.slice(index + 2) : undefined)
    if (problem !== undefined) {
      return problem
    }
  }
  return undefined
}

// The time to find the closest name grows with the product of both lengths.
const longestMisspelt = 100

/** The sentence for a name that is not known, with the known one it may have been meant for. */
export const unknown = (kind: string, name: string, known: ReadonlyArray<string>): string => {
  const sentence = `unknown ${kind} '${Printable.excerpt(name)}'`
  if (known.length === 0 || name.length > longestMisspelt) {
    return sentence
  }
  const meant = closest(name, known)
  const limit = Math.max(2, Math.floor(name.replace(/^-+/, "").length / 3))
  const prefix = known.find(
    (candidate) => name.length > 3 && (candidate.startsWith(name) || name.startsWith(candidate))
  )
  const suggestion = distance(name, meant) <= limit ? meant : prefix
  return suggestion === undefined ? sentence : `${sentence}; did you mean '${suggestion}'?`
}
