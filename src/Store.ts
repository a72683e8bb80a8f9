/**
 * The port that stores files. A store writes a *part*, and gives it the name of its destination when it is complete. A destination
 * never has an incomplete file.
 *
 * Backends: `Node/Store` over `node:fs`, `Store/FileSystem` over the `FileSystem` of `@effect/platform`, `Store/Memory`.
 *
 * A method returns an Effect. An `Exit` is an Effect that has ended: a backend that has done its work when the call returns
 * gives back an `Exit`, and the transfer continues without suspending. A backend that must wait returns any other Effect, which
 * has done nothing until it is run. A method does not throw: a bug is an `Exit.die`. `Store/Memory` is the shortest backend, and
 * a model. `Contracts.store` of `halyard/testing` checks a backend and says in words what is wrong.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Disk } from "./DownloadError.js"

/**
 * What a published file survives.
 *
 * `full`: a power cut. The file and its directory are synced before `publish` returns, if the file system supports this and the
 * process may read the directory. `rename`: the end of the process at any moment, because the name changes in one step. After a
 * power cut, the destination may have its earlier content. On a file system that writes names before contents, it may also have an
 * incomplete file.
 *
 * @category models
 * @since 0.2.0
 */
export type Durability = "full" | "rename"

/**
 * How a part is published.
 *
 * @category models
 * @since 0.2.0
 */
export interface PublishOptions {
  /**
   * What to do if the destination exists. `overwrite` replaces it. `skip` keeps it: `publish` returns undefined. `fail`
   * keeps it: `publish` fails with `Disk` and the reason `exists`. `unique` takes the first free name of `name.gif`, `name-2.gif`
   * and so on.
   *
   * All but `overwrite` do not replace a file that was created in the meantime. On a file system without hard links, they check
   * once more before they rename. A directory is never replaced and never counts as the file. A device or a pipe is not
   * replaced. A new file gets the permission bits of the file that it replaces, if the backend has permission bits.
   */
  readonly onExists: "overwrite" | "skip" | "fail" | "unique"
  readonly durability: Durability
}

/**
 * A file without its final name. Several calls of `write` and `read` may be under way at a time, but not
 * for the same bytes. `truncate`, `publish` and `discard` are called when no other call is under way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Part {
  /**
   * Writes a chunk at a position, also beyond the last byte. The caller writes the bytes between before it publishes. A part can get
   * millions of chunks, some of one byte: a write must not copy the whole part. The caller may reuse the chunk's memory when the Effect has ended.
   * A backend may keep small chunks in memory, within its own limit; if they cannot be written later, the call that writes them
   * fails, and so does `publish`. If it is interrupted, any part of the chunk may be written; the caller may write it again.
   */
  readonly write: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<void, Disk>
  /** Reads written bytes into `chunk`, and returns how many: fewer if the part ends. */
  readonly read: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<number, Disk>
  /** Empties the part, to start over. */
  readonly truncate: Effect.Effect<void, Disk>
  /**
   * Gives the part its final name, and returns the name: the destination, or another name with `unique`. Returns undefined if
   * `skip` has kept the existing file. If it fails with `Disk` and the reason `not-durable`, the complete file is at the
   * destination, but may not survive a power cut. It cannot be interrupted. After a success, it is not called again.
   */
  readonly publish: (options: PublishOptions) => Effect.Effect<string | undefined, Disk>
  /** Removes a part that was not published. Safe to run more than once, and after `publish`. */
  readonly discard: Effect.Effect<void>
}

/**
 * Stores files.
 *
 * @category tags
 * @since 0.1.0
 */
export class Store extends Context.Tag("halyard/Store")<
  Store,
  {
    /** Creates a directory if it is missing, and checks that files can be written there. */
    readonly prepare: (directory: string) => Effect.Effect<void, Disk>
    /** Returns true if there is a file or a symbolic link at this path, even a broken link. Fails if it is a directory. */
    readonly exists: (destination: string) => Effect.Effect<boolean, Disk>
    /**
     * Opens an empty part. The caller publishes or discards it. Run as an acquisition (uninterruptible); a backend makes a
     * long wait inside it interruptible by itself, and then leaves nothing.
     */
    readonly open: (destination: string) => Effect.Effect<Part, Disk>
  }
>() {}

/**
 * Opens a part that is discarded when the scope closes.
 *
 * @category combinators
 * @since 0.2.0
 */
export const openScoped = (store: typeof Store.Service, destination: string): Effect.Effect<Part, Disk, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => store.open(destination)),
    (part) => part.discard
  )
