/**
 * The files of `--report` and `--har` of `halyard get`, which are none of the files that the run reads or writes.
 */
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { hasProperty, isTagged } from "effect/Predicate"
import { stateFileName } from "../../Journal/Directory.js"
import { longName } from "../Option.js"
import type { OtherFile } from "../replacedFile.js"
import { homeFile } from "./credentials.js"
import { isStandardInput } from "./input.js"
import { options as declared, type Options } from "./options.js"
import type { Output } from "./output.js"

/** What a run of `get` reads and writes. */
export interface RunFiles {
  readonly options: Options
  readonly output: Output | undefined
  /** The files that options were read from. */
  readonly configuration: ReadonlyArray<string>
}

/** The page of `--report`. */
export const openPage = Effect.fnUntraced(function* (file: string, run: RunFiles) {
  const ReportPage = yield* Effect.promise(() => import("../reportPage.js"))
  const others = yield* othersOf(file, run)
  return yield* ReportPage.open("--report", file, others, { hasSecrets: run.options.showUrls, isOwnRun: true })
})

/** The archive of `--har`. */
export const openArchive = Effect.fnUntraced(function* (file: string, run: RunFiles, version: string) {
  const HarFile = yield* Effect.promise(() => import("../harFile.js"))
  const { report, showUrls } = run.options
  const others = [
    ...(yield* othersOf(file, run)),
    ...(report === undefined ? [] : [{ option: "--report", file: report }])
  ]
  return yield* HarFile.open("--har", file, others, { hasSecrets: showUrls, version })
})

const othersOf = Effect.fnUntraced(function* (file: string, { configuration, options, output }: RunFiles) {
  const path = yield* Path.Path
  const others: Array<OtherFile> = []
  for (const [key, { form, ...option }] of Object.entries(declared)) {
    if (form._tag === "Value" && /(?:^|\|)@?FILE$/.test(form.metavar) && !isComparedOtherwise.has(key)) {
      others.push(...namesIn(Reflect.get(options, key)).map((name) => ({ option: longName(option), file: name })))
    }
  }
  if (output !== undefined) {
    others.push({ option: "--output", file: output.destination })
  }
  others.push(...configuration.map((name) => ({ option: "the configuration", file: name })))
  if (options.netrc && options.netrcFile === undefined) {
    others.push({ option: "--netrc", file: yield* homeFile })
  }
  if (options.journal === undefined && !options.noState) {
    // Each directory has its own.
    others.push({ option: "the saved state", file: path.join(path.dirname(file), stateFileName) })
  }
  return others.filter(({ file }) => !isStandardInput(file))
})

/** `--report` and `--har` are compared with each other, and `--output` is relative to the directory of the run. */
const isComparedOtherwise: ReadonlySet<string> = new Set(["report", "har", "output"])

/** The names of files in the value of an option. The value may also be a text, such as a header. */
const namesIn = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(namesIn)
      : isTagged(value, "File") && hasProperty(value, "path") && typeof value.path === "string"
        ? [value.path]
        : []
