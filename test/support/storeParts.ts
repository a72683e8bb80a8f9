import * as Effect from "effect/Effect"
import type { Disk } from "../../src/DownloadError.js"
import type { Part } from "../../src/Store.js"

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
