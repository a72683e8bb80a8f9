import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { PCGRandom } from "effect/Utils"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as DirectStore from "../../src/Store/Direct.js"
import * as FileSystemStore from "../../src/Store/FileSystem.js"
import { openScoped, Store } from "../../src/Store.js"
import { autoAdvance } from "../../src/testing/autoAdvance.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { Disk } from "../../src/testing/Disk.js"
import * as Origin from "../../src/testing/Origin.js"
import { runCases } from "../support/runCases.js"

const bytes = (text: string) => new TextEncoder().encode(text)

const saved = (
  disk: Disk,
  durability: "full" | "rename",
  layer = FileSystemStore.layer.pipe(Layer.provide(disk.layer))
) =>
  Effect.flatMap(Store, (store) =>
    Effect.scoped(
      Effect.flatMap(openScoped(store, "/d/a"), (part) =>
        Effect.zipRight(
          Effect.suspend(() => part.write(bytes("whole"), 0)),
          Effect.suspend(() => part.publish({ onExists: "overwrite", durability }))
        )
      )
    )
  ).pipe(Effect.provide(layer))

const textOf = (disk: Disk, name: string) => {
  const found = disk.files().get(name)
  return found === undefined ? undefined : new TextDecoder().decode(found)
}

for (const [name, layerOf] of [
  ["Store/FileSystem", () => FileSystemStore.layer],
  ["Store/Direct", (disk: Disk) => DirectStore.layer(disk.calls())]
] as const) {
  describe(`testing/Disk under ${name}`, () => {
    runCases(
      Contracts.store(
        Effect.sync(() => {
          let writes = 0
          const disk = new Disk({
            onDone: ({ name }) => {
              writes += name === "write" ? 1 : 0
            }
          })
          return {
            layer: layerOf(disk).pipe(Layer.provide(disk.layer)),
            destination: "/d/a",
            keeps: true,
            read: Effect.sync(() => textOf(disk, "/d/a")),
            parts: Effect.sync(() => Array.from(disk.files().keys()).filter((file) => file.endsWith(".part")).length),
            writes: Effect.sync(() => writes),
            makeDirectory: Effect.sync(() => disk.putDirectory("/d/a")),
            takeNothing: Effect.sync(() => {
              disk.options = { fate: ({ name }) => (name === "write" ? { takesBytes: 0 } : undefined) }
            }),
            modes: {
              all: Effect.sync(() => Array.from(disk.modes().values())),
              set: (mode: number) =>
                Effect.sync(() => disk.put("/d/a", disk.files().get("/d/a") ?? new Uint8Array(0), mode))
            }
          }
        })
      )
    )
  })
}

