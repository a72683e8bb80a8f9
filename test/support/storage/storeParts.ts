/**
 * Parts of a store in tests.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Disk } from "../../../src/DownloadError.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { type OpenOptions, type Part, Store } from "../../../src/Store.js"

/** Writes each chunk behind the one before it. */
export const appendTo = (part: Part): ((chunk: Uint8Array) => Effect.Effect<void, Disk>) => {
  let positionBytes = 0
  return (chunk) =>
    Effect.suspend(() => {
      const writing = part.write(chunk, positionBytes)
      positionBytes += chunk.length
      return writing
    })
}

/** A store in memory whose parts have some methods of their own. */
export const memoryStoreWith = (change: (part: Part) => Partial<Part>): Layer.Layer<Store | MemoryStore.MemoryFiles> =>
  Layer.flatMap(MemoryStore.layer, (context) =>
    Layer.merge(
      Layer.succeedContext(context),
      Layer.effect(
        Store,
        Effect.map(Store, (store) => ({
          ...store,
          open: (destination: string, options: OpenOptions) =>
            Effect.map(store.open(destination, options), ({ part, record }) => ({
              part: { ...part, ...change(part) },
              record
            }))
        }))
      ).pipe(Layer.provide(Layer.succeedContext(context)))
    )
  )
