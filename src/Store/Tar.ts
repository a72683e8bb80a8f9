/**
 * A store that writes every file into a tar, in the layout of WebDataset: a sample is the file `KEY.EXT` with its metadata `KEY.json`
 * after it. The tar is one part of another store, such as the file system.
 *
 * The name of a file in the tar is the path of its destination. Dots before the extension become `_`, because WebDataset reads the
 * name up to the first dot as the key. A file without an extension gets `.bin`. If two files have the same key, the later one gets a
 * number. The metadata of a JSON file is `KEY.meta.json`. Metadata has no secrets: `key`, `file` (the destination), `bytes`, and as
 * far as they are known `url`, `finalUrl`, `status`, `sha256` (or `digest`), `mediaType`, `etag` and `lastModified`.
 *
 * A file of up to a sixteenth of `memoryBytes` is held in memory until it is published. A larger one, and one for which the memory
 * of all files is used up, is a part of the underlying store until it is copied into the tar.
 *
 * By default, a publish ends when a checkpoint of the tar has kept the sample. So the run after a killed one continues the tar, and `stat`
 * finds its files. Publishes that wait share a checkpoint. With `checkpointBytes`, there are fewer checkpoints, and most publishes wait for
 * none. `finish` first publishes a file `NAME.index` with the position of each file, and then gives the tar its name. Without `finish`, the
 * part of the tar is kept.
 *
 * Some things differ from a directory. A complete tar cannot be changed: the next file fails with `Disk`, or goes to the next
 * numbered tar. A file in the tar that is being written can be replaced, but its bytes stay until `finish` copies the other samples
 * to a new part; a file in a complete tar cannot be replaced, and the publish fails with the reason `exists`. There are no
 * directories, links and permission bits. A path with `..` is refused, and a path from the root is stored without its first slash.
 *
 * Its only waits are those for calls of the underlying store, which has their time limits. If one expires, the publishes that wait for the
 * call fail with `unavailable`, and the next one goes on in the same tar.
 *
 * It needs the package `tar`.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Disk } from "../DownloadError.js"
import { beside } from "../internal/text/fileNames.js"
import { type Durability, Store } from "../Store.js"
import { Archives } from "./tar/archives.js"
import * as HeldFile from "./tar/heldFile.js"

/**
 * Where the tar is written, and how.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /**
   * The path of the tar in the underlying store. If it has `{shard}`, that becomes a number of five digits, and the run continues
   * with the next number when a tar is full. A number whose tar is complete is not written again.
   */
  readonly destination: string
  /** Names the content, for example by the digest of a list. A later run with the same key continues the tar. Default: `tar`. */
  readonly key?: string | undefined
  /** The maximum number of files in a tar. Only with `{shard}`. Default: no limit. */
  readonly maxSamples?: number | undefined
  /** The maximum size of a tar. A tar with one file may be larger. Only with `{shard}`. Default: no limit. */
  readonly maxBytes?: number | undefined
  /** `none` leaves out the metadata. Default: `json`. */
  readonly metadata?: "json" | "none" | undefined
  /** The memory for all files that are not in the tar yet. Default: 32 MiB. */
  readonly memoryBytes?: number | undefined
  /**
   * The number of bytes after which a checkpoint keeps the files that were added. A publish waits for that checkpoint only, so the run after a
   * killed one may add the last files again. For a store whose checkpoints take long, such as a bucket. Default: 0, and each publish
   * waits for a checkpoint.
   */
  readonly checkpointBytes?: number | undefined
  /** What a complete tar survives. Default: `full`. */
  readonly durability?: Durability | undefined
}

/**
 * The tars that a store writes.
 *
 * @category tags
 * @since 0.2.0
 */
export class TarFiles extends Context.Tag("halyard/Store/TarFiles")<
  TarFiles,
  {
    /**
     * Completes the tar that is being written, gives it its name, and returns the paths of all complete tars, those of earlier runs
     * included. A tar without a file is not written. Call `finish` when all transfers have ended: after that, the store refuses files. If
     * `finish` fails, the part of the tar stays, and the program may call `finish` again. It cannot be interrupted.
     */
    readonly finish: Effect.Effect<ReadonlyArray<string>, Disk>
  }
>() {}

/**
 * A store that writes tars into the store in its context. When its scope closes without `finish`, the part of the tar is kept, and a
 * later layer continues it.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options): Layer.Layer<Store | TarFiles, Disk, Store> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const store = yield* Store
      const { destination, durability = "full", key = "tar", memoryBytes = defaultMemoryBytes } = options
      const pathOf = (number: number) => destination.replaceAll(placeholder, String(number).padStart(5, "0"))
      yield* store.prepare(beside(destination, "") || ".")
      const archives = new Archives(store, {
        pathOf,
        isNumbered: destination.includes(placeholder),
        key,
        maxSamples: options.maxSamples ?? Number.POSITIVE_INFINITY,
        maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
        hasMetadata: options.metadata !== "none",
        checkpointBytes: options.checkpointBytes ?? 0,
        durability
      })
      yield* Effect.acquireRelease(archives.openNext, () => archives.leave)
      const dependencies = {
        archives,
        store,
        memory: { leftBytes: memoryBytes, fileBytes: memoryBytes / 16 },
        heldPath: `${pathOf(0)}.sample`
      }
      return Context.make(Store, {
        prepare: () => Exit.void,
        stat: (path) => archives.stat(path),
        read: (path) => archives.read(path),
        open: (path, openOptions) => HeldFile.open(dependencies, path, openOptions)
      }).pipe(Context.add(TarFiles, { finish: archives.finish }))
    })
  )

const placeholder = "{shard}"

const defaultMemoryBytes = 32 * 1024 * 1024
