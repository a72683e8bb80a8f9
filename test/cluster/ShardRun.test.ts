/**
 * The run of a shard by the downloader and the store of a runner.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as ShardRun from "../../src/cluster/ShardRun.js"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { Store } from "../../src/Store.js"
import { autoAdvance, Origin } from "../../src/testing.js"

const request = (destination: string) => Download.request({ url: `http://a.test/${destination}`, destination })

/** Runs a shard. Returns its outcomes, and the directories and files in the order in which the store has made them. */
const run = (destinations: ReadonlyArray<string>) => {
  const made: Array<string> = []
  const store = Layer.effect(
    Store,
    Effect.map(Store, (inner): typeof Store.Service => ({
      ...inner,
      prepare: (directory) => {
        made.push(`${directory}/`)
        return inner.prepare(directory)
      },
      open: (destination, options) => {
        made.push(destination)
        return inner.open(destination, options)
      }
    }))
  ).pipe(Layer.provide(MemoryStore.layer))
  const layer = ShardRun.layer({ concurrency: 2 }).pipe(
    Layer.provide(Downloader.layer),
    Layer.provide(store),
    Layer.provide(Origin.layer((asked) => Origin.file(asked, "content")))
  )
  return Effect.gen(function* () {
    const { run } = yield* ShardRun.ShardRun
    const shard = { batch: "a", shard: 0, attempt: 1, settings: {} }
    const outcomes = yield* Stream.runCollect(run(shard, Stream.fromIterable(destinations.map(request))))
    return { made, saved: Array.from(outcomes).filter(({ _tag }) => _tag === "Saved").length }
  }).pipe(Effect.provide(layer), autoAdvance)
}

describe("ShardRun.layer", () => {
  it.effect("makes each directory once, before the first file in it and after the files before that", () =>
    Effect.gen(function* () {
      const { made, saved } = yield* run(["top", "a/1", "a/2", "b/1", "a/3", "b/2", "c/1"])
      assert.strictEqual(saved, 7)
      assert.deepStrictEqual(
        made.filter((path) => path.endsWith("/")),
        ["a/", "b/", "c/"]
      )
      for (const directory of ["a/", "b/", "c/"]) {
        const files = made.filter((path) => path.startsWith(directory) && path !== directory)
        assert.isAbove(made.indexOf(files[0] ?? ""), made.indexOf(directory))
      }
      assert.isAbove(made.indexOf("c/"), made.indexOf("a/1"))
    })
  )
})
