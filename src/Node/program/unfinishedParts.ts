/**
 * Counts the parts in a directory. After `kill -9`, the parts of a run remain.
 */
import { opendir } from "node:fs/promises"
import * as Effect from "effect/Effect"
import { isPartName } from "../../Store/partName.js"

// Reading more entries would delay the first request.
const entriesAtMost = 100_000

/** The number of parts among the first 100,000 entries; 0 if the directory cannot be read. */
export const count = (directory: string): Effect.Effect<number> =>
  Effect.orElseSucceed(
    Effect.tryPromise(async () => {
      let [entries, parts] = [0, 0]
      for await (const { name } of await opendir(directory, { bufferSize: 1024 })) {
        parts += isPartName(name) ? 1 : 0
        entries++
        if (entries === entriesAtMost) {
          break
        }
      }
      return parts
    }),
    () => 0
  )
