/**
 * A store in memory, for tests: the same promises as on a disk, except that nothing survives the process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Disk } from "../DownloadError.js"
import { candidates } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import { type Part, Store } from "../Store.js"

/**
 * What is in a memory store.
 *
 * @category tags
 * @since 0.1.0
 */
export class MemoryFiles extends Context.Tag("halyard/Store/MemoryFiles")<
  MemoryFiles,
  {
    /** The published files by destination. */
    readonly files: Effect.Effect<ReadonlyMap<string, Uint8Array>>
    /** How many parts are open: 0 when nothing is being written. */
    readonly parts: Effect.Effect<number>
  }
>() {}

/**
 * An empty store in memory, and what is in it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Store | MemoryFiles> = Layer.effectContext(
  Effect.sync(() => {
    const files = new Map<string, Uint8Array>()
    let parts = 0
    const store = Store.of({
      prepare: () => Effect.void,
      exists: (destination) => Effect.sync(() => files.has(destination)),
      open: (destination) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            parts++
            return new Content()
          }),
          () =>
            Effect.sync(() => {
              parts--
            })
        ).pipe(
          Effect.map(
            (content): Part => ({
              sizeBytes: () => content.sizeBytes,
              write: (chunk) => {
                content.write(chunk, content.sizeBytes)
                return undefined
              },
              restart: Effect.sync(() => content.empty()),
              at: {
                write: (chunk, positionBytes) => {
                  content.write(chunk, positionBytes)
                  return undefined
                },
                read: (chunk, positionBytes) => Effect.sync(() => content.read(chunk, positionBytes))
              },
              publish: ({ onExists }) =>
                Effect.suspend(() => {
                  for (const path of onExists === "unique" ? candidates(destination) : [destination]) {
                    if (onExists === "overwrite" || !files.has(path)) {
                      files.set(path, content.all())
                      return Effect.succeed(path)
                    }
                  }
                  return onExists === "skip"
                    ? Effect.succeed(undefined)
                    : new Disk({ path: Printable.line(destination), reason: "exists", detail: "" })
                })
            })
          )
        )
    })
    return Context.make(Store, store).pipe(
      Context.add(MemoryFiles, {
        files: Effect.sync(() => new Map(files)),
        parts: Effect.sync(() => parts)
      })
    )
  })
)

/** Bytes that grow. */
class Content {
  sizeBytes = 0
  private bytes = new Uint8Array(0)

  /** A copy: whoever gave the chunk may use its memory again. */
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

  empty(): void {
    this.bytes = new Uint8Array(0)
    this.sizeBytes = 0
  }

  all(): Uint8Array {
    return this.bytes.slice(0, this.sizeBytes)
  }
}
