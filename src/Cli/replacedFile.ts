/**
 * A file that a run replaces when it ends: it is checked before the run, and gets its new content in one step.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { fromCause } from "../DownloadError/diskErrors.js"
import type { Disk } from "../DownloadError.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import * as Printable from "../internal/text/printable.js"
import { listName } from "../Store/partName.js"
import { Host } from "./Host.js"
import { UsageError } from "./UsageError.js"

export type Requirements = FileSystem.FileSystem | Path.Path

export interface ReplacedFile {
  /** The absolute path. A symbolic link is followed, so that the link stays. */
  readonly path: string
  /** Remembers the destination of an outcome if it may be the file. */
  readonly receive: (event: DownloadEvent) => void
  /** Gives the file the content that this function writes. Fails, and writes nothing, if the file is the destination of an outcome. */
  readonly replace: (
    write: (file: FileSystem.File) => Effect.Effect<void, unknown>
  ) => Effect.Effect<void, Disk | UsageError>
}

/** A file that must not be the same. */
export interface OtherFile {
  /** The option that names it. */
  readonly option: string
  readonly file: string
}

/**
 * Checks that the file of an option can be replaced. Fails with a sentence that begins with the option. The new file has the mode of
 * the one that it replaces. Other users cannot read it if it has secrets.
 */
export const check = Effect.fnUntraced(function* (
  option: string,
  file: string,
  others: ReadonlyArray<OtherFile>,
  { hasSecrets }: { readonly hasSecrets: boolean }
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { owner } = yield* Host
  const label = `${option} ${Printable.line(file)}`
  if (file === "-" || file === "/dev/stdin") {
    return yield* new UsageError({ message: `${label}: it must be a file` })
  }
  const real = (name: string) => Effect.orElseSucceed(fs.realPath(name), () => path.resolve(name))
  const target = yield* real(file)
  for (const other of others) {
    if ((yield* real(other.file)) === target) {
      return yield* new UsageError({ message: `${label}: it is also the file of ${other.option}` })
    }
  }
  const unwritable = (cause: unknown) => new UsageError({ message: `${label}: ${fromCause(file, cause).message}` })
  const found = yield* Effect.option(fs.stat(target))
  if (found._tag === "Some") {
    if (found.value.type !== "File") {
      const what = found.value.type === "Directory" ? "a directory" : "not a regular file"
      return yield* new UsageError({ message: `${label}: it is ${what}` })
    }
    yield* Effect.mapError(fs.access(target, { writable: true }), unwritable)
  }
  const directory = path.dirname(target)
  const number = yield* Random.nextIntBetween(0, 2 ** 31)
  const temporary = path.join(directory, listName(yield* owner, number))
  const remove = Effect.ignore(fs.remove(temporary, { force: true }))
  const mode = hasSecrets ? 0o600 : found._tag === "Some" ? found.value.mode & 0o777 : undefined
  const create = fs.open(temporary, { flag: "wx", mode: mode ?? 0o666 })
  // The system takes its mask from the mode of a file that is created.
  const keepMode = mode === undefined ? Effect.void : fs.chmod(temporary, mode)
  // Whether a file can be created is known only when one is.
  yield* Effect.mapError(Effect.ensuring(Effect.scoped(create), remove), unwritable)
  const names = [target, file].map((name) => comparable(path.basename(name)))
  const destinations = new Set<string>()
  const refuseDestination = Effect.gen(function* () {
    const own = yield* real(target)
    for (const destination of destinations) {
      if ((yield* real(destination)) === own) {
        return yield* new UsageError({ message: "it is also the destination of a download, which stays" })
      }
    }
  })
  const replaced: ReplacedFile = {
    path: target,
    receive: (event) => {
      if (event._tag === "Finished") {
        const { outcome } = event
        const own = "destination" in outcome ? outcome.destination : undefined
        const destination = own ?? outcome.request.destination
        if (names.includes(comparable(path.basename(destination)))) {
          destinations.add(destination)
        }
      }
    },
    replace: (write) =>
      Effect.zipRight(
        refuseDestination,
        Effect.scoped(
          Effect.flatMap(Effect.zipLeft(create, keepMode), (handle) => Effect.zipRight(write(handle), handle.sync))
        ).pipe(
          Effect.zipRight(fs.rename(temporary, target)),
          Effect.mapError((cause) => fromCause(file, cause)),
          Effect.ensuring(remove)
        )
      )
  }
  return replaced
})

/** Names that some file systems take for the same are equal. */
const comparable = (name: string): string => name.normalize().toLowerCase()
