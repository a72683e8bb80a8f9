/**
 * A store in memory, for tests. It behaves like a store on a disk, but its files and the parts that it keeps do not survive the
 * process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Disk } from "../DownloadError.js"
import { beside, candidates } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import { type Opened, type OpenOptions, type Part, Store } from "../Store.js"
import { GrowingBytes, partIn } from "./memory/growingBytes.js"

/**
 * The content of a memory store.
 *
 * @category tags
 * @since 0.1.0
 */
export class MemoryFiles extends Context.Tag("halyard/Store/MemoryFiles")<
  MemoryFiles,
  {
    /** The published files by destination. */
    readonly files: Effect.Effect<ReadonlyMap<string, Uint8Array>>
    /** The number of parts that are neither published nor discarded: those in use, and those that are kept. */
    readonly parts: Effect.Effect<number>
  }
>() {}

/**
 * An empty store in memory, and its content.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Store | MemoryFiles> = Layer.effectContext(
  Effect.sync(() => {
    const files = new Map<string, MemoryFile>()
    const kept = new Map<string, Checkpoint>()
    const parts = new Set<Part>()
    const open = (destination: string, { resume }: OpenOptions): Opened => {
      const key = resume === undefined ? undefined : JSON.stringify([destination, resume])
      const found = key === undefined ? undefined : kept.get(key)
      const content = found?.content ?? new GrowingBytes()
      content.truncate(found?.sizeBytes ?? 0)
      let checkpoint = found
      const part: Part = {
        ...partIn(content),
        checkpoint: (record) => {
          checkpoint = { content, record, sizeBytes: content.sizeBytes }
          return Exit.void
        },
        publish: ({ modifiedMillis, name, onExists }) => {
          const target = name === undefined ? destination : beside(destination, name)
          for (const path of onExists === "unique" ? candidates(target) : [target]) {
            if (onExists === "overwrite" || !files.has(path)) {
              files.set(path, { content: content.copy(), modifiedMillis })
              parts.delete(part)
              return Exit.succeed(path)
            }
          }
          return onExists === "skip"
            ? Exit.succeed(undefined)
            : Exit.fail(new Disk({ path: Printable.line(target), reason: "exists", detail: "" }))
        },
        close: (end) =>
          Effect.sync(() => {
            if (parts.delete(part) && end === "keep" && key !== undefined && checkpoint !== undefined) {
              kept.set(key, checkpoint)
            }
          })
      }
      if (key !== undefined) {
        kept.delete(key)
      }
      parts.add(part)
      return { part, record: found?.record }
    }
    return Context.make(Store, {
      prepare: () => Exit.void,
      stat: (destination) => {
        const found = files.get(destination)
        return Exit.succeed(
          found === undefined ? undefined : { sizeBytes: found.content.length, modifiedMillis: found.modifiedMillis }
        )
      },
      read: (destination) =>
        Stream.suspend(() => {
          const found = files.get(destination)
          return found === undefined
            ? Stream.fail(new Disk({ path: Printable.line(destination), reason: "missing", detail: "" }))
            : Stream.make(found.content)
        }),
      open: (destination, options) => Exit.succeed(open(destination, options))
    }).pipe(
      Context.add(MemoryFiles, {
        files: Effect.sync(() => new Map(Array.from(files, ([path, { content }]) => [path, content] as const))),
        parts: Effect.sync(() => parts.size + kept.size)
      })
    )
  })
)

interface MemoryFile {
  readonly content: Uint8Array
  readonly modifiedMillis: number | undefined
}

interface Checkpoint {
  readonly content: GrowingBytes
  readonly record: string
  readonly sizeBytes: number
}
