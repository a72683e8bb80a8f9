/**
 * The operations on state files that `Journal/Directory` needs. They fail with the error of the operating system. An operation has
 * done nothing until it is run, except that `append` may have ended when it returns, and gives back an `Exit` then.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"

/** A file at one moment. */
export interface Seen {
  /** Different for each file that has had this name. */
  readonly identity: string
  readonly sizeBytes: number
  readonly modifiedMillis: number
}

export interface StateFiles {
  /** The index at which the name begins in a path. */
  readonly nameIndex: (path: string) => number
  /**
   * Reads bytes at a position, fewer at the end of the file. Undefined if there is no file. Fails if it is not a regular file, is
   * reached by a symbolic link, has a second name, or belongs to a user that owns neither this process nor the directory: in a
   * directory that others may write to, such a file could say anything.
   */
  readonly read: (
    path: string,
    positionBytes: number,
    into: Uint8Array
  ) => Effect.Effect<(Seen & { readonly readBytes: number }) | undefined, unknown>
  /** Appends bytes in one write, and returns what the file is after that. A missing file is created, with access for its owner alone. Fails as `read` does. */
  readonly append: (path: string, bytes: Uint8Array) => Effect.Effect<Seen, unknown>
  /** Creates an empty file, with access for its owner alone; fails with `EEXIST` if the name is taken. */
  readonly create: (path: string) => Effect.Effect<void, unknown>
  readonly rename: (from: string, to: string) => Effect.Effect<void, unknown>
  readonly remove: (path: string) => Effect.Effect<void, unknown>
}
