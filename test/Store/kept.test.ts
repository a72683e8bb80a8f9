/**
 * What a store finds after the process or the power has ended at any operation of the disk.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as DirectStore from "../../src/Store/Direct.js"
import * as FileSystemStore from "../../src/Store/FileSystem.js"
import * as PartName from "../../src/Store/files/partName.js"
import { type Durability, type Part, Store } from "../../src/Store.js"
import { Disk, type Operation } from "../../src/testing/Disk.js"

const key = "key"

const sizeBytes = 1000

// Small parts go to the disk, too.
const limits = { smallBytes: 10, smallResumableBytes: 10, blockBytes: 100, syncs: { maxAlone: 1, minShared: 2 } }

const backends = [
  ["Store/Direct", (disk: Disk) => DirectStore.layer(disk.calls(), limits)],
  ["Store/FileSystem", () => Layer.effect(Store, FileSystemStore.makeAlone(limits))]
] as const

type LayerOf = (typeof backends)[number][1]

const inLife = <A, E>(layerOf: LayerOf, disk: Disk, body: (store: typeof Store.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(Store, body).pipe(Effect.provide(Layer.fresh(layerOf(disk)).pipe(Layer.provide(disk.layer))))

/** Different in each block. */
const block = (index: number): Uint8Array =>
  Uint8Array.from({ length: sizeBytes }, (_, position) => (index * 31 + position * 7 + 1) % 251)

const contentOf = (blocks: number): Uint8Array =>
  Buffer.concat(Array.from({ length: blocks }, (_, index) => block(index)))

const isEqual = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

