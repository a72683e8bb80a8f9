/**
 * Calls of the operating system on files. Those that come back at once throw what they fail with: an error with the
 * system's `code`. Those that wait for a device are Effects, and are not to be interrupted.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"

export interface SystemCalls {
  /** Opens a file for writing and reading that must not be there. */
  readonly create: (path: string) => number
  /** Gives how many bytes were written, which may be fewer. */
  readonly write: (descriptor: number, bytes: Uint8Array, positionBytes: number) => number
  readonly empty: (descriptor: number) => void
  readonly close: (descriptor: number) => void
  readonly rename: (from: string, to: string) => void
  /** Fails where the name is taken. */
  readonly link: (from: string, to: string) => void
  readonly remove: (path: string) => void
  /** Whether something stands there, a broken link included; fails with EISDIR where that is a directory. */
  readonly exists: (path: string) => boolean
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
