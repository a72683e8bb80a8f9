import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import { MemoryFiles } from "../../src/Store/Memory.js"
import { autoAdvance } from "../../src/testing/autoAdvance.js"
import * as Origin from "../../src/testing/Origin.js"
import { layer } from "../../src/testing.js"

const download = (options: { readonly limitBytes?: number } = {}) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    autoAdvance(downloader.download(Download.request({ url: "http://origin.test/a", destination: "a", ...options })))
  )

const announced = (): Origin.Reply => ({ body: "0123456789", headers: { "content-length": "10" }, chunkBytes: 2 })

const unannounced = (): Origin.Reply => ({ body: "0123456789", chunkBytes: 2 })

describe.for([
  ["an announced length", announced],
  ["no announced length", unannounced]
] as const)("Downloader.Options.limitBytes, of a body with %s", ([, script]) => {
  it.effect("applies to a request without its own limit", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Effect.flip(download()), { _tag: "TooLarge", limitBytes: 5 })
      assert.strictEqual((yield* (yield* MemoryFiles).files).size, 0)
      assert.lengthOf((yield* Origin.Origin).requests(), 1)
    }).pipe(Effect.provide(layer(script, { limitBytes: 5 })))
  )

  it.effect("does not apply to a request with its own limit", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Effect.flip(download({ limitBytes: 1 })), { _tag: "TooLarge", limitBytes: 1 })
      for (const limitBytes of [10, Number.POSITIVE_INFINITY]) {
        assert.deepInclude(yield* download({ limitBytes }).pipe(Effect.provide(layer(script, { limitBytes: 5 }))), {
          _tag: "Saved",
          bytes: 10
        })
      }
    }).pipe(Effect.provide(layer(script, { limitBytes: 5 })))
  )

  it.effect("is infinite by default", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { _tag: "Saved", bytes: 10 })
    }).pipe(Effect.provide(layer(script)))
  )
})

describe("Downloader.Options.limitBytes", () => {
  it.effect("is refused at once if it is invalid", () =>
    Effect.gen(function* () {
      for (const limitBytes of [-1, 1.5, Number.NaN]) {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer(announced, { limitBytes }))))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), `${limitBytes}`)
      }
    })
  )
})
