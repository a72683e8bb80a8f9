/**
 * Reads the headers that the command line names.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as RequestHeaders from "../../../Download/requestHeaders.js"
import * as Printable from "../../../internal/text/printable.js"
import { UsageError } from "../../UsageError.js"
import { textOf } from "../input.js"
import { isHeader, type Source } from "../options.js"

export type Headers = Readonly<Record<string, string>>

// Servers refuse far fewer bytes of headers.
const fileAtMostBytes = 64 * 1024

/** Reads the headers of all sources, in their order, then those of the environment variables. */
export const read = Effect.fnUntraced(function* (sources: ReadonlyArray<Source>, variables: ReadonlyArray<string>) {
  const lines: Array<string> = []
  for (const source of sources) {
    lines.push(...(source._tag === "Line" ? [source.text] : yield* fromFile(source.path)))
  }
  for (const variable of variables) {
    const text = yield* Effect.mapError(
      Config.string(variable),
      () => new UsageError({ message: `--header-env NAME: there is no environment variable ${variable}` })
    )
    lines.push(...(yield* linesOf(`--header-env ${variable}`, text)))
  }
  const headers = RequestHeaders.joinValues(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const)
  )
  const wrong = RequestHeaders.problem({ headers: Record.map(headers, Redacted.make) })
  return wrong === undefined ? headers : yield* new UsageError({ message: `--header NAME:VALUE: ${wrong}` })
})

const fromFile = Effect.fnUntraced(function* (path: string) {
  const option = `--header @${Printable.line(path)}`
  return yield* linesOf(option, yield* textOf(option, path, fileAtMostBytes))
})

/** The lines that are not blank, if there are any and each is a header. */
const linesOf = (option: string, text: string): Either.Either<ReadonlyArray<string>, UsageError> => {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""))
  const given = lines.filter((line) => line.trim() !== "")
  const wrong = lines.findIndex((line) => line.trim() !== "" && !isHeader(line))
  return wrong >= 0
    ? Either.left(new UsageError({ message: `${option}: line ${wrong + 1} is not NAME:VALUE` }))
    : given.length === 0
      ? Either.left(new UsageError({ message: `${option}: it contains no header` }))
      : Either.right(given)
}

/** Adds headers that are for every URL, except those whose names are given. The names of `defaults` are in lower case. */
export const withDefaults = (defaults: Headers): ((given: Headers | undefined) => Headers | undefined) => {
  const all = Object.entries(defaults)
  if (all.length === 0) {
    return identity
  }
  return (given = {}) => {
    const names = new Set(Object.keys(given).map((name) => name.toLowerCase()))
    return { ...Object.fromEntries(all.filter(([name]) => !names.has(name))), ...given }
  }
}
