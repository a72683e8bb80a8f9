import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStore from "../../src/Store/Memory.js"
import { Store } from "../../src/Store.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { runCases } from "../support/runCases.js"

describe("Store/Memory", () => {
  runCases(
    Contracts.store(
      Effect.gen(function* () {
        const context = yield* Layer.build(Layer.fresh(MemoryStore.layer))
        const { files, parts } = Context.get(context, MemoryStore.MemoryFiles)
        const destination = "memory/file"
        return {
          layer: Layer.succeed(Store, Context.get(context, Store)),
          destination,
          read: Effect.map(files, (all) => {
            const found = all.get(destination)
            return found === undefined ? undefined : new TextDecoder().decode(found)
          }),
          parts,
          keeps: true
        }
      })
    )
  )

  it.effect("starts empty", () =>
    Effect.gen(function* () {
      const { files, parts } = yield* MemoryStore.MemoryFiles
      assert.strictEqual((yield* files).size, 0)
      assert.strictEqual(yield* parts, 0)
    }).pipe(Effect.provide(MemoryStore.layer))
  )
})
