/**
 * A tar store over a store in memory, and the steps that its tests share.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Saved } from "../../../src/Download.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import * as TarStore from "../../../src/Store/Tar.js"
import { openScoped, type PublishOptions, Store } from "../../../src/Store.js"

/** A store in memory that outlives the tar stores over it. */
export const memory = Effect.map(Layer.build(Layer.fresh(MemoryStore.layer)), (context) => {
  const { files, parts } = Context.get(context, MemoryStore.MemoryFiles)
  return {
    store: Context.get(context, Store),
    parts,
    names: Effect.map(files, (all) => [...all.keys()].sort()),
    file: (path: string) => Effect.map(files, (all) => all.get(path) ?? new Uint8Array(0))
  }
})

export interface Tar {
  readonly store: typeof Store.Service
  readonly finish: (typeof TarStore.TarFiles.Service)["finish"]
}

/** Uses a tar store for one run. */
export const inRun = <A, E, R>(
  underlying: typeof Store.Service,
  options: TarStore.Options,
  body: (tar: Tar) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(Effect.all([Store, TarStore.TarFiles]), ([store, { finish }]) => body({ store, finish })).pipe(
    Effect.provide(TarStore.layer(options).pipe(Layer.provide(Layer.succeed(Store, underlying)), Layer.fresh))
  )

export const modifiedMillis = 1_700_000_000_000

/** Saves a text, and returns the path of its file. */
export const save = (
  store: typeof Store.Service,
  path: string,
  text: string,
  onExists: PublishOptions["onExists"] = "fail",
  saved?: Saved
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const part = yield* openScoped(store, path)
      yield* part.write(new TextEncoder().encode(text), 0)
      return yield* part.publish({ onExists, durability: "full", modifiedMillis, saved })
    })
  )