/** Draws from [0, 1), the same for the same seed. */
const randomOf = (seed: number) => {
  let state = seed + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const readAll = (part: Part): Effect.Effect<Uint8Array, unknown> =>
  Effect.gen(function* () {
    const chunk = new Uint8Array(20_000)
    return chunk.slice(0, yield* part.read(chunk, 0))
  })

const left = (disk: Disk) => Array.from(disk.files().keys()).filter((name) => name.includes(".halyard-"))

const isHalting = { never: true }

const withoutSmall = [
  ["Store/Direct", (disk: Disk) => DirectStore.layer(disk.calls())],
  ["Store/FileSystem", () => FileSystemStore.layer]
] as const

describe.each(withoutSmall)("a small part in %s", (_, layerOf) => {
  for (const durability of ["full", "rename"] as const) {
    it.live(`is kept by a checkpoint although its bytes were in memory, with ${durability}`, () =>
      Effect.gen(function* () {
        const disk = new Disk()
        yield* inLife(layerOf, disk, (store) =>
          Effect.gen(function* () {
            const { part } = yield* store.open("/d/file", { resume: key })
            yield* part.write(block(0), 0)
            assert.deepStrictEqual(left(disk), [])
            yield* part.checkpoint("1", durability)
            disk.kill()
          })
        )
        yield* inLife(layerOf, disk, (store) =>
          Effect.gen(function* () {
            const { part, record } = yield* store.open("/d/file", { resume: key })
            assert.strictEqual(record, "1")
            assert.isTrue(isEqual(yield* readAll(part), block(0)))
            yield* part.close("discard")
          })
        )
        assert.deepStrictEqual(left(disk), [])
      })
    )
  }
})

describe.each(backends)("a kept part in %s", (_, layerOf) => {
  /** Writes blocks, with a checkpoint after each. `onKept` is called with the number of blocks that are kept. */
  const write = (
    store: typeof Store.Service,
    durability: Durability,
    end: "keep" | "publish",
    onKept: (blocks: number) => void
  ) =>
    Effect.gen(function* () {
      const { part, record } = yield* store.open("/d/file", { resume: key })
      const before = Number(record ?? 0)
      for (let index = before; index < before + 3; index++) {
        yield* part.write(block(index), index * sizeBytes)
        // Records of different lengths.
        yield* part.checkpoint(`${index + 1}${" ".repeat((index * 37) % 300)}`, durability)
        onKept(index + 1)
        // Bytes that no checkpoint speaks of.
        yield* part.write(new Uint8Array(sizeBytes - 1).fill(255), (index + 1) * sizeBytes)
      }
      yield* end === "keep" ? part.close("keep") : part.publish({ onExists: "overwrite", durability })
    })

  /** Leaves a part with one block, as a killed process does. */
  const leaveBlock = (disk: Disk) =>
    inLife(layerOf, disk, (store) =>
      Effect.gen(function* () {
        const { part } = yield* store.open("/d/file", { resume: key })
        yield* part.write(block(0), 0)
        yield* part.checkpoint("1", "full")
      })
    )

  for (const durability of ["full", "rename"] as const) {
    for (const crash of ["kill", "power cut"] as const) {
      for (const end of ["keep", "publish"] as const) {
        it.live(
          `is that of the last checkpoint or of the one under way, after a ${crash} (${durability}, ${end})`,
          () =>
            Effect.gen(function* () {
              let crashes = 0
              for (let at = 0; ; at++) {
                const random = randomOf(at)
                let operations = 0
                let isHalted = false
                const disk = new Disk({
                  fate: ({ name: operation }: Operation) => {
                    operations++
                    if (isHalted || (operations > at && operation !== "write")) {
                      isHalted = true
                      return isHalting
                    }
                    if (operations > at) {
                      // A write of which some bytes arrive.
                      isHalted = true
                      return { takesBytes: Math.floor(random() * 60) + 1 }
                    }
                    return undefined
                  }
                })
                let kept = 0
                const onKept = (blocks: number) => {
                  kept = blocks
                }
                const isDone = yield* inLife(layerOf, disk, (store) =>
                  Effect.gen(function* () {
                    const fiber = yield* Effect.forkDaemon(
                      Effect.exit(
                        Effect.zipRight(write(store, durability, "keep", onKept), write(store, durability, end, onKept))
                      )
                    )
                    for (let turn = 0; turn < 2000 && (yield* Fiber.poll(fiber))._tag === "None"; turn++) {
                      yield* Effect.yieldNow()
                    }
                    return !isHalted
                  })
                )
                if (isDone) {
                  break
                }
                crashes++
                disk.options = {}
                if (crash === "kill") {
                  disk.kill()
                } else {
                  disk.powerCut(random)
                }
                const published = disk.files().get("/d/file")
                if (published !== undefined) {
                  // The bytes after the last checkpoint are published as well.
                  assert.isAtLeast(published.length, kept * sizeBytes, `at operation ${at}`)
                }
                yield* inLife(layerOf, disk, (store) =>
                  Effect.gen(function* () {
                    const { part, record } = yield* store.open("/d/file", { resume: key })
                    const found = record === undefined ? undefined : Number(record)
                    const content = yield* readAll(part)
                    const where = `at operation ${at}: ${found} of ${kept}, ${content.length} bytes`
                    if (crash === "power cut" && durability === "rename") {
                      assert.isUndefined(found, where)
                    } else if (published === undefined) {
                      assert.include(kept === 0 ? [undefined, 1] : [kept, kept + 1], found, where)
                    }
                    assert.strictEqual(content.length, (found ?? 0) * sizeBytes, where)
                    assert.isTrue(isEqual(content, contentOf(found ?? 0)), where)
                    yield* part.close("discard")
                  })
                )
                assert.deepStrictEqual(left(disk), [], `at operation ${at}`)
              }
              assert.isAbove(crashes, 10)
            })
        )
      }
    }
  }

  it.effect("is not found if another one of its key has more bytes, and is removed", () =>
    Effect.gen(function* () {
      const disk = new Disk()
      for (const blocks of [1, 3, 2]) {
        // Each life ends without closing its part, and does not find those of the lives before.
        const before = new Map(disk.files())
        const alone = new Disk()
        yield* inLife(layerOf, alone, (store) =>
          Effect.gen(function* () {
            const { part } = yield* store.open("/d/file", { resume: key })
            for (let index = 0; index < blocks; index++) {
              yield* part.write(block(index), index * sizeBytes)
            }
            yield* part.checkpoint(`${blocks}`, "full")
            yield* part.close("keep")
          })
        )
        for (const [path, content] of alone.files()) {
          assert.isFalse(before.has(path))
          disk.put(path, content)
        }
      }
      assert.strictEqual(left(disk).length, 6)
      yield* inLife(layerOf, disk, (store) =>
        Effect.gen(function* () {
          const { part, record } = yield* store.open("/d/file", { resume: key })
          assert.strictEqual(record, "3")
          assert.isTrue(isEqual(yield* readAll(part), contentOf(3)))
          assert.strictEqual(left(disk).length, 2)
          yield* part.publish({ onExists: "fail", durability: "full" })
        })
      )
      assert.deepStrictEqual(Array.from(disk.files().keys()), ["/d/file"])
    })
  )

  it.effect("is copied if its owner may be a process of another machine, and stays", () =>
    Effect.gen(function* () {
      const disk = new Disk()
      yield* leaveBlock(disk)
      const foreign = "abcdefghijkl.1.1"
      for (const [path, content] of disk.files()) {
        const parsed = PartName.parse(path.slice("/d/".length))
        if (parsed?.kind === "part") {
          disk.put(`/d/${PartName.partName(parsed.id, foreign, parsed.destinationName)}`, content)
          disk.remove(path)
        }
      }
      const before = left(disk)
      assert.strictEqual(before.length, 2)
      yield* inLife(layerOf, disk, (store) =>
        Effect.gen(function* () {
          const { part, record } = yield* store.open("/d/file", { resume: key })
          assert.strictEqual(record, "1")
          assert.includeMembers(left(disk), before)
          assert.strictEqual(left(disk).length, 4)
          yield* part.write(block(1), sizeBytes)
          yield* part.close("discard")
          assert.deepStrictEqual(left(disk), before)
          // It is offered once, so that a transfer can start over.
          assert.isUndefined((yield* store.open("/d/file", { resume: key })).record)
        })
      )
      for (const path of before) {
        assert.isTrue(disk.files().has(path))
      }
    })
  )

  it.effect("is not taken while its process runs", () =>
    Effect.gen(function* () {
      const disk = new Disk()
      yield* leaveBlock(disk)
      // Another store of the same process.
      const record = yield* inLife(layerOf, disk, (store) =>
        Effect.map(store.open("/d/file", { resume: key }), ({ record }) => record)
      )
      assert.isUndefined(record)
      disk.kill()
      const later = yield* inLife(layerOf, disk, (store) =>
        Effect.map(store.open("/d/file", { resume: key }), ({ record }) => record)
      )
      assert.strictEqual(later, "1")
    })
  )
})