describe("testing/Disk", () => {
  it.effect("lets a download continue when a descriptor is free again", () =>
    Effect.gen(function* () {
      for (const layerOf of [() => FileSystemStore.layer, (disk: Disk) => DirectStore.layer(disk.calls())]) {
        let refusals = 70
        const disk = new Disk({
          fate: ({ name }) => (name === "open" && refusals-- > 0 ? { errno: "EMFILE" } : undefined)
        })
        const downloader = Downloader.layer.pipe(
          Layer.provide(
            Layer.merge(
              layerOf(disk).pipe(Layer.provide(disk.layer)),
              Origin.layer((asked) => Origin.file(asked, "content"))
            )
          )
        )
        const saved = yield* Effect.flatMap(Downloader.Downloader, ({ download }) =>
          autoAdvance(
            download(Download.request({ url: "http://origin.test/a", destination: "/d/a", timeout: "1 hour" }))
          )
        ).pipe(Effect.provide(downloader))
        assert.strictEqual(saved._tag, "Saved")
        assert.strictEqual(textOf(disk, "/d/a"), "content")
        assert.isAtMost(refusals, 0)
      }
    })
  )

  for (const [name, layerOf] of [
    ["Store/FileSystem", () => FileSystemStore.layer],
    ["Store/Direct", (disk: Disk) => DirectStore.layer(disk.calls())]
  ] as const) {
    it.effect(`waits a minute for a descriptor, and then says that too many are open: ${name}`, () =>
      Effect.gen(function* () {
        const disk = new Disk({ descriptors: 0 })
        const layer = layerOf(disk).pipe(Layer.provide(disk.layer))
        const waiting = yield* Effect.fork(saved(disk, "rename", layer))
        yield* TestClock.adjust("58 seconds")
        assert.isNull(waiting.unsafePoll())
        yield* TestClock.adjust("4 seconds")
        assert.deepInclude(yield* Effect.flip(Fiber.join(waiting)), { _tag: "Disk", reason: "too-many-open" })
        const left = yield* Effect.fork(saved(disk, "rename", layer))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(left)
        assert.strictEqual(disk.files().size, 0)
      })
    )
  }

  it.effect("keeps synced files after each power cut", () =>
    Effect.gen(function* () {
      for (const random of [0, 0.3, 0.6, 0.999]) {
        const disk = new Disk()
        yield* saved(disk, "full")
        disk.powerCut(() => random)
        assert.strictEqual(textOf(disk, "/d/a"), "whole")
        assert.deepStrictEqual(Array.from(disk.files().keys()), ["/d/a"])
      }
    })
  )

  it.effect("has the times that programs have set, also after a power cut", () =>
    Effect.sync(() => {
      const disk = new Disk()
      disk.put("/d/a", bytes("a"), undefined, 1000)
      disk.put("/d/b", bytes("b"))
      disk.powerCut(() => 0)
      assert.deepStrictEqual(Array.from(disk.times()), [
        ["/d/a", 1000],
        ["/d/b", undefined]
      ])
    })
  )

  it.effect("loses the name of a file that was not synced, or bytes at its end", () =>
    Effect.gen(function* () {
      const left = new Set<string | undefined>()
      for (let index = 0; index < 200; index++) {
        const disk = new Disk()
        yield* saved(disk, "rename")
        const random = new PCGRandom(index)
        disk.powerCut(() => random.number())
        left.add(textOf(disk, "/d/a"))
      }
      assert.isTrue(left.has(undefined))
      assert.isTrue(left.has(""))
      assert.isTrue(Array.from(left).some((text) => text?.length === 5 && text.endsWith("\0")))
      assert.isTrue(left.has("who"))
    })
  )

  it.effect("knows what a power cut may leave of a name that was not synced", () =>
    Effect.gen(function* () {
      const disk = new Disk()
      disk.put("/d/a", bytes("old"))
      yield* saved(disk, "rename")
      const texts = disk
        .unsynced()
        .get("/d/a")
        ?.map((content) => content && new TextDecoder().decode(content))
      assert.deepStrictEqual(texts, ["old", "whole"])
      yield* saved(disk, "full")
      assert.isUndefined(disk.unsynced().get("/d/a"))
    })
  )

  it.effect("does not undo what another program has put or removed", () =>
    Effect.gen(function* () {
      for (const random of [0, 0.5, 0.99]) {
        const disk = new Disk()
        yield* saved(disk, "rename")
        disk.put("/d/a", bytes("put"))
        disk.powerCut(() => random)
        assert.strictEqual(textOf(disk, "/d/a"), "put")
        yield* saved(disk, "rename")
        disk.remove("/d/a")
        disk.powerCut(() => random)
        assert.isUndefined(textOf(disk, "/d/a"))
      }
    })
  )

  it.effect("fails by its fate, when it is full, and when it has no descriptor left", () =>
    Effect.gen(function* () {
      const failing = new Disk({ fate: ({ name }) => (name === "sync" ? { errno: "EIO" } : undefined) })
      assert.deepInclude(yield* Effect.flip(saved(failing, "full")), { _tag: "Disk", reason: "other" })
      const small = new Disk({ capacityBytes: 3 })
      assert.deepInclude(yield* Effect.flip(saved(small, "full")), { _tag: "Disk", reason: "full" })
      assert.strictEqual(small.files().size, 0)
      const none = new Disk({ descriptors: 0 })
      const error = yield* Effect.flip(
        Effect.scoped(Effect.flatMap(FileSystem.FileSystem, (fs) => fs.open("/d/a", { flag: "wx" }))).pipe(
          Effect.provide(none.layer)
        )
      )
      assert.propertyVal(error.cause, "code", "EMFILE")
    })
  )
})
