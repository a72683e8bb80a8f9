/**
 * Splits a command line into options and arguments by the conventions of POSIX and GNU: options anywhere, `-c4`, `-c 4`,
 * `--opt=4`, `--opt 4`, `-ab`, `--no-opt`, and `--` before arguments that begin with a hyphen.
 */
import * as Either from "effect/Either"
import { closest, distance } from "fastest-levenshtein"
import * as Printable from "../../internal/text/printable.js"
import type { Option, Texts } from "./Option.js"

/** A command line, split. */
export interface Line {
  readonly options: Texts
  readonly positional: ReadonlyArray<string>
}

/**
 * Splits a command line, or returns the rule that it violates, as a sentence. With `stopsAtArgument`, all texts after the first
 * argument are arguments.
 */
export const parse = (
  options: ReadonlyArray<Option<unknown>>,
  argv: ReadonlyArray<string>,
  { stopsAtArgument }: { readonly stopsAtArgument: boolean }
): Either.Either<Line, string> => {
  const given = new Map<Option<unknown>, ReadonlyArray<string> | undefined>()
  const positional: Array<string> = []
  const rest = argv.slice()

  const take = (name: string, option: Option<unknown>, attached: string | undefined): string | undefined => {
    const { form } = option
    if (form._tag === "Flag") {
      given.set(option, [])
      return attached === undefined ? undefined : `option '${name}' takes no value`
    }
    const value = attached ?? rest.shift()
    if (value === undefined) {
      return `option '${name}' needs a value`
    }
    const before = given.get(option)
    if (before !== undefined && !(form._tag === "Value" && form.isRepeated)) {
      return `option '${name}' was given more than once`
    }
    given.set(option, [...(before ?? []), value])
    return undefined
  }

  for (let token = rest.shift(); token !== undefined; token = rest.shift()) {
    if (token === "--") {
      positional.push(...rest)
      break
    }
    if (!token.startsWith("-") || token === "-") {
      positional.push(token)
      if (stopsAtArgument) {
        positional.push(...rest)
        break
      }
      continue
    }
    const off = switchedOff(options, token)
    if (off !== undefined) {
      given.set(off, undefined)
      continue
    }
    const problem = token.startsWith("--") ? long(options, token, take) : short(options, token, take)
    if (problem !== undefined) {
      return Either.left(problem)
    }
  }
  return Either.right({ options: given, positional })
}

/** Takes an option with its attached value, and perhaps the next text. Returns the rule that is broken. */
type Take = (name: string, option: Option<unknown>, attached: string | undefined) => string | undefined

/** The flag that `--no-json` or `--mtime` switches off, in case a settings file has switched it on. */
const switchedOff = (options: ReadonlyArray<Option<unknown>>, token: string): Option<unknown> | undefined => {
  if (!token.startsWith("--") || options.some(({ names }) => names.includes(token.replace(/=.*$/s, "")))) {
    return undefined
  }
  const opposite = token.startsWith("--no-") ? `--${token.slice("--no-".length)}` : `--no-${token.slice("--".length)}`
  return options.find(({ form, names }) => form._tag === "Flag" && names.includes(opposite))
}

const long = (options: ReadonlyArray<Option<unknown>>, token: string, take: Take): string | undefined => {
  const at = token.indexOf("=")
  const name = at < 0 ? token : token.slice(0, at)
  const option = options.find(({ names }) => names.includes(name))
  return option === undefined
    ? unknown(
        "option",
        name,
        options.flatMap(({ names }) => names.filter((known) => known.startsWith("--")))
      )
    : take(name, option, at < 0 ? undefined : token.slice(at + 1))
}

const short = (options: ReadonlyArray<Option<unknown>>, token: string, take: Take): string | undefined => {
  for (let index = 1; index < token.length; index++) {
    const name = `-${token[index]}`
    const option = options.find(({ names }) => names.includes(name))
    if (option === undefined) {
      return index === 1 && token.length > 2
        ? unknown(
            "option",
            token,
            options.flatMap(({ names }) => names)
          )
        : unknown("option", name, [])
    }
    if (option.form._tag !== "Flag") {
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

/** Returns the known name that is most similar to a misspelt name, if it is similar enough. */
export const suggestion = (name: string, known: ReadonlyArray<string>): string | undefined => {
  if (known.length === 0 || name.length > longestMisspelt) {
    return undefined
  }
  const nearest = closest(name, known)
  const limit = Math.max(2, Math.floor(name.replace(/^-+/, "").length / 3))
  return distance(name, nearest) <= limit
    ? nearest
    : known.find((candidate) => name.length > 3 && (candidate.startsWith(name) || name.startsWith(candidate)))
}

const unknown = (kind: string, name: string, known: ReadonlyArray<string>): string => {
  const meant = suggestion(name, known)
  return `unknown ${kind} '${Printable.excerpt(name)}'${meant === undefined ? "" : `; did you mean '${meant}'?`}`
}
