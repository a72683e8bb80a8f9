/**
 * The file beside a part that holds its last checkpoint, and the last one that was synced.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { codeOf } from "../../DownloadError/diskErrors.js"
import { andThen, errorOf, matchExit } from "../../internal/andThen.js"
import type { Durability } from "../../Store.js"
import type { FileOperations } from "../fileOperations.js"
import { writeAll } from "../writeAll.js"
import * as Record from "./record.js"

// A text is limited by the number of ranges in it. Anything larger was not written by a store.
const maxBytes = 16 * 1024 * 1024

/** What an earlier run has left in the file: the line that is continued, and all lines. */
export interface Found {
  readonly located: Record.Located
  readonly lines: ReadonlyArray<Record.Located>
}

export class RecordFile {
  /** The lines that are not overwritten: the newest one, and the newest synced one. */
  private kept: ReadonlyArray<Record.Located>
  private sequence: number
  /** True if the name of the file is synced. */
  private isNameSynced = false

  constructor(
    readonly path: string,
    found?: Found | undefined
  ) {
    const lines = found?.lines ?? []
    // The earlier run may have ended before it had synced the last of these lines, so the others stay as well.
    this.kept = lines.filter((line) => line === found?.located || Record.isSynced(line))
    this.sequence = Record.newestOf(lines)?.checkpoint.sequence ?? 0
  }

  /** True if a checkpoint was written. */
  get hasCheckpoint(): boolean {
    return this.kept.length > 0
  }

  /**
   * Writes a checkpoint. If it fails, the one before stays. With `full` the line is synced, and the directory the first time. Without,
   * the last synced checkpoint stays beside it.
   */
  write<Handle>(
    operations: FileOperations<Handle>,
    checkpoint: Omit<Record.Checkpoint, "sequence">,
    durability: Durability,
    directory: string
  ): Effect.Effect<void, unknown> {
    this.sequence++
    const located = { ...checkpoint, sequence: this.sequence }
    const bytes = Record.encode(located)
    return andThen(this.opened(operations), (handle) => {
      const startBytes = Record.startFor(bytes.length, this.kept)
      const writing = andThen(writeAll(operations, handle, { bytes, startBytes }), () =>
        durability === "full" ? operations.sync(handle) : Exit.void
      )
      return matchExit(writing, (written) =>
        matchExit(operations.close(handle), (closed) =>
          andThen(Exit.isFailure(written) ? written : closed, () => {
            const line = { checkpoint: located, startBytes, endBytes: startBytes + bytes.length }
            if (durability === "rename") {
              this.kept = [line, ...this.kept.filter(Record.isSynced)]
              return Exit.void
            }
            this.kept = [line]
            return this.isNameSynced ? Exit.void : this.syncName(operations, directory)
          })
        )
      )
    })
  }

  private syncName<Handle>(operations: FileOperations<Handle>, directory: string): Effect.Effect<void, unknown> {
    return andThen(operations.syncDirectory(directory), () => {
      this.isNameSynced = true
      return Exit.void
    })
  }

  private opened<Handle>(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown> {
    const created = operations.create
    if (!this.hasCheckpoint) {
      // A checkpoint that failed may have created the file.
      return matchExit(created(this.path, "private"), (exit) =>
        Exit.isFailure(exit) && codeOf(errorOf(exit)) === "EEXIST" ? operations.openOwn(this.path) : exit
      )
    }
    return matchExit(operations.openOwn(this.path), (exit) => {
      if (Exit.isFailure(exit) && codeOf(errorOf(exit)) === "ENOENT") {
        // Another program has removed the file.
        this.kept = []
        this.isNameSynced = false
        return created(this.path, "private")
      }
      return exit
    })
  }

  /** Removes the file. A file that cannot be removed is left: the next run removes records without a part. */
  remove<Handle>(operations: FileOperations<Handle>): Effect.Effect<void> {
    if (!this.hasCheckpoint) {
      return Exit.void
    }
    this.kept = []
    return matchExit(operations.remove(this.path), () => Exit.void)
  }
}

/** Reads the lines of a file. None if it is not one that this user has written. */
export const read = <Handle>(
  operations: FileOperations<Handle>,
  path: string
): Effect.Effect<ReadonlyArray<Record.Located>, unknown> =>
  Effect.gen(function* () {
    const found = yield* operations.inspect(path)
    if (found === undefined || !found.isOwn || found.sizeBytes > maxBytes) {
      return []
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
          return Record.linesIn(bytes.subarray(0, filledBytes))
        }),
      (handle) => Effect.ignore(operations.close(handle))
    )
  })
