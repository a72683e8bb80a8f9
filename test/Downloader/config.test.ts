import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { Origin } from "../../src/testing.js"

const from = (values: ReadonlyArray<readonly [string, string]>) => ConfigProvider.fromMap(new Map(values))

const read = (values: ReadonlyArray<readonly [string, string]>) => from(values).load(Downloader.config)

describe("Downloader.config", () => {
  it.effect("reads options under their names", () =>
    Effect.gen(function* () {
      const options = yield* read([
        ["concurrency", "7"],
        ["adaptive", "false"],
        ["headersTimeout", "3 seconds"],
        ["stall.within", "9 seconds"],
        ["durability", "rename"],
        ["retry.retries", "2"],
        ["retry.firstDelay", "1 second"]
      ])
      assert.deepInclude(options, {
        concurrency: 7,
        adaptive: false,
        headersTimeout: Duration.seconds(3),
        stall: { bytes: 1, within: Duration.seconds(9) },
        durability: "rename"
      })
      assert.deepInclude(options.retry, { retries: 2, firstDelay: Duration.seconds(1) })
    })
  )

  it.effect("has the defaults for options that are not there", () =>
    Effect.gen(function* () {
      const { retry, ...options } = yield* read([])
      assert.deepStrictEqual(
        Object.values({ ...options, ...retry }).filter((value) => value !== undefined),
        []
      )
    })
  )

  for (const [name, value] of [
    ["concurrency", "many"],
    ["durability", "none"],
    ["connectTimeout", "soon"]
  ] as const) {
    it.effect(`refuses the value ${value} of ${name}`, () =>
      Effect.gen(function* () {
        assert.include(`${yield* Effect.flip(read([[name, value]]))}`, name)
      })
    )
  }
})

describe("Downloader.layerConfig", () => {
  const base = Layer.merge(
    Origin.layer(() => ({ body: "0123456789" })),
    MemoryStore.layer
  )
  const bytes = Effect.flatMap(Downloader.Downloader, (downloader) =>
    downloader.bytes({ url: "http://origin.test/a" })
  ).pipe(Effect.either)

  it.effect("reads environment variables", () =>
    Effect.gen(function* () {
      const variables = new Map([
        ["HALYARD_LIMIT_BYTES", "9"],
        ["HALYARD_STALL_WITHIN", "9 seconds"]
      ])
      const provider = ConfigProvider.fromMap(variables, { pathDelim: "_" }).pipe(
        ConfigProvider.nested("halyard"),
        ConfigProvider.constantCase
      )
      assert.deepInclude(yield* provider.load(Downloader.config), {
        stall: { bytes: 1, within: Duration.seconds(9) }
      })
      const layer = Downloader.layerConfig().pipe(Layer.provide(base), Layer.provide(Layer.setConfigProvider(provider)))
      const got = yield* Effect.provide(bytes, layer)
      assert.isTrue(Either.isLeft(got) && got.left._tag === "TooLarge")
    })
  )

  it.effect("takes another Config", () =>
    Effect.gen(function* () {
      const layer = Downloader.layerConfig(Config.map(Config.integer("mostBytes"), (limitBytes) => ({ limitBytes })))
      const got = yield* Effect.provide(
        bytes,
        layer.pipe(Layer.provide(base), Layer.provide(Layer.setConfigProvider(from([["mostBytes", "9"]]))))
      )
      assert.isTrue(Either.isLeft(got) && got.left._tag === "TooLarge")
    })
  )
})
