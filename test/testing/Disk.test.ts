import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PCGRandom } from "effect/Utils"
import * as FileSystemStore from "../../src/Store/FileSystem.js"
import { Store, write } from "../../src/Store.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { Disk } from "../../src/testing/Disk.js"
import { runCases } from "../support/runCases.js"

const bytes = (text: string) => new TextEncoder().encode(text)

const saved = (disk: Disk, durability: "full" | "rename") =>
  Effect.flatMap(Store, (store) =>
    Effect.scoped(
      Effect.flatMap(store.open("/d/a"), (part) =>
        Effect.zipRight(write(part, bytes("whole")), part.publish({ onExists: "overwrite", durability }))
      )
    )
  ).pipe(Effect.provide(FileSystemStore.layer.pipe(Layer.provide(disk.layer))))

const textOf = (disk: Disk, name: string) => {
  const found = disk.files().get(name)
  return found === undefined ? undefined : new TextDecoder().decode(found)
}

describe("testing/Disk under Store/FileSystem", () => {
  runCases(
    Contracts.store(
      Effect.sync(() => {
        const disk = new Disk()
        return {
          layer: FileSystemStore.layer.pipe(Layer.provide(disk.layer)),
          destination: "/d/a",
          read: Effect.sync(() => textOf(disk, "/d/a")),
          parts: Effect.sync(() => Array.from(disk.files().keys()).filter((name) => name.endsWith(".part")).length)
        }
      })
    )
  )
})

describe("testing/Disk", () => {
  it.effect("keeps what was synced, whatever a power cut takes", () =>
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

  it.effect("loses of what was not synced the name, or bytes at its end", () =>
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

  it.effect("fails as it is told, and when it is full or has no descriptor left", () =>
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
