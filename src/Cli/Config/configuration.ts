/**
 * Options of `halyard get` that do not stand on the command line: `HALYARD_*` variables, the project's file, and the user's file.
 *
 * The command line comes first, then the environment, the project and the user. The file of a project may come from a stranger, so it
 * cannot have options that send secrets, weaken a check, or write outside of the project.
 */
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Printable from "../../internal/text/printable.js"
import { longName, type Option, type Options, type Texts } from "../commandLine/Option.js"
import { suggestion } from "../commandLine/parse.js"
import { Host } from "../Host.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { UsageError } from "../UsageError.js"
import * as Files from "./configurationFiles.js"

/** The value of one option. */
export interface Setting {
  readonly option: Option<unknown>
  /** Undefined if a flag is switched off. */
  readonly texts: ReadonlyArray<string> | undefined
  /** For people: `HALYARD_RETRIES`, or the path of a file. */
  readonly from: string
  /** For people, in an error: the same, with the line of the file if it is known. */
  readonly where: string
}

/** The key of an option in a file: its long name without the hyphens. */
export const keyOf = (option: Option<unknown>): string => longName(option).slice(2)

const variableOf = (option: Option<unknown>): string => `HALYARD_${keyOf(option).toUpperCase().replaceAll("-", "_")}`

/** Options of a single command line. */
const notSettable: ReadonlySet<string> = new Set([
  "output",
  "checksum",
  "data",
  "request",
  "config",
  "dry-run",
  "har",
  "json-schema"
])

/** The options that the file of a project may have. */
const ofProject: ReadonlySet<string> = new Set([
  "concurrency",
  "connect-timeout",
  "directory",
  "durability",
  "fail-fast",
  "force-directories",
  "headers-timeout",
  "json",
  "limit-rate",
  "max-filesize",
  "max-time",
  "name",
  "no-glob",
  "on-exists",
  "origin-limit-rate",
  "origin-rate",
  "per-origin",
  "progress",
  "public-only",
  "quiet",
  "rate",
  "remote-header-name",
  "retries",
  "segments",
  "speed-limit",
  "speed-time",
  "strict",
  "sync",
  "timeout",
  "user-agent",
  "verbose"
])

/**
 * Returns the settings of the environment and of the files, the strongest first for each option. `given` is the file of `--config`,
 * which is then read instead of the other two. `files` are the paths of those that were read.
 */
export const load = Effect.fnUntraced(function* (options: Options, given: string | undefined) {
  const { environment } = yield* Host
  const declared = Object.values(options)
  const named = given ?? (environment["HALYARD_CONFIG"] || undefined)
  const sources = [yield* fromEnvironment(declared, environment)]
  const files =
    named === undefined ? [...(yield* Files.project), ...(yield* Files.user(environment))] : [yield* Files.given(named)]
  for (const file of files) {
    sources.push(yield* settingsOf(declared, file, Files.homeOf(environment)))
  }
  const strongest = new Map<Option<unknown>, Setting>()
  for (const source of sources) {
    const weaker = rivalsOf(Array.from(strongest.values(), ({ option, texts }) => [option, texts] as const))
    for (const setting of source) {
      if (!strongest.has(setting.option) && !weaker.has(keyOf(setting.option))) {
        strongest.set(setting.option, setting)
      }
    }
  }
  return { settings: strongest, files: files.map(({ path }) => path) }
})

/** Pairs of options that a command line cannot have together. If two sources have them, the stronger source decides. */
const rivals: ReadonlyArray<readonly [string, string]> = [
  ["sync", "on-exists"],
  ["quiet", "verbose"],
  ["ipv4", "ipv6"],
  ["continue", "no-resume"],
  ["journal", "no-state"],
  ["output", "name"],
  ["output", "force-directories"],
  ["output", "remote-header-name"],
  ["name", "force-directories"],
  ["name", "remote-header-name"]
]

/** The keys that weaker sources cannot set beside these options. */
const rivalsOf = (
  options: Iterable<readonly [option: Option<unknown>, texts: ReadonlyArray<string> | undefined]>
): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const [option, texts] of options) {
    const key = keyOf(option)
    for (const [one, other] of texts === undefined ? [] : rivals) {
      if (key === one || key === other) {
        found.add(key === one ? other : one)
      }
    }
  }
  return found
}

/** The options of a line with those of the settings. */
export interface Merged {
  readonly texts: Texts
  /** For people: where the options come from that are not on the line. */
  readonly sources: ReadonlyMap<Option<unknown>, string>
}

/** The texts of the command line, and those of the settings for options that it does not have. Each text is checked. */
export const merged = (
  line: Texts,
  settings: ReadonlyMap<Option<unknown>, Setting>
): Either.Either<Merged, UsageError> => {
  const all = new Map(line)
  const sources = new Map<Option<unknown>, string>()
  const weaker = rivalsOf(line)
  for (const [option, { from, texts, where }] of settings) {
    if (!all.has(option) && !weaker.has(keyOf(option)) && texts !== undefined) {
      const read = option.read(texts)
      if (Either.isLeft(read)) {
        return Either.left(new UsageError({ message: `${Printable.line(where)}: ${read.left}` }))
      }
      all.set(option, texts)
      sources.set(option, from)
    }
  }
  return Either.right({ texts: all, sources })
}

