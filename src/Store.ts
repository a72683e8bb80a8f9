/**
 * The port through which bytes come to rest: it opens a part beside a destination and publishes it whole or not at all.
 *
 * A destination only ever holds complete bytes. Backends: `Node/Store` on `node:fs`, `Store/FileSystem` over the
 * `FileSystem` of `@effect/platform` (and so over the crashing disk of `halyard/testing`), `Store/Memory`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Disk } from "./DownloadError.js"

/**
 * What a published file survives. `full`: a power cut, because the file and its directory are synced before the publish
 * is over (where the file system has such an operation, and the directory may be read). `rename`: the end of the process
 * at any moment, because the name changes in one step; after a power cut the name may hold what it held before, or, on
 * file systems that write names before contents, less than the whole file.
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
   * All modes but `overwrite` do not replace a file that was created in the meantime. On a file system without hard links,
   * they check once more before they rename. `unique` takes the first free name of `name.gif`, `name-2.gif` and so on. A
   * directory is never replaced and never counts as the file. A device or a pipe is not replaced. A new file gets the
   * permission bits of the file that it replaces, if the backend has permission bits.
   */
  readonly onExists: "overwrite" | "skip" | "fail" | "unique"
  readonly durability: Durability
}

/**
 * Bytes on their way to a destination.
 *
 * @category models
 * @since 0.1.0
 */
export interface Part {
  /** How many bytes are in it. */
  readonly sizeBytes: () => number
  /**
   * Appends. If it returns undefined, all bytes are taken. Otherwise the returned effect takes them; the caller must run it
   * before any other operation of the part. A backend may keep small chunks in memory, within its own limit. If they cannot be
   * written later, the call that writes them fails, and so does `publish`.
   */
  readonly write: (chunk: Uint8Array) => Effect.Effect<void, Disk> | undefined
  /** Empties it, to start over. */
  readonly restart: Effect.Effect<void, Disk>
  /**
   * Gives the part its final name, once, and says which: the destination, or with `unique` perhaps a numbered one. Where
   * the name is taken, `fail` fails with `Disk` and reason `exists`, `skip` gives undefined. `Disk` with reason
   * `not-durable` alone means that the file stands complete all the same.
   */
  readonly publish: (options: PublishOptions) => Effect.Effect<string | undefined, Disk>
  /** Access at any position, where a backend has it. A part without is written from its beginning to its end. */
  readonly at?: RandomAccess | undefined
}

/**
 * A part's bytes by their position. Several of these effects may be under way at a time, as long as they are not of the
 * same bytes.
 *
 * @category models
 * @since 0.2.0
 */
export interface RandomAccess {
  /**
   * Writes at a position, also beyond the last byte; `sizeBytes` is where the last byte ends. Either all bytes are
   * taken when it returns, or the effect takes them, as with `Part.write`.
   */
  readonly write: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<void, Disk> | undefined
  /** Reads what was written into `chunk`, and gives how many bytes it read: fewer where the part ends. */
  readonly read: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<number, Disk>
}

/**
 * A part that its caller discards.
 *
 * @category models
 * @since 0.2.0
 */
export interface OwnPart {
  /** As of `open`; run at most once. */
  readonly part: Effect.Effect<Part, Disk>
  /**
   * What closing the scope of `open` does. To be run once at the end, also where the part was published, `part` failed,
   * was interrupted or never run.
   */
  readonly discard: Effect.Effect<void>
}

/**
 * A part that is there, of a store that can do without waiting.
 *
 * @category models
 * @since 0.2.0
 */
export interface ReadyPart extends Part {
  /** As of `OwnPart`; more than once does no harm. */
  readonly discard: Effect.Effect<void>
  /** `publish` on the spot; undefined where that cannot be, and nothing was done then but for what `publish` does again. */
  readonly publishNow: (options: PublishOptions) => Exit.Exit<string | undefined, Disk> | undefined
}

/**
 * What a store can do without waiting; undefined where it cannot at this moment.
 *
 * @category models
 * @since 0.2.0
 */
export interface AtOnce {
  readonly exists: (destination: string) => boolean | undefined
  readonly begin: (destination: string) => ReadyPart | undefined
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
    /** Whether something stands at this path, a broken link included. Fails where that is a directory. */
    readonly exists: (destination: string) => Effect.Effect<boolean, Disk>
    /** Opens an empty part. Closing the scope discards it, temporary file included, unless it was published. */
    readonly open: (destination: string) => Effect.Effect<Part, Disk, Scope.Scope>
    /** The same for a caller that discards by itself, where a backend has it: without a scope for each file. */
    readonly begin?: (destination: string) => OwnPart
    /** `exists` and `begin` without an Effect, where a backend has it. */
    readonly atOnce?: AtOnce | undefined
  }
>() {}

/**
 * A part of any store, for a caller that discards it.
 *
 * @category combinators
 * @since 0.2.0
 */
export const begin = (store: typeof Store.Service, destination: string): OwnPart => {
  if (store.begin !== undefined) {
    return store.begin(destination)
  }
  let scope: Scope.CloseableScope | undefined
  return {
    part: Effect.flatMap(Scope.make(), (made) => {
      scope = made
      return Scope.extend(store.open(destination), made)
    }),
    discard: Effect.suspend(() => (scope === undefined ? Effect.void : Scope.close(scope, Exit.void)))
  }
}

/**
 * Appends to a part, as an effect in any case.
 *
 * @category combinators
 * @since 0.2.0
 */
export const write = (part: Part, chunk: Uint8Array): Effect.Effect<void, Disk> =>
  Effect.suspend(() => part.write(chunk) ?? Effect.void)
