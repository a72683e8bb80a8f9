/**
 * One life of a store, as a process of its own: it opens the part of a destination, writes blocks, and makes a checkpoint after each.
 *
 *   node storeLife.mjs DESTINATION BLOCK_BYTES BLOCKS DURABILITY
 *
 * It prints `open N` with the number of blocks that it has found, then `kept N` after each checkpoint, and at the end `published`.
 */
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { layer } from "../../../src/Node/Store.js"
import { Store } from "../../../src/Store.js"

const [destination = "", blockBytes = "0", blocks = "0", durability = "rename"] = process.argv.slice(2)

const say = (text: string): void => {
  writeSync(1, `${text}\n`)
}

const life = Effect.gen(function* () {
  const store = yield* Store
  const { part, record } = yield* store.open(destination, { resume: "key" })
  const size = Number(blockBytes)
  say(`open ${record ?? 0}`)
  for (let index = Number(record ?? 0); index < Number(blocks); index++) {
    yield* part.write(new Uint8Array(size).fill(index + 1), index * size)
    yield* part.checkpoint(`${index + 1}`, durability === "full" ? "full" : "rename")
    say(`kept ${index + 1}`)
    // Bytes that no checkpoint speaks of.
    yield* part.write(new Uint8Array(size).fill(255), (index + 1) * size)
    yield* Effect.yieldNow()
  }
  // Over the bytes that no checkpoint speaks of.
  yield* part.write(new Uint8Array(size).fill(Number(blocks) + 1), Number(blocks) * size)
  yield* part.publish({ onExists: "overwrite", durability: durability === "full" ? "full" : "rename" })
  say("published")
})

Effect.runPromise(Effect.provide(life, layer)).catch((error) => {
  say(`failed ${error}`)
  process.exitCode = 1
})
