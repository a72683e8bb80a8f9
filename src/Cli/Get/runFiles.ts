/**
 * The files that a run of `halyard get` reads and writes besides its downloads.
 */
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { hasProperty, isTagged } from "effect/Predicate"
import { stateFileName } from "../../Journal/Directory.js"
import { longName } from "../commandLine/Option.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { checkDistinct, type NamedFile, type OutputFile } from "../run/distinctFiles.js"
import { isStandardInput } from "./input.js"
import { options as declared, type Options } from "./options.js"
import type { Output } from "./output.js"
import { homeFile } from "./request/credentials.js"

/** What a run of `get` reads and writes. */
export interface RunFiles {
  readonly options: Options
  readonly output: Output | undefined
  /** The files that options were read from. */
  readonly configuration: ReadonlyArray<string>
}

/** Fails if a file that the run writes is also one that it reads, or another one that it writes. */
export const checkFiles = Effect.fnUntraced(function* (run: RunFiles) {
  const outputs = outputsOf(run)
  // Most runs have none.
  yield* outputs.length === 0
    ? Effect.void
    : Effect.flatMap(inputsOf(run, outputs), (inputs) => checkDistinct(inputs, outputs))
})

/** The page of `--report`. */
export const openPage = Effect.fnUntraced(function* (file: string, { options }: RunFiles) {
  const ReportPage = yield* Effect.promise(() => import("../run/reportPage.js"))
  return yield* ReportPage.open("--report", file, { hasSecrets: options.showUrls, isOwnRun: true })
})

/** The archive of `--har`. */
export const openArchive = Effect.fnUntraced(function* (file: string, { options }: RunFiles, version: string) {
  const HarFile = yield* Effect.promise(() => import("../run/harFile.js"))
  return yield* HarFile.open("--har", file, { hasSecrets: options.showUrls, version })
})

/** The list of `--failed`. */
export const openFailed = Effect.fnUntraced(function* (file: string, directory: string, { options, output }: RunFiles) {
  const FailedItems = yield* Effect.promise(() => import("./failedItems.js"))
  return yield* FailedItems.open(file, directory, options, output?.stream !== undefined)
})

/** The options that name an output. The run compares each with those before it. */
const outputOptions = ["journal", "cookieJar", "failed", "report", "har"] as const

/** An input that an output may replace: a list by the items that are left of it, and cookies by more of them. */
const updates: Readonly<Record<string, string>> = {
  failed: longName(declared.input),
  cookieJar: longName(declared.cookie)
}

const outputsOf = ({ options, output }: RunFiles): ReadonlyArray<OutputFile> => [
  ...(output === undefined || output.stream !== undefined || BucketUrl.isIn(output.destination)
    ? []
    : [{ option: "--output", file: output.destination }]),
  ...outputOptions.flatMap((name) => {
    const file = options[name]
    return file === undefined || isStandardInput(file)
      ? []
      : [{ option: longName(declared[name]), file, updates: updates[name] }]
  })
]

const inputsOf = Effect.fnUntraced(function* (
  { configuration, options }: RunFiles,
  outputs: ReadonlyArray<OutputFile>
) {
  const path = yield* Path.Path
  const inputs: Array<NamedFile> = []
  for (const [key, { form, ...option }] of Object.entries(declared)) {
    if (form._tag === "Value" && /(?:^|\|)@?FILE$/.test(form.metavar) && !isOutput.has(key)) {
      inputs.push(...namesIn(Reflect.get(options, key)).map((file) => ({ option: longName(option), file })))
    }
  }
  inputs.push(...configuration.map((file) => ({ option: "the configuration", file })))
  if (options.netrc && options.netrcFile === undefined) {
    inputs.push({ option: "--netrc", file: yield* homeFile })
  }
  if (options.journal === undefined && !options.noState) {
    // Each directory has its own.
    for (const { file } of outputs) {
      inputs.push({ option: "the saved state", file: path.join(path.dirname(file), stateFileName) })
    }
  }
  return inputs.filter(({ file }) => !isStandardInput(file))
})

const isOutput: ReadonlySet<string> = new Set(["output", ...outputOptions])

/** The names of files in the value of an option. The value may also be a text, such as a header. */
const namesIn = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(namesIn)
      : isTagged(value, "File") && hasProperty(value, "path") && typeof value.path === "string"
        ? [value.path]
        : []
