/**
 * A journal in memory, for tests. It is empty when its layer is built.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { addEntry, type Entry, Journal } from "../Journal.js"

/**
 * The entries of a memory journal, the first entry first.
 *
 * @category tags
 * @since 0.2.0
 */
export class MemoryEntries extends Context.Tag("halyard/Journal/MemoryEntries")<
  MemoryEntries,
  { readonly entries: Effect.Effect<ReadonlyArray<Entry>> }
>() {}

/**
 * An empty journal in memory, and its entries.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Journal | MemoryEntries> = Layer.effectContext(
  Effect.sync(() => {
    const entries: Array<Entry> = []
    const last = new Map<string, Entry>()
    return Context.make(Journal, {
      record: (entry) =>
        Effect.sync(() => {
          entries.push(entry)
          addEntry(last, entry)
        }),
      last: (destination) => Effect.sync(() => last.get(destination))
    }).pipe(Context.add(MemoryEntries, { entries: Effect.sync(() => entries.slice()) }))
  })
)
