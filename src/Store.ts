/**
 * The port through which bytes come to rest: it opens a part beside a destination and publishes it whole or not at all.
 *
 * A destination only ever holds complete bytes. Backends: `Store/FileSystem` over `@effect/platform`'s `FileSystem`,
 * `Store/Memory`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Disk } from "./DownloadError.js"

/**
 * Bytes on their way to a destination.
 *
 * @category models
 * @since 0.1.0
 */
export interface Part {
  /** Appends; all bytes of the chunk are taken before it returns. */
  readonly write: (chunk: Uint8Array) => Effect.Effect<void, Disk>
  /**
   * Gives the part its final name, once, and makes that survive a power cut. `skip` and `fail` never replace what came
   * to stand there in the meantime: `fail` then fails with `Disk` and reason `exists`, `skip` says `Skipped`.
   */
  readonly publish: (onExists: "overwrite" | "skip" | "fail") => Effect.Effect<"Published" | "Skipped", Disk>
}

/**
 * Keeps files.
 *
 * @category tags
 * @since 0.1.0
 */
export class Store extends Context.Tag("halyard/Store")<
  Store,
  {
    /** Creates a directory where it is missing and makes sure that files can be written there. */
    readonly prepare: (directory: string) => Effect.Effect<void, Disk>
    /** Whether something stands at this path, a broken link included. */
    readonly exists: (destination: string) => Effect.Effect<boolean, Disk>
    /** Opens an empty part. Closing the scope discards it, temporary file included, unless it was published. */
    readonly open: (destination: string) => Effect.Effect<Part, Disk, Scope.Scope>
  }
>() {}
