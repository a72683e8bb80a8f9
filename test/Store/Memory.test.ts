import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStore from "../../src/Store/Memory.js"
import { Store, write } from "../../src/Store.js"
import { storeContract } from "../support/storeContract.js"

describe("Store/Memory", () => {
  storeContract(
    Effect.gen(function* () {
      const context = yield* Layer.build(Layer.fresh(MemoryStore.layer))
      const { files, parts } = Context.get(context, MemoryStore.MemoryFiles)
      const store = Context.get(context, Store)
      const destination = "memory/file"
      return {
        layer: Layer.succeed(Store, store),
        destination,
        read: Effect.map(files, (all) => {
          const found = all.get(destination)
          return found === undefined ? undefined : new TextDecoder().decode(found)
        }),
        put: (text) =>
          store.open(destination).pipe(
            Effect.flatMap((part) =>
              Effect.zipRight(
                write(part, new TextEncoder().encode(text)),
                part.publish({ onExists: "overwrite", durability: "full" })
              )
            ),
            Effect.scoped,
            Effect.orDie,
            Effect.asVoid
          ),
        parts
      }
    })
  )

  it.effect("starts empty", () =>
    Effect.gen(function* () {
      const { files, parts } = yield* MemoryStore.MemoryFiles
      assert.strictEqual((yield* files).size, 0)
      assert.strictEqual(yield* parts, 0)
    }).pipe(Effect.provide(MemoryStore.layer))
  )
})
