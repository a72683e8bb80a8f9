import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { MemoryStore, Store } from "halyard"
import { Contracts } from "halyard/testing"

/** The cases of the contract that a store in memory breaks, whose parts are changed by this. */
const broken = (change: (part: Store.Part, open: Effect.Effect<Store.Part, unknown, Scope.Scope>) => Store.Part) =>
  Effect.gen(function* () {
    const probe = Effect.gen(function* () {
      const context = yield* Layer.build(Layer.fresh(MemoryStore.layer))
      const { files, parts } = yield* Effect.provide(MemoryStore.MemoryFiles, context)
      const base = yield* Effect.provide(Store.Store, context)
      const store: typeof Store.Store.Service = {
        prepare: base.prepare,
        exists: base.exists,
        open: (destination) => Effect.map(base.open(destination), (part) => change(part, base.open(destination)))
      }
      const destination = "/d/a"
      return {
        layer: Layer.succeed(Store.Store, store),
        destination,
        read: Effect.map(files, (all) => {
          const found = all.get(destination)
          return found === undefined ? undefined : new TextDecoder().decode(found)
        }),
        parts
      }
    })
    const titles: Array<string> = []
    for (const { check, title } of Contracts.store(probe)) {
      if (Exit.isFailure(yield* Effect.exit(check))) {
        titles.push(title)
      }
    }
    return titles
  })

describe("Contracts.store", () => {
  it.effect("passes for a store in memory", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* broken((part) => part), [])
    })
  )

  it.effect("finds a store that leaks on restart", () =>
    Effect.gen(function* () {
      const titles = yield* broken((part, open) => ({
        ...part,
        // Opens a new part and never removes the old one.
        restart: Effect.zipRight(
          part.restart,
          Effect.flatMap(Scope.make(), (scope) => Effect.ignore(Scope.extend(open, scope)))
        )
      }))
      assert.deepStrictEqual(titles, [
        "leaves nothing of what a part held before it started over, when it is published",
        "leaves nothing of what a part held before it started over, when it is discarded"
      ])
    })
  )
})
