/**
 * Reads the files that have options of `halyard get`: that of the project, that of the user, and that of `--config`.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { codeOf } from "../../DownloadError/diskErrors.js"
import * as Printable from "../../internal/text/printable.js"
import { UsageError } from "../UsageError.js"

type Kind = "project" | "user" | "given"

/** A file that was read. */
export interface File {
  readonly path: string
  readonly kind: Kind
  readonly values: object
  /** The line of a key; undefined if the format has no lines for it. */
  readonly lineOf: (key: string) => number | undefined
}

/** The home directory of the user. */
export const homeOf = (environment: Readonly<Record<string, string | undefined>>): string | undefined =>
  environment["HOME"] || environment["USERPROFILE"] || undefined

/** The file `halyard.toml` of the current directory, or the key `halyard` of its package.json. */
export const project = Effect.gen(function* () {
  const [toml, json] = [yield* readIfThere("halyard.toml"), yield* readIfThere("package.json")]
  const fromPackage = json?.includes('"halyard"') === true ? yield* valueOfPackage(json) : undefined
  if (toml !== undefined && fromPackage !== undefined) {
    return yield* new UsageError({
      message: "halyard.toml and package.json both have options of halyard: keep one of them"
    })
  }
  if (fromPackage !== undefined) {
    return typeof fromPackage === "object" && fromPackage !== null && !Array.isArray(fromPackage)
      ? [{ path: "package.json", kind: "project" as const, values: fromPackage, lineOf: () => undefined }]
      : yield* new UsageError({ message: "package.json: the key halyard must be an object of options" })
  }
  return toml === undefined ? [] : [yield* parsed("halyard.toml", "project", toml)]
})

/** The file of the user, if there is one. */
export const user = Effect.fnUntraced(function* (environment: Readonly<Record<string, string | undefined>>) {
  const path = yield* Path.Path
  const home = homeOf(environment)
  const directory = environment["XDG_CONFIG_HOME"] || (home === undefined ? undefined : path.join(home, ".config"))
  if (directory === undefined || !path.isAbsolute(directory)) {
    return []
  }
  const file = path.join(directory, "halyard", "halyard.toml")
  const text = yield* readIfThere(file)
  return text === undefined ? [] : [yield* parsed(file, "user", text)]
})

/** The file of `--config`. */
export const given = Effect.fnUntraced(function* (file: string) {
  const text = yield* readIfThere(file)
  return text === undefined
    ? yield* new UsageError({
        message: `--config ${Printable.line(file)}: there is no such file, or it is a directory`
      })
    : yield* parsed(file, "given", text)
})

const readIfThere = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* fs.readFileString(file).pipe(
    Effect.catchIf(
      (error) => /^E(?:NOENT|NOTDIR)$/.test(codeOf(error)),
      () => Effect.succeed(undefined)
    ),
    // A directory of this name is no file of options.
    Effect.catchIf(
      (error) => codeOf(error) === "EISDIR",
      () => Effect.succeed(undefined)
    ),
    Effect.mapError(() => new UsageError({ message: `${Printable.line(file)} cannot be read` }))
  )
})

/** A file that cannot be read is a mistake of its author only if it has options: other programs report the rest. */
const valueOfPackage = (text: string): Either.Either<unknown, UsageError> => {
  try {
    const value: unknown = JSON.parse(text)
    return Either.right(typeof value === "object" && value !== null && "halyard" in value ? value.halyard : undefined)
  } catch {
    return /"halyard"\s*:\s*\{/.test(text)
      ? Either.left(
          new UsageError({ message: "package.json: it is not valid JSON, so the options in it cannot be read" })
        )
      : Either.right(undefined)
  }
}

const parsed = Effect.fnUntraced(function* (path: string, kind: Kind, text: string) {
  const { parse, TomlError } = yield* Effect.promise(() => import("smol-toml"))
  const values = yield* Effect.try({
    try: () => parse(text),
    catch: (error) => {
      const [where, what] =
        error instanceof TomlError
          ? [`${path}, line ${error.line}`, error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "")]
          : [path, "it is not TOML"]
      return new UsageError({ message: `${Printable.line(where)}: ${Printable.excerpt(what ?? "")}` })
    }
  })
  const lines = text.split("\n")
  const lineOf = (key: string): number | undefined => {
    const index = lines.findIndex((line) => {
      const [, name] = /^\s*["']?([\w-]+)["']?\s*[=.]/.exec(line) ?? []
      return name === key
    })
    return index < 0 ? undefined : index + 1
  }
  return { path, kind, values, lineOf } satisfies File
})
