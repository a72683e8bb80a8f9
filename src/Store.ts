/**
 * The port that stores files. A store writes a *part*, and gives it the name of its destination when it is complete. A destination
 * never has an incomplete file.
 *
 * Backends: `Node/Store` over `node:fs`, `Store/FileSystem` over the `FileSystem` of `@effect/platform`, `Store/S3` over an
 * object storage, `Store/Memory`.
 *
 * A method returns an Effect. An `Exit` is an Effect that has ended: a backend that has done its work when the call returns
 * gives back an `Exit`, and the transfer continues without suspending. A backend that must wait returns any other Effect, which
 * has done nothing until it is run. A method does not throw: a bug is an `Exit.die`. `Store/Memory` is the shortest backend, and
 * a model.
 *
 * A method fails with `Disk`. With the reason `unavailable` it says that the failure may pass, such as a 503 of an object storage:
 * the engine retries it as it retries a failure of the network. The failed call must have changed nothing that `read` or a later
 * call would see, because the caller repeats it: a `write` of the same bytes, `open` of a new part, `publish` of the same part.
 *
 * A method ends. A backend whose storage may never answer has time limits of its own, and fails with `unavailable` when one expires, as
 * `Store/S3` does. The engine has none for a store, because `publish` cannot be interrupted: only the backend knows what was done.
 *
 * `Contracts.store` of `halyard/testing` checks a backend and says in words what is wrong.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Saved } from "./Download.js"
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
  /** The modification time of the file, in milliseconds since 1970. Default: the time of its last write. */
  readonly modifiedMillis?: number | undefined
  /** Another name than that of the destination, in the same directory. Default: the name of the destination. */
  readonly name?: string | undefined
  /**
   * What the transfer knows about the content: the outcome that it has if the file gets the name of the destination. A backend that
   * keeps metadata beside files, such as a content type, takes it from here. The URLs and the request can have secrets. Undefined:
   * nothing is known.
   */
  readonly saved?: Saved | undefined
}

/**
 * How a part is opened.
 *
 * @category models
 * @since 0.2.0
 */
export interface OpenOptions {
  /**
   * Says what the content is, for example the digest of a URL: a part is kept under its destination and this key. Undefined: the
   * part is empty, and is not kept.
   */
  readonly resume: string | undefined
}

/**
 * A part that was opened.
 *
 * @category models
 * @since 0.2.0
 */
export interface Opened {
  readonly part: Part
  /** The text of the last checkpoint, if the part was kept by an earlier run or an earlier call. Undefined: the part is empty. */
  readonly record: string | undefined
}

/**
 * The file at a destination. If a symbolic link is there, the file to which it leads.
 *
 * @category models
 * @since 0.2.0
 */
export interface FileInfo {
  /** Undefined for a device, a pipe, a link that leads to no regular file, and everything else whose content cannot be read. */
  readonly sizeBytes: number | undefined
  /** The time of the last modification, in milliseconds since 1970. Undefined if the store keeps none. */
  readonly modifiedMillis: number | undefined
}

/**
 * A file without its final name. Several calls of `write` and `read` may be under way at a time, but not
 * for the same bytes. One call of `checkpoint` may be under way beside them. `reserve`, `publish` and `close` are called when no
 * other call is under way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Part {
  /**
   * Fails with `Disk` and the reason `full` if the file system has no room for a file of this size. The bytes that were in the part
   * when it was opened, and those that other parts of this store have reserved, are taken into account. Later calls for the same part
   * change nothing. A backend that cannot tell how much is free succeeds, and a write that does not fit fails.
   */
  readonly reserve: (sizeBytes: number) => Effect.Effect<void, Disk>
  /**
   * Writes a chunk at a position, also beyond the last byte. The caller writes the bytes between before it publishes. A part can get
   * millions of chunks, some of one byte: a write must not copy the whole part. The caller may reuse the chunk's memory when the Effect has ended.
   * A backend may keep small chunks in memory, within its own limit; if they cannot be written later, the call that writes them
   * fails, and so does `publish`. If it is interrupted, any part of the chunk may be written; the caller may write it again.
   */
  readonly write: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<void, Disk>
  /** Reads written bytes into `chunk`, and returns how many: fewer if the part ends. */
  readonly read: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<number, Disk>
  /**
   * Keeps all bytes whose `write` has ended before this call, together with `record`, which the store does not read. A later `open`
   * with the same destination and key finds both, also after the end of the process at any moment, and with `full` after a power
   * cut. If the process ends during the call, `open` finds this checkpoint or the earlier one. A part without a key is not kept, and
   * a backend may leave out a checkpoint of a small body that it has in memory. If it fails, the earlier checkpoint stays.
   */
  readonly checkpoint: (record: string, durability: Durability) => Effect.Effect<void, Disk>
  /**
   * Gives the part its final name, and returns the name: the destination, or another name with `name` or `unique`. Returns undefined if
   * `skip` has kept the existing file. If it fails with `Disk` and the reason `not-durable`, the complete file is at the
   * destination, but may not survive a power cut. It cannot be interrupted. After a success, it is not called again. After
   * another failure, and if `skip` has kept the existing file, the part can still be read.
   */
  readonly publish: (options: PublishOptions) => Effect.Effect<string | undefined, Disk>
  /**
   * Ends the use of a part that was not published. `discard` removes it. `keep` leaves what the last checkpoint has kept, and
   * removes a part without a checkpoint. Safe to run more than once, and after `publish`.
   */
  readonly close: (end: "keep" | "discard") => Effect.Effect<void>
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
    /** Looks at the file or the symbolic link at this path. Undefined if there is neither. Fails if it is a directory. */
    readonly stat: (destination: string) => Effect.Effect<FileInfo | undefined, Disk>
    /** Reads the file at this path from its start. A chunk may be overwritten when the next one is pulled. */
    readonly read: (destination: string) => Stream.Stream<Uint8Array, Disk>
    /**
     * Opens a part that was kept with this destination and key and that is not in use, or else an empty part. The caller publishes
     * or closes it. Bytes after those of the last checkpoint are removed. A part that was closed with `discard` is not found again.
     * Two calls never open the same part, also of two processes. A backend that keeps no parts opens an empty one.
     *
     * Run as an acquisition (uninterruptible); a backend makes a long wait inside it interruptible by itself, and then leaves nothing.
     */
    readonly open: (destination: string, options: OpenOptions) => Effect.Effect<Opened, Disk>
  }
>() {}

/**
 * Opens an empty part that is discarded when the scope closes.
 *
 * @category combinators
 * @since 0.2.0
 */
export const openScoped = (store: typeof Store.Service, destination: string): Effect.Effect<Part, Disk, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => Effect.map(store.open(destination, { resume: undefined }), ({ part }) => part)),
    (part) => part.close("discard")
  )
