/**
 * Calls of the operating system on files. Those that come back at once throw what they fail with: an error with the
 * system's `code`. Those that wait for a device are Effects, and are not to be interrupted.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { Access } from "./fileAccess.js"

export interface SystemCalls {
  /** Creates a file for writing and reading; fails if it exists. Only the owner has access, or the umask decides. */
  readonly create: (path: string, access: "private" | "default") => number
  /** Gives how many bytes were written, which may be fewer. */
  readonly write: (descriptor: number, bytes: Uint8Array, positionBytes: number) => number
  readonly empty: (descriptor: number) => void
  readonly close: (descriptor: number) => void
  /** Closes a file, and returns a function that opens it again. That function fails if another file has the name by then. */
  readonly park: (descriptor: number, path: string) => () => number
  readonly rename: (from: string, to: string) => void
  /** Fails where the name is taken. */
  readonly link: (from: string, to: string) => void
  readonly remove: (path: string) => void
  /** Whether something stands there, a broken link included; fails with EISDIR where that is a directory. */
  readonly exists: (path: string) => boolean
  /** The access of the regular file at this path; undefined for a link, a directory, or if there is no file. */
  readonly accessOf: (path: string) => Access | "special" | undefined
  /** Gives a file this access, or as much of it as this process may set, and never more. */
  readonly setAccess: (descriptor: number, access: Access) => void
  /** Closes an idle descriptor elsewhere in this process, at once or a moment later. */
  readonly reclaim: () => void
  /** Registers a function that closes an idle descriptor if there is one. Returns the function that unregisters it. */
  readonly lend: (release: () => boolean) => () => void
  readonly writeAndWait: (
    descriptor: number,
    bytes: Uint8Array,
    positionBytes: number
  ) => Effect.Effect<number, unknown>
  /** Gives how many bytes were read into `into`: 0 at the end of the file. */
  readonly readAndWait: (descriptor: number, into: Uint8Array, positionBytes: number) => Effect.Effect<number, unknown>
  readonly sync: (descriptor: number) => Effect.Effect<void, unknown>
  readonly syncDirectory: (path: string) => Effect.Effect<void, unknown>
}
