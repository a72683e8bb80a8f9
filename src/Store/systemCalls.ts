/**
 * Calls of the operating system on files. Those that return a value block until they have finished, and throw an error with the
 * system's `code`. Those that return an Effect wait for a device without blocking, and are not to be interrupted.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { FileInfo } from "../Store.js"
import type { Access } from "./files/fileAccess.js"
import type { Inspected } from "./files/fileOperations.js"
import type { ProcessTable } from "./kept/processTable.js"
import type { SharedSync } from "./syncs/fileSyncs.js"

export interface SystemCalls {
  /** Creates a file for writing and reading; fails if the name is taken. Only the owner has access, or the umask decides. */
  readonly create: (path: string, access: "private" | "default") => number
  /** Opens a regular file of this user, for writing and reading. Follows no link; fails if the file has a second name. */
  readonly openOwn: (path: string) => number
  /** Looks at a path, and follows no link. Undefined if there is nothing. */
  readonly inspect: (path: string) => Inspected | undefined
  /** Removes the bytes after this size. */
  readonly truncate: (descriptor: number, sizeBytes: number) => void
  /** The bytes that are free for this user in the file system of a directory. Undefined if that is not known. */
  readonly freeBytes: (directory: string) => number | undefined
  readonly freeBytesAsync: (directory: string) => Effect.Effect<number | undefined, unknown>
  /** True if the file system of a directory is in memory, so that a sync in it does nothing. */
  readonly isInMemory: (directory: string) => boolean
  /** Returns the number of bytes that were written, which may be fewer. */
  readonly write: (descriptor: number, bytes: Uint8Array, positionBytes: number) => number
  readonly close: (descriptor: number) => void
  /** Closes a file, and returns a function that opens it again. That function fails if another file has the name by then. */
  readonly closeToReopen: (descriptor: number, path: string) => () => number
  readonly rename: (from: string, to: string) => void
  /** Fails if the name is taken. */
  readonly link: (from: string, to: string) => void
  readonly remove: (path: string) => void
  /** The file or link, broken or not, with this name; undefined if there is none. Fails with EISDIR if it is a directory. */
  readonly stat: (path: string) => FileInfo | undefined
  /** The access of the regular file at this path; undefined for a link, a directory, or if there is no file. */
  readonly accessOf: (path: string) => Access | "special" | undefined
  /** Gives a file this access, or as much of it as this process may set, and never more. */
  readonly setAccess: (descriptor: number, access: Access) => void
  /** Sets the modification time of a file, in milliseconds since 1970. */
  readonly setModified: (descriptor: number, millis: number) => void
  readonly sync: (descriptor: number) => void
  /** Does nothing if the directory cannot be synced by this process. */
  readonly syncDirectory: (path: string) => void
  /** Closes an idle descriptor of another part of this process, at once or a moment later. */
  readonly releaseDescriptor: () => void
  /** Registers a function that closes an idle descriptor if there is one. Returns the function that unregisters it. */
  readonly onDescriptorNeeded: (release: () => boolean) => () => void
  readonly writeAsync: (descriptor: number, bytes: Uint8Array, positionBytes: number) => Effect.Effect<number, unknown>
  /** Returns the number of bytes that were read into `into`: 0 at the end of the file. */
  readonly readAsync: (descriptor: number, into: Uint8Array, positionBytes: number) => Effect.Effect<number, unknown>
  readonly syncAsync: (descriptor: number) => Effect.Effect<void, unknown>
  readonly syncDirectoryAsync: (path: string) => Effect.Effect<void, unknown>
  /** The names in a directory. */
  readonly list: (directory: string) => Effect.Effect<ReadonlyArray<string>, unknown>
  readonly processes: Effect.Effect<ProcessTable>
  readonly fileSystemSyncs: Effect.Effect<SharedSync<number>, never, Scope.Scope>
}
