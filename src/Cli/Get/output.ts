/**
 * Finds out whether `--output` of `halyard get` names a file that is saved whole, or a stream that is written to.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Printable from "../../internal/text/printable.js"
import { Host, type OutputStream } from "../Host.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { UsageError } from "../UsageError.js"

export interface Output {
  readonly destination: string
  /** Undefined for a regular file. */
  readonly stream: OutputStream | undefined
}

export const outputOf = Effect.fnUntraced(function* (
  directory: string,
  output: string
): Effect.fn.Return<Output, UsageError, FileSystem.FileSystem | Host | Path.Path> {
  const path = yield* Path.Path
  const descriptor = output === "-" ? 1 : descriptorOf(path.resolve(directory, output))
  if (descriptor !== undefined) {
    const problem = yield* (yield* Host).writeProblem(descriptor)
    return problem === undefined
      ? { destination: output, stream: { _tag: "Descriptor", descriptor } }
      : yield* new UsageError({ message: `--output ${Printable.line(output)}: ${problem}` })
  }
  if (BucketUrl.isIn(directory)) {
    return yield* Either.mapBoth(BucketUrl.inside(directory, output), {
      onLeft: (problem) => new UsageError({ message: `--output FILE: ${problem}` }),
      onRight: (destination) => ({ destination, stream: undefined })
    })
  }
  const fs = yield* FileSystem.FileSystem
  const destination = path.isAbsolute(output) ? output : path.join(directory, output)
  const type = Option.getOrUndefined(Option.map(yield* Effect.option(fs.stat(destination)), (info) => info.type))
  switch (type) {
    case undefined:
    case "File":
      return { destination, stream: undefined }
    case "FIFO":
    case "CharacterDevice":
    case "BlockDevice":
      return { destination, stream: { _tag: "Path", isPipe: type === "FIFO" } }
    default: {
      const what = type === "Directory" ? "a directory" : "neither a regular file nor a pipe nor a device"
      return yield* new UsageError({ message: `--output FILE: ${destination} is ${what}` })
    }
  }
})

const standard: ReadonlyMap<string, number> = new Map([
  ["/dev/stdin", 0],
  ["/dev/stdout", 1],
  ["/dev/stderr", 2]
])

/** The descriptor that a name such as `/dev/fd/3` means. Opening that name again would truncate a file that other processes write to. */
const descriptorOf = (path: string): number | undefined => {
  const number = /^\/(?:dev|proc\/(?:thread-)?self)\/fd\/(\d{1,9})$/.exec(path)?.[1]
  return standard.get(path) ?? (number === undefined ? undefined : Number(number))
}

export const isStandardOutput = (stream: OutputStream | undefined): boolean =>
  stream?._tag === "Descriptor" && stream.descriptor === 1
