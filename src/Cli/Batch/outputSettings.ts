/**
 * The output of a batch, in the settings that the submitter gives to the runners. They have no account: each runner has its own.
 */
import * as Either from "effect/Either"
import type { Settings } from "../../cluster/models.js"
import * as Printable from "../../internal/text/printable.js"
import * as BucketUrl from "../run/bucketUrl.js"

/**
 * `files`: each request has its own file. `tar`: each shard has a tar in the directory. If the directory is in an object storage, each file
 * or tar is an object.
 */
export interface Output {
  readonly _tag: "files" | "tar"
  readonly directory: string
}

/** An earlier version of a runner refuses the settings that it does not know. Files on a disk need none: their paths are whole. */
export const encode = ({ _tag, directory }: Output): Settings => ({
  ...(_tag === "tar" ? { output: "tar" } : {}),
  ...(BucketUrl.isIn(directory) ? { bucket: directory } : _tag === "tar" ? { directory } : {})
})

/**
 * Reads the settings of a batch, or says why this version cannot carry it out. For files on a disk, `directory` is empty, because the
 * requests have whole paths.
 */
export const decode = (settings: Settings): Either.Either<Output, string> => {
  const { bucket, directory, output, ...others } = settings
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    return Either.left(unknownSetting(unknown))
  }
  if (output !== undefined && output !== "tar") {
    return Either.left(unknownSetting(`output=${output}`))
  }
  if (bucket === undefined) {
    return output === undefined && directory === undefined
      ? Either.right({ _tag: "files", directory: "" })
      : output === "tar" && directory !== undefined
        ? Either.right({ _tag: "tar", directory })
        : Either.left(unknownSetting(directory === undefined ? "output=tar" : "directory"))
  }
  const read = BucketUrl.directory(bucket, "bucket")
  return Either.isRight(read) && read.right === bucket && BucketUrl.isIn(bucket) && directory === undefined
    ? Either.right({ _tag: output ?? "files", directory: bucket })
    : Either.left(unknownSetting("bucket"))
}

const unknownSetting = (setting: string): string =>
  `the batch has the setting ${Printable.excerpt(setting)}, which this version of halyard does not know: start runners of the version that has submitted it`
