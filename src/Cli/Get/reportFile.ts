/**
 * The files of `--report` and `--har` of `halyard get`, which are none of the files that the run reads or writes.
 */
import * as Effect from "effect/Effect"
import type { Options } from "./options.js"
import type { Output } from "./output.js"

/** The page of `--report`. */
export const openPage = Effect.fnUntraced(function* (file: string, options: Options, output: Output | undefined) {
  const ReportPage = yield* Effect.promise(() => import("../reportPage.js"))
  return yield* ReportPage.open("--report", file, othersOf(options, output), { hasSecrets: options.showUrls })
})

/** The archive of `--har`. */
export const openArchive = Effect.fnUntraced(function* (
  file: string,
  options: Options,
  output: Output | undefined,
  version: string
) {
  const HarFile = yield* Effect.promise(() => import("../harFile.js"))
  const { report, showUrls } = options
  const others = [...othersOf(options, output), ...(report === undefined ? [] : [{ option: "--report", file: report }])]
  return yield* HarFile.open("--har", file, others, { hasSecrets: showUrls, version })
})

const othersOf = ({ cookieJar, failed, input, journal, sums }: Options, output: Output | undefined) => [
  ...input.map((name) => ({ option: "--input", file: name })),
  ...sums.map((name) => ({ option: "--sums", file: name })),
  ...(output === undefined ? [] : [{ option: "--output", file: output.destination }]),
  ...(failed === undefined ? [] : [{ option: "--failed", file: failed }]),
  ...(journal === undefined ? [] : [{ option: "--journal", file: journal }]),
  ...(cookieJar === undefined ? [] : [{ option: "--cookie-jar", file: cookieJar }])
]
