/**
 * The file of `--report` of `halyard get`.
 */
import * as Effect from "effect/Effect"
import type { Options } from "./options.js"
import type { Output } from "./output.js"

/** The page of `--report`, which is none of the files that the run reads or writes. */
export const openPage = Effect.fnUntraced(function* (file: string, options: Options, output: Output | undefined) {
  const ReportPage = yield* Effect.promise(() => import("../reportPage.js"))
  const { cookieJar, failed, input, journal, sums } = options
  const others = [
    ...input.map((name) => ({ option: "--input", file: name })),
    ...sums.map((name) => ({ option: "--sums", file: name })),
    ...(output === undefined ? [] : [{ option: "--output", file: output.destination }]),
    ...(failed === undefined ? [] : [{ option: "--failed", file: failed }]),
    ...(journal === undefined ? [] : [{ option: "--journal", file: journal }]),
    ...(cookieJar === undefined ? [] : [{ option: "--cookie-jar", file: cookieJar }])
  ]
  return yield* ReportPage.open("--report", file, others, { hasSecrets: false })
})
