/**
 * A store in memory, for tests. It behaves like a store on a disk, but its files do not survive the process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Disk } from "../DownloadError.js"
import { candidates } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import { type Part, Store } from "../Store.js"

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
    /** The number of parts that are neither published nor discarded. */
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
    const files = new Map<string, Uint8Array>()
    const parts = new Set<Part>()
    const open = (destination: string): Part => {
      const content = new GrowingBytes()
      const part: Part = {
        write: (chunk, positionBytes) => {
          content.write(chunk, positionBytes)
          return Exit.void
        },
        read: (chunk, positionBytes) => Exit.succeed(content.read(chunk, positionBytes)),
        truncate: Effect.sync(() => content.truncate()),
        publish: ({ onExists }) => {
          for (const path of onExists === "unique" ? candidates(destination) : [destination]) {
            if (onExists === "overwrite" || !files.has(path)) {
              files.set(path, content.copy())
              parts.delete(part)
              return Exit.succeed(path)
            }
          }
          return onExists === "skip"
            ? Exit.succeed(undefined)
            : Exit.fail(new Disk({ path: Printable.line(destination), reason: "exists", detail: "" }))
        },
        discard: Effect.sync(() => {
          parts.delete(part)
        })
      }
      parts.add(part)
      return part
    }
    return Context.make(Store, {
      prepare: () => Exit.void,
      exists: (destination) => Exit.succeed(files.has(destination)),
      open: (destination) => Exit.succeed(open(destination))
    }).pipe(
      Context.add(MemoryFiles, {
        files: Effect.sync(() => new Map(files)),
        parts: Effect.sync(() => parts.size)
      })
    )
  })
)

class GrowingBytes {
  private sizeBytes = 0
  private bytes = new Uint8Array(0)

  write(chunk: Uint8Array, positionBytes: number): void {
    const endBytes = positionBytes + chunk.length
    if (endBytes > this.bytes.length) {
      const larger = new Uint8Array(Math.max(endBytes, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
    }
    this.bytes.set(chunk, positionBytes)
    this.sizeBytes = Math.max(this.sizeBytes, endBytes)
  }

  read(into: Uint8Array, positionBytes: number): number {
    const found = this.bytes.subarray(positionBytes, Math.min(this.sizeBytes, positionBytes + into.length))
    into.set(found)
    return found.length
  }

  truncate(): void {
    this.bytes = new Uint8Array(0)
    this.sizeBytes = 0
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.sizeBytes)
  }
}
