/**
 * Compares the files of a command line: an output must be none of its inputs, and no other output.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Printable from "../../internal/text/printable.js"
import { UsageError } from "../UsageError.js"

export interface NamedFile {
  /** The option that names it. */
  readonly option: string
  readonly file: string
}

export interface OutputFile extends NamedFile {
  /** The option of an input that may be the same file, because the output is what is left of it, or adds to it. */
  readonly updates?: string | undefined
}

/** Fails if an output is also an input, or an earlier output. Pipes and devices may be both. */
export const checkDistinct = Effect.fnUntraced(function* (
  inputs: ReadonlyArray<NamedFile>,
  outputs: ReadonlyArray<OutputFile>
) {
  if (outputs.length === 0) {
    return
  }
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  // A file that does not exist may have two names through the links of its directory.
  const real = (file: string) =>
    Effect.orElse(fs.realPath(file), () =>
      Effect.match(fs.realPath(path.dirname(file)), {
        onFailure: () => path.resolve(file),
        onSuccess: (directory) => path.join(directory, path.basename(file))
      })
    )
  const found: Array<readonly [real: string, option: string]> = []
  for (const { file, option } of inputs) {
    found.push([yield* real(file), option])
  }
  for (const { file, option, updates } of outputs) {
    const own = yield* real(file)
    const same = found.find(([name, other]) => name === own && other !== updates)
    if (same !== undefined && (yield* isFile(fs, own))) {
      return yield* new UsageError({ message: `${option} ${Printable.line(file)}: it is also the file of ${same[1]}` })
    }
    found.push([own, option])
  }
})

const isFile = (fs: FileSystem.FileSystem, name: string): Effect.Effect<boolean> =>
  Effect.match(fs.stat(name), { onFailure: () => true, onSuccess: ({ type }) => type === "File" })
