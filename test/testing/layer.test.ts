import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Download, Downloader, MemoryStore } from "halyard"
import { autoAdvance, layer, Origin } from "halyard/testing"

const request = Download.request({ url: "http://origin.test/a", destination: "/d/a", onExists: "overwrite" })

/** A service of a host program that stands on a downloader. */
class Library extends Effect.Tag("Library")<Library, { readonly fetch: Effect.Effect<void, unknown> }>() {
  static readonly layer = Layer.effect(
    Library,
    Effect.map(Downloader.Downloader, (downloader) => ({ fetch: Effect.asVoid(downloader.download(request)) }))
  )
}

const world = () =>
  layer((asked) => Origin.file(asked, "0123456789", { chunkBytes: 1, chunkDelay: "1 second", delay: "1 second" }))

describe("the testing layer", () => {
  for (const [how, compose] of [
    ["Layer.provideMerge", (under: ReturnType<typeof world>) => Library.layer.pipe(Layer.provideMerge(under))],
    [
      "Layer.provide beside itself",
      (under: ReturnType<typeof world>) => Layer.merge(Library.layer.pipe(Layer.provide(under)), under)
    ]
  ] as const) {
    it.effect(`is one world under ${how}`, () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Library.fetch)
        yield* TestClock.adjust("3 seconds")
        const memory = yield* MemoryStore.MemoryFiles
        assert.strictEqual((yield* Origin.Origin).open(), 1)
        assert.strictEqual(yield* memory.parts, 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* memory.parts, 0)
        yield* autoAdvance(Library.fetch)
        assert.deepStrictEqual(Array.from((yield* memory.files).keys()), ["/d/a"])
      }).pipe(Effect.provide(compose(world())))
    )
  }

  it.effect("makes separate services for each provide", () => {
    const one = world()
    const asked = Effect.gen(function* () {
      yield* autoAdvance((yield* Downloader.Downloader).download(request))
      return (yield* Origin.Origin).requests().length
    })
    return Effect.gen(function* () {
      assert.strictEqual(yield* Effect.provide(asked, one), 1)
      assert.strictEqual(yield* Effect.provide(asked, one), 1)
    })
  })

  it.effect("makes separate services for each call, with the script of that call", () => {
    const other = layer(() => ({ status: 404 }))
    class Other extends Effect.Tag("Other")<Other, typeof Downloader.Downloader.Service>() {}
    const both = Layer.merge(Layer.effect(Other, Downloader.Downloader).pipe(Layer.provide(other)), world())
    return Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip((yield* Other).download(request)))
      assert.strictEqual(error._tag, "HttpStatus")
      yield* autoAdvance((yield* Downloader.Downloader).download(request))
      assert.strictEqual((yield* (yield* MemoryStore.MemoryFiles).files).size, 1)
    }).pipe(Effect.provide(both))
  })
})
