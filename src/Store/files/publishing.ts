/**
 * Gives a temporary file its final name, without ever replacing a file that is to be kept.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { codeOf, isUnsupported } from "../../DownloadError/diskErrors.js"
import { Disk } from "../../DownloadError.js"
import { andThen, errorOf, isExit, matchExit } from "../../internal/andThen.js"
import { candidates } from "../../internal/text/fileNames.js"
import * as Printable from "../../internal/text/printable.js"
import type { PublishOptions } from "../../Store.js"
import type { FileOperations } from "./fileOperations.js"

type Names = Pick<FileOperations<never>, "link" | "remove" | "rename" | "stat">

/** Returns the final name; undefined if `skip` has kept another file. */
export const move = (
  names: Names,
  temporary: string,
  destination: string,
  onExists: PublishOptions["onExists"]
): Effect.Effect<string | undefined, unknown> => {
  if (onExists === "overwrite") {
    return andThen(names.rename(temporary, destination), () => Exit.succeed(destination))
  }
  const free = onExists === "unique" ? candidates(destination) : [destination].values()
  return andThen(moveToFirstFree(names, temporary, free), (path) => {
    if (path !== undefined) {
      return Exit.succeed(path)
    }
    // `stat` fails if a directory took the name in the meantime, because a directory cannot be skipped as a file.
    const kept = onExists === "skip" ? names.stat(destination) : Exit.succeed(undefined)
    return andThen(kept, (found) =>
      found !== undefined
        ? Exit.succeed(undefined)
        : Exit.fail(new Disk({ path: Printable.line(destination), reason: "exists", detail: "" }))
    )
  })
}

/** Returns the name that the file got; undefined if all are taken. */
const moveToFirstFree = (
  names: Names,
  temporary: string,
  paths: Iterator<string>
): Effect.Effect<string | undefined, unknown> => {
  // A loop, because a call for each of thousands of names would be too deep.
  for (let next = paths.next(); next.done !== true; next = paths.next()) {
    const path = next.value
    const moving = moveExclusively(names, temporary, path)
    if (!isExit(moving)) {
      return Effect.flatMap(moving, (isMoved) =>
        isMoved ? Exit.succeed(path) : moveToFirstFree(names, temporary, paths)
      )
    }
    if (Exit.isFailure(moving) || moving.value) {
      return Exit.as(moving, path)
    }
  }
  return Exit.succeed(undefined)
}

// By a link: unlike rename, link fails if the name is taken. File systems without links leave a check before the rename as the
// second best. Returns false if the name is taken.
const moveExclusively = (names: Names, temporary: string, path: string): Effect.Effect<boolean, unknown> =>
  matchExit(names.link(temporary, path), (exit) => {
    if (Exit.isSuccess(exit)) {
      // If the temporary name cannot be removed, it is left: the complete file has its final name.
      return matchExit(names.remove(temporary), () => Exit.succeed(true))
    }
    const code = codeOf(errorOf(exit))
    if (code === "EEXIST") {
      return Exit.succeed(false)
    }
    return isUnsupported(code)
      ? andThen(isTaken(names, path), (taken) =>
          taken ? Exit.succeed(false) : andThen(names.rename(temporary, path), () => Exit.succeed(true))
        )
      : Exit.failCause(exit.cause)
  })

const isTaken = (names: Names, path: string): Effect.Effect<boolean, unknown> =>
  matchExit(names.stat(path), (exit) =>
    Exit.isFailure(exit) && codeOf(errorOf(exit)) === "EISDIR"
      ? Exit.succeed(true)
      : Exit.map(exit, (found) => found !== undefined)
  )
