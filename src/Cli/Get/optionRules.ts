/**
 * The rules about options of `halyard get` that exclude each other, or that an output cannot have.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Printable from "../../internal/text/printable.js"
import * as Naming from "../../Naming.js"
import { longName, type Option } from "../commandLine/Option.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { UsageError } from "../UsageError.js"
import { options as declared, type Options } from "./options.js"
import { isStandardOutput, type Output } from "./output.js"

/** The names of files whose names are not in a list. */
export const namingOf = Effect.fnUntraced(function* (options: Options) {
  const given = (["output", "nameTemplate", "forceDirectories", "remoteHeaderName"] as const).filter(
    (name) => options[name]
  )
  const [first, second] = given.map((name) => longName(declared[name]))
  const isDirectoryAndName = given.join() === "forceDirectories,remoteHeaderName"
  if (second !== undefined && !isDirectoryAndName) {
    return yield* new UsageError({ message: `${first} and ${second} both name the file: give one of them` })
  }
  const { nameTemplate } = options
  return nameTemplate === undefined
    ? options.forceDirectories
      ? Naming.withHost
      : Naming.fromUrl
    : yield* Either.mapLeft(
        Naming.template(nameTemplate, yield* Naming.today),
        (problem) => new UsageError({ message: `--name TEMPLATE: ${problem}` })
      )
})

/** Refuses options that contradict each other, or that an output other than a file cannot have. */
export const checkOptions = Effect.fnUntraced(function* (options: Options, output: Output | undefined) {
  if (options.continue && options.noResume) {
    return yield* new UsageError({ message: "--continue makes unfinished parts, and --no-resume forbids them" })
  }
  if (options.sync && options.onExists !== undefined) {
    return yield* new UsageError({ message: "--sync and --on-exists contradict each other: give one of them" })
  }
  if (options.quiet && options.verbose) {
    return yield* new UsageError({ message: "--quiet and --verbose contradict each other: give one of them" })
  }
  if (isStandardOutput(output?.stream) && options.json) {
    return yield* new UsageError({ message: "--json and --output - would both write standard output" })
  }
  const kind = kindOf(options, output)
  const wrong = kind?.without.find((name) => isGiven(options, name))
  if (kind !== undefined && wrong !== undefined) {
    return yield* new UsageError({ message: `${longName(declared[wrong])} is for ${kind.isFor}, and ${kind.whatItIs}` })
  }
})

/** An output other than files on a disk. */
interface OtherKind {
  readonly whatItIs: string
  /** What the options are for that it cannot have. */
  readonly isFor: string
  readonly without: ReadonlyArray<OfFiles>
}

const kindOf = (options: Options, output: Output | undefined): OtherKind | undefined =>
  output?.stream !== undefined
    ? { whatItIs: `--output ${Printable.line(output.destination)} is not a file`, isFor: "files", without: ofFiles }
    : BucketUrl.isIn(options.directory)
      ? {
          whatItIs: `--directory ${Printable.line(options.directory)} is in an object storage`,
          isFor: "directories",
          without: ofDirectories
        }
      : undefined

/** Options that an output other than a file cannot have. */
const ofFiles = ["onExists", "sync", "durability", "segments"] as const

/** Options that an object storage cannot have. */
const ofDirectories = ["continue", "allowOutside"] as const

type OfFiles = (typeof ofFiles)[number] | (typeof ofDirectories)[number]

const isGiven = (options: Options, name: OfFiles): boolean => options[name] !== undefined && options[name] !== false

/**
 * The options without those of settings that the output cannot have, and a line for the user about each of these. `sources` says
 * where the options come from that are not on the command line.
 */
export const forOutput = (
  options: Options,
  output: Output | undefined,
  sources: ReadonlyMap<Option<unknown>, string>
): { readonly options: Options; readonly ignored: ReadonlyArray<string> } => {
  const kind = kindOf(options, output)
  if (kind === undefined) {
    return { options, ignored: [] }
  }
  const isIgnored = (name: keyof Options): boolean => sources.has(declared[name])
  const names = kind.without.filter((name) => isGiven(options, name) && isIgnored(name))
  const isJsonIgnored = options.json && isStandardOutput(output?.stream) && isIgnored("json")
  const without = new Set<keyof Options>(names)
  return {
    options: {
      ...options,
      json: options.json && !isJsonIgnored,
      onExists: without.has("onExists") ? undefined : options.onExists,
      sync: options.sync && !without.has("sync"),
      durability: without.has("durability") ? undefined : options.durability,
      segments: without.has("segments") ? undefined : options.segments,
      continue: options.continue && !without.has("continue"),
      allowOutside: options.allowOutside && !without.has("allowOutside")
    },
    ignored: [...names, ...(isJsonIgnored ? (["json"] as const) : [])].map(
      (name) =>
        `${Printable.line(sources.get(declared[name]) ?? "")}: ${longName(declared[name]).slice(2)} is ignored, because ${kind.whatItIs}`
    )
  }
}
