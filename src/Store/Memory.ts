/**
 * A store in memory, for tests: the same promises as on a disk, except that nothing survives the process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Disk } from "../DownloadError.js"
import { candidates } from "../internal/fileName.js"
import * as Printable from "../internal/printable.js"
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
            const chunks: Array<Uint8Array> = []
            return chunks
          }),
          () =>
            Effect.sync(() => {
              parts--
            })
        ).pipe(
          Effect.map(
            (chunks): Part => ({
              sizeBytes: () => chunks.reduce((sum, { length }) => sum + length, 0),
              write: (chunk) => {
                // A copy: whoever gave the chunk may use its memory again.
                chunks.push(chunk.slice())
                return undefined
              },
              restart: Effect.sync(() => {
                chunks.length = 0
              }),
              publish: ({ onExists }) =>
                Effect.suspend(() => {
                  for (const path of onExists === "unique" ? candidates(destination) : [destination]) {
                    if (onExists === "overwrite" || !files.has(path)) {
                      files.set(path, concat(chunks))
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

const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let offsetBytes = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offsetBytes)
    offsetBytes += chunk.length
  }
  return bytes
}
