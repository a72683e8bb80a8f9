/**
 * A file that a run replaces when it ends: it is checked before the run, and gets its new content in one step. The content is written to a
 * temporary file beside it, which is synced and renamed, or removed after a failure.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { Disk } from "../../DownloadError.js"
import type { DownloadEvent } from "../../DownloadEvent.js"
import * as Printable from "../../internal/text/printable.js"
import { listName } from "../../Store/files/partName.js"
import { Host } from "../Host.js"
import { UsageError } from "../UsageError.js"

export type Requirements = FileSystem.FileSystem | Path.Path

export interface ReplacedFile {
  /** Remembers the destination of an outcome if it may be the file. */
  readonly receive: (event: DownloadEvent) => void
  /** Opens a temporary file. The scope removes it, unless it has replaced the file. */
  readonly openTemporary: Effect.Effect<TemporaryFile, Disk, Scope.Scope>
  /** Gives the file the content that this function writes. Fails, and writes nothing, if the file is the destination of an outcome. */
  readonly replace: (
    write: (file: FileSystem.File) => Effect.Effect<void, unknown>
  ) => Effect.Effect<void, Disk | UsageError>
}

export interface TemporaryFile {
  /** Open for reading and writing. */
  readonly file: FileSystem.File
  /** Replaces the file by the temporary one. Fails, and replaces nothing, if the file is the destination of an outcome. */
  readonly publish: Effect.Effect<void, Disk | UsageError>
}

/**
 * Checks that the file of an option can be replaced. Fails with a sentence that begins with the option. The new file has the mode of
 * the one that it replaces. Other users cannot read it if it has secrets. A symbolic link is followed, so that the link stays, or is
 * replaced itself.
 */
export const check = Effect.fnUntraced(function* (
  option: string,
  file: string,
  { hasSecrets, link = "follow" }: { readonly hasSecrets: boolean; readonly link?: "follow" | "replace" | undefined }
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { owner } = yield* Host
  const label = `${option} ${Printable.line(file)}`
  if (file === "-" || file === "/dev/stdin") {
    return yield* new UsageError({ message: `${label}: it must be a file, because its content is replaced at the end` })
  }
  const real = (name: string) => Effect.orElseSucceed(fs.realPath(name), () => path.resolve(name))
  const target = link === "follow" ? yield* real(file) : path.resolve(file)
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
  const ownerName = yield* owner
  const temporaryName = Effect.map(Random.nextIntBetween(0, 2 ** 31), (number) =>
    path.join(directory, listName(ownerName, number))
  )
  const mode = hasSecrets ? 0o600 : found._tag === "Some" ? found.value.mode & 0o777 : undefined
  // The system takes its mask from the mode of a file that is created.
  const keepMode = (name: string) => (mode === undefined ? Effect.void : fs.chmod(name, mode))
  const failed = (cause: unknown) => fromCause(file, cause)
  const openTemporary: ReplacedFile["openTemporary"] = Effect.gen(function* () {
    const name = yield* temporaryName
    const handle = yield* Effect.zipLeft(fs.open(name, { flag: "wx+", mode: mode ?? 0o666 }), keepMode(name))
    yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(name, { force: true })))
    const publish = Effect.mapError(Effect.zipRight(handle.sync, fs.rename(name, target)), failed)
    return { file: handle, publish: Effect.zipRight(refuseDestination, publish) }
  }).pipe(Effect.mapError(failed), Effect.uninterruptible)
  const names = [target, file].map((name) => comparable(path.basename(name)))
  const isNamedLike = (destination: string): boolean =>
    names.some((name) => mayEqual(name, destination)) && names.includes(comparable(path.basename(destination)))
  const destinations = new Set<string>()
  const refuseDestination = Effect.gen(function* () {
    const own = yield* real(target)
    for (const destination of destinations) {
      if ((yield* real(destination)) === own) {
        return yield* new UsageError({ message: "it is also the destination of a download, which stays" })
      }
    }
  })
  // Whether a file can be created is known only when one is.
  yield* Effect.mapError(
    Effect.scoped(openTemporary),
    ({ message }) => new UsageError({ message: `${label}: ${message}` })
  )
  const replaced: ReplacedFile = {
    receive: (event) => {
      if (event._tag === "Finished") {
        const { outcome } = event
        const own = "destination" in outcome ? outcome.destination : undefined
        const destination = own ?? outcome.request.destination
        if (isNamedLike(destination)) {
          destinations.add(destination)
        }
      }
    },
    openTemporary,
    replace: (write) =>
      Effect.scoped(
        Effect.flatMap(openTemporary, (opened) =>
          Effect.zipRight(Effect.mapError(write(opened.file), failed), opened.publish)
        )
      )
  }
  return replaced
})

/** Names that some file systems take for the same are equal. */
const comparable = (name: string): string => name.normalize().toLowerCase()

/** False if the last characters differ, and normalization changes neither. Most files of a run have another extension. */
const mayEqual = (name: string, destination: string): boolean => {
  const last = destination.charCodeAt(destination.length - 1)
  return last > 0x7f || destination.slice(-1).toLowerCase() === name.slice(-1)
}
