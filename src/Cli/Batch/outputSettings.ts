/**
 * The output of a batch, in the settings that the submitter gives to the runners.
 */
import * as Either from "effect/Either"
import type { Settings } from "../../cluster/models.js"
import * as Printable from "../../internal/text/printable.js"

/** `files`: each request has its own file. `tar`: each shard has a tar in the directory. */
export type Output = { readonly _tag: "files" } | { readonly _tag: "tar"; readonly directory: string }

export const encode = (output: Output): Settings =>
  output._tag === "files" ? {} : { output: "tar", directory: output.directory }

/** Reads the settings of a batch, or says why this version cannot carry it out. */
export const decode = (settings: Settings): Either.Either<Output, string> => {
  const { directory, output, ...others } = settings
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    return Either.left(unknownSetting(unknown))
  }
  if (output === undefined && directory === undefined) {
    return Either.right({ _tag: "files" })
  }
  return output === "tar" && directory !== undefined
    ? Either.right({ _tag: "tar", directory })
    : Either.left(unknownSetting(output === undefined ? "directory" : `output=${output}`))
}

const unknownSetting = (setting: string): string =>
  `the batch has the setting ${Printable.excerpt(setting)}, which this version of halyard does not know: start runners of the version that has submitted it`
