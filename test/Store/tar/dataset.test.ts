import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Downloader, MemoryStore } from "halyard"
import { autoAdvance, Origin } from "halyard/testing"
import { dataset, tars } from "../../examples/dataset.js"

it.effect("saves images into a tar", () =>
  Effect.gen(function* () {
    const urls = Array.from({ length: 3 }, (_, index) => `https://files.example/${index}`)
    assert.deepStrictEqual(yield* autoAdvance(dataset(urls)), { saved: 3, tars: ["out/00000.tar"] })
    const { files } = yield* MemoryStore.MemoryFiles
    assert.deepStrictEqual([...(yield* files).keys()].sort(), ["out/00000.tar", "out/00000.tar.index"])
  }).pipe(
    Effect.provide(
      Downloader.layer.pipe(
        Layer.provideMerge(tars.pipe(Layer.provideMerge(MemoryStore.layer))),
        Layer.provide(Origin.layer((request) => Origin.file(request, "an image")))
      )
    )
  )
)
