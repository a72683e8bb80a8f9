/**
 * The operations on files that a part needs. A backend that has finished when the call returns gives back an `Exit`. Any other
 * effect has done nothing until it is run, and is not to be interrupted. An operation fails with the error of the operating system
 * or of the `FileSystem`.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { FileInfo } from "../../Store.js"
import type { Access } from "./fileAccess.js"

/** What is at a path. */
export interface Inspected {
  /** True for a regular file of this user with one name. */
  readonly isOwn: boolean
  readonly sizeBytes: number
  /** The bytes for which the file system has taken room. They are fewer if the file has holes. */
  readonly allocatedBytes: number
}

export interface FileOperations<Handle> {
  /** Creates a file for writing and reading; fails if the name is taken. Only the owner has access, or the default applies. */
  readonly create: (path: string, access: "private" | "default") => Effect.Effect<Handle, unknown>
  /** Opens a regular file of this user, for writing and reading. Follows no link; fails if the file has a second name. */
  readonly openOwn: (path: string) => Effect.Effect<Handle, unknown>
  /** Looks at a path, and follows no link. Undefined if there is nothing. */
  readonly inspect: (path: string) => Effect.Effect<Inspected | undefined, unknown>
  /** The names in a directory. */
  readonly list: (directory: string) => Effect.Effect<ReadonlyArray<string>, unknown>
  /** Returns the number of bytes that were written, which may be fewer. */
  readonly write: (handle: Handle, bytes: Uint8Array, positionBytes: number) => Effect.Effect<number, unknown>
  /** Returns the number of bytes that were read into `into`: 0 at the end of the file. */
  readonly read: (handle: Handle, into: Uint8Array, positionBytes: number) => Effect.Effect<number, unknown>
  /** Removes the bytes after this size. */
  readonly truncate: (handle: Handle, sizeBytes: number) => Effect.Effect<void, unknown>
  readonly sync: (handle: Handle) => Effect.Effect<void, unknown>
  readonly close: (handle: Handle) => Effect.Effect<void, unknown>
  /** Gives a file this access, or as much of it as this process may set, and never more. */
  readonly setAccess: (handle: Handle, access: Access) => Effect.Effect<void, unknown>
  /** Sets the modification time of a file, in milliseconds since 1970. */
  readonly setModified: (handle: Handle, millis: number) => Effect.Effect<void, unknown>
  /** The access of the regular file at this path; undefined for a link, a directory, or if there is no file. */
  readonly accessOf: (path: string) => Effect.Effect<Access | "special" | undefined, unknown>
  /** The file or link, broken or not, with this name; undefined if there is none. Fails with EISDIR if it is a directory. */
  readonly stat: (path: string) => Effect.Effect<FileInfo | undefined, unknown>
  readonly rename: (from: string, to: string) => Effect.Effect<void, unknown>
  /** Fails if the name is taken. */
  readonly link: (from: string, to: string) => Effect.Effect<void, unknown>
  readonly remove: (path: string) => Effect.Effect<void, unknown>
  readonly syncDirectory: (path: string) => Effect.Effect<void, unknown>
}