const fromEnvironment = Effect.fnUntraced(function* (
  declared: ReadonlyArray<Option<unknown>>,
  environment: Readonly<Record<string, string | undefined>>
) {
  const settings: Array<Setting> = []
  const byVariable = new Map(declared.map((option) => [variableOf(option), option] as const))
  for (const [name, value = ""] of Object.entries(environment)) {
    const option = byVariable.get(name)
    const isOther = others.has(name) || (option === undefined && ofBatches.has(name))
    if (name.startsWith("HALYARD_") && !isOther && value !== "") {
      const key = option === undefined ? undefined : keyOf(option)
      if (option !== undefined && key !== undefined && !notSettable.has(key)) {
        const texts = yield* textsOf(
          option,
          option.form._tag === "Flag" ? (switches[value.toLowerCase()] ?? value) : value,
          name
        )
        settings.push({ option, texts, from: name, where: name })
      } else {
        const meant = suggestion(name, Array.from(byVariable.keys()))
        const problem =
          key !== undefined ? notSettableProblem(key) : meant === undefined ? undefined : `did you mean ${meant}?`
        if (problem !== undefined) {
          return yield* new UsageError({
            message: `the variable ${Printable.excerpt(name)} is not an option; ${problem}`
          })
        }
      }
    }
  }
  return settings
})

/** Variables that are not options. */
const others: ReadonlySet<string> = new Set(["HALYARD_CONFIG", "HALYARD_PASSPHRASE", "HALYARD_PASSWORD"])

/** Variables of the commands about batches. Other commands ignore them. */
export const ofBatches: ReadonlySet<string> = new Set([
  "HALYARD_DATABASE",
  "HALYARD_DRAIN",
  "HALYARD_HEALTH_PORT",
  "HALYARD_HOST",
  "HALYARD_ID",
  "HALYARD_LISTEN",
  "HALYARD_LOCAL",
  "HALYARD_PORT",
  "HALYARD_PROCESSES",
  "HALYARD_SHARDS_AT_ONCE",
  "HALYARD_SHARD_SIZE",
  "HALYARD_TAR"
])

const switches: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  "0": false,
  false: false,
  no: false
}

const notSettableProblem = (key: string): string => `--${key} belongs on a command line`

/** The texts of an option in a file that is read. Returns undefined for a flag that is switched off. */
const textsOf = (
  option: Option<unknown>,
  value: unknown,
  where: string
): Either.Either<ReadonlyArray<string> | undefined, UsageError> => {
  const wrong = (rule: string) =>
    Either.left(new UsageError({ message: `${Printable.line(where)}: ${keyOf(option)} ${rule}` }))
  const { form } = option
  if (form._tag === "Flag") {
    return typeof value === "boolean" ? Either.right(value ? [] : undefined) : wrong("must be true or false")
  }
  const values: ReadonlyArray<unknown> = Array.isArray(value)
    ? value
    : typeof value === "string" && form._tag === "Value" && form.isRepeated
      ? value.split("\n")
      : [value]
  const isList = form._tag === "Value" && form.isRepeated
  if (values.length !== 1 && !isList) {
    return wrong("has one value only")
  }
  const texts = values.flatMap((text) => (["string", "number", "bigint"].includes(typeof text) ? [`${text}`] : []))
  return texts.length === values.length ? Either.right(texts) : wrong("must be a text or a number")
}

const settingsOf = Effect.fnUntraced(function* (
  declared: ReadonlyArray<Option<unknown>>,
  file: Files.File,
  home: string | undefined
) {
  const path = yield* Path.Path
  const settings: Array<Setting> = []
  const byKey = new Map(declared.map((option) => [keyOf(option), option] as const))
  for (const [key, value] of Object.entries(file.values)) {
    const option = byKey.get(key)
    const line = file.lineOf(key)
    const where = line === undefined ? file.path : `${file.path}, line ${line}`
    const fail = (problem: string) => new UsageError({ message: `${Printable.line(where)}: ${problem}` })
    if (option === undefined && isTable(value)) {
      return yield* fail(`'${Printable.excerpt(key)}' is a table; the options of get belong outside of tables`)
    }
    if (option === undefined) {
      const meant = suggestion(key, Array.from(byKey.keys()))
      return yield* fail(
        `unknown option '${Printable.excerpt(key)}'${meant === undefined ? "" : `; did you mean '${meant}'?`}`
      )
    }
    if (notSettable.has(key)) {
      return yield* fail(notSettableProblem(key))
    }
    if (file.kind === "project" && !ofProject.has(key)) {
      return yield* fail(
        `a project cannot set ${key}, because its file may come from a stranger; set it in the user's file, in ${variableOf(option)} or on the command line`
      )
    }
    const given = yield* textsOf(option, value, where)
    if (home === undefined && given?.some((text) => isInHome(option, text)) === true) {
      return yield* fail(`${key} begins with ~, and the variable HOME is not set`)
    }
    const texts = given?.map((text) => (isInHome(option, text) ? text.replace("~", () => home ?? "~") : text))
    if (file.kind === "project" && key === "directory" && texts?.some((text) => isOutside(path, text)) === true) {
      return yield* fail("the directory of a project must be inside the project")
    }
    settings.push({ option, texts, from: file.path, where })
  }
  return settings
})

const isTable = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether the value of an option is a path that begins with `~`, or `@` and such a path. */
const isInHome = ({ form }: Option<unknown>, text: string): boolean =>
  form._tag === "Value" &&
  /(?:^|\|)@?(?:FILE|DIR)$/.test(form.metavar) &&
  (form.metavar.endsWith("@FILE") ? /^@~(?:\/|$)/ : /^~(?:\/|$)/).test(text)

const isOutside = (path: Path.Path, directory: string): boolean => {
  if (BucketUrl.isMeant(directory)) {
    return true
  }
  const relative = path.relative(path.resolve("."), path.resolve(directory))
  return path.isAbsolute(directory) || path.isAbsolute(relative) || relative.split(path.sep)[0] === ".."
}
