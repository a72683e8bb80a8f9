/**
 * The file beside a part that holds its last checkpoint.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { codeOf } from "../../DownloadError/diskErrors.js"
import { andThen, errorOf, matchExit } from "../../internal/andThen.js"
import type { Durability } from "../../Store.js"
import type { FileOperations } from "../files/fileOperations.js"
import { writeAll } from "../files/writeAll.js"
import * as Record from "./record.js"

// A text is limited by the number of ranges in it. Anything larger was not written by a store.
const maxBytes = 16 * 1024 * 1024

export class RecordFile {
  /** True if the file may be there. A checkpoint that failed may have created it. */
  private mayExist: boolean

  constructor(
    readonly path: string,
    private newest?: Record.Located | undefined
  ) {
    this.mayExist = newest !== undefined
  }

  /** True if a checkpoint was written. */
  get hasCheckpoint(): boolean {
    return this.newest !== undefined
  }

  /** Writes a checkpoint. If it fails, the one before stays. With `full` the line is synced, and so is the directory of a new file. */
  write<Handle>(
    operations: FileOperations<Handle>,
    checkpoint: Omit<Record.Checkpoint, "sequence">,
    durability: Durability,
    directory: string
  ): Effect.Effect<void, unknown> {
    const sequence = (this.newest?.checkpoint.sequence ?? 0) + 1
    const located = { ...checkpoint, sequence }
    const bytes = Record.encode(located)
    const isNew = this.newest === undefined
    return andThen(this.opened(operations), (handle) => {
      const startBytes = Record.startFor(bytes.length, this.newest)
      const writing = andThen(writeAll(operations, handle, { bytes, startBytes }), () =>
        durability === "full" ? operations.sync(handle) : Exit.void
      )
      return matchExit(writing, (written) =>
        matchExit(operations.close(handle), (closed) =>
          andThen(Exit.isFailure(written) ? written : closed, () => {
            this.newest = { checkpoint: located, startBytes, endBytes: startBytes + bytes.length }
            return durability === "full" && isNew ? operations.syncDirectory(directory) : Exit.void
          })
        )
      )
    })
  }

  private opened<Handle>(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown> {
    const created = operations.create
    this.mayExist = true
    if (this.newest === undefined) {
      // A checkpoint that failed may have created the file.
      return matchExit(created(this.path, "private"), (exit) =>
        Exit.isFailure(exit) && codeOf(errorOf(exit)) === "EEXIST" ? operations.openOwn(this.path) : exit
      )
    }
    return matchExit(operations.openOwn(this.path), (exit) => {
      if (Exit.isFailure(exit) && codeOf(errorOf(exit)) === "ENOENT") {
        // Another program has removed the file.
        return created(this.path, "private")
      }
      return exit
    })
  }

  /** Removes the file. A file that cannot be removed is left: the next run removes records without a part. */
  remove<Handle>(operations: FileOperations<Handle>): Effect.Effect<void> {
    if (!this.mayExist) {
      return Exit.void
    }
    this.mayExist = false
    this.newest = undefined
    return matchExit(operations.remove(this.path), () => Exit.void)
  }
}

/** Reads the newest checkpoint in a file. Undefined if there is none, or if the file is not one that this user has written. */
export const read = <Handle>(
  operations: FileOperations<Handle>,
  path: string
): Effect.Effect<Record.Located | undefined, unknown> =>
  Effect.gen(function* () {
    const found = yield* operations.inspect(path)
    if (found === undefined || !found.isOwn || found.sizeBytes > maxBytes) {
      return undefined
    }
    return yield* Effect.acquireUseRelease(
      operations.openOwn(path),
      (handle) =>
        Effect.gen(function* () {
          const bytes = new Uint8Array(found.sizeBytes)
          let filledBytes = 0
          while (filledBytes < bytes.length) {
            const count = yield* operations.read(handle, bytes.subarray(filledBytes), filledBytes)
            if (count === 0) {
              break
            }
            filledBytes += count
          }
          return Record.newestIn(bytes.subarray(0, filledBytes))
        }),
      (handle) => Effect.ignore(operations.close(handle))
    )
  })
