/**
 * What a tar has after the process or the power has ended at any operation of the disk.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as DirectStore from "../../../src/Store/Direct.js"
import * as FileSystemStore from "../../../src/Store/FileSystem.js"
import { Store } from "../../../src/Store.js"
import { Disk } from "../../../src/testing/Disk.js"
import { entriesOf, samplesOf } from "../../support/storage/tarFiles.js"
import { inRun, save, type Tar } from "../../support/storage/tarStore.js"

const backends = [
  ["Store/Direct", (disk: Disk) => DirectStore.layer(disk.calls())],
  ["Store/FileSystem", () => FileSystemStore.layer]
] as const

type LayerOf = (typeof backends)[number][1]

const inLife = <A, E>(layerOf: LayerOf, disk: Disk, body: (tar: Tar) => Effect.Effect<A, E>) =>
  Effect.flatMap(Store, (store) =>
    inRun(store, { destination: "/d/one.tar", memoryBytes: 16 * 2000, metadata: "none" }, body)
  ).pipe(Effect.provide(Layer.fresh(layerOf(disk)).pipe(Layer.provide(disk.layer))))

// One of them is larger than the memory of a file.
const paths = ["a.txt", "b.txt", "large.txt", "c.txt"]

const textOf = (path: string): string => (path === "large.txt" ? "large " : `${path} `).repeat(500)

/** Saves the files that are not in the tar, and completes it. `onSaved` is called with the path of each one that is saved. */
const work = (tar: Tar, onSaved: (path: string) => void) =>
  Effect.zipRight(
    Effect.forEach(
      paths,
      (path) =>
        Effect.gen(function* () {
          if ((yield* tar.store.stat(path)) === undefined) {
            yield* save(tar.store, path, textOf(path))
          }
          onSaved(path)
        }),
      { concurrency: 2 }
    ),
    tar.finish
  )

/** Draws from [0, 1), the same for the same seed. */
const randomOf = (seed: number) => {
  let state = seed + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** The tar under its final name, which must be whole. */
const complete = (disk: Disk) =>
  Effect.gen(function* () {
    const tar = disk.files().get("/d/one.tar")
    if (tar === undefined) {
      return undefined
    }
    assert.isTrue(tar.subarray(-1024).every((byte) => byte === 0))
    const samples = samplesOf(yield* Effect.promise(() => entriesOf(tar)))
    return new Map(samples.map(({ __key__: key, txt }) => [`${key}.txt`, txt ?? ""]))
  })

const all = new Map(paths.map((path) => [path, textOf(path)]))

const sorted = (files: ReadonlyMap<string, string> | undefined) => [...(files ?? [])].sort()

describe.each(backends)("a tar over %s", (_, layerOf) => {
  for (const crash of ["kill", "power cut"] as const) {
    it.live(`is continued after a ${crash} at any operation, and loses no file that was saved`, () =>
      Effect.gen(function* () {
        let crashes = 0
        let continued = 0
        for (let at = 0; ; at++) {
          const random = randomOf(at)
          let operations = 0
          let isHalted = false
          const disk = new Disk({
            fate: () => {
              operations++
              isHalted ||= operations > at
              return isHalted ? { never: true } : undefined
            }
          })
          const saved = new Set<string>()
          // A life that is halted does not end.
          const life = yield* Effect.forkDaemon(inLife(layerOf, disk, (tar) => work(tar, (path) => saved.add(path))))
          for (let turn = 0; turn < 3000 && (yield* Fiber.poll(life))._tag === "None"; turn++) {
            yield* Effect.yieldNow()
          }
          if (!isHalted) {
            yield* Fiber.join(life)
            assert.deepStrictEqual(sorted(yield* complete(disk)), sorted(all))
            break
          }
          crashes++
          disk.options = {}
          if (crash === "kill") {
            disk.kill()
          } else {
            disk.powerCut(random)
          }
          const before = yield* complete(disk)
          if (before !== undefined) {
            assert.deepStrictEqual(sorted(before), sorted(all), `at operation ${at}`)
          }
          yield* inLife(layerOf, disk, (tar) =>
            Effect.gen(function* () {
              for (const path of saved) {
                const where = `${path} at operation ${at}`
                assert.strictEqual((yield* tar.store.stat(path))?.sizeBytes, textOf(path).length, where)
                assert.strictEqual(yield* Stream.mkString(Stream.decodeText(tar.store.read(path))), textOf(path), where)
                continued++
              }
              yield* work(tar, () => {})
            })
          )
          assert.deepStrictEqual(sorted(yield* complete(disk)), sorted(all), `at operation ${at}`)
        }
        assert.isAbove(crashes, 20)
        assert.isAbove(continued, 20)
      })
    )
  }

  it.live("is continued after the disk was full, and then has every file", () =>
    Effect.gen(function* () {
      const disk = new Disk({ fate: ({ name }) => (name === "write" && isFull ? { errno: "ENOSPC" } : undefined) })
      let isFull = false
      yield* inLife(layerOf, disk, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", textOf("a.txt"))
          isFull = true
          for (const path of ["b.txt", "large.txt"]) {
            const error = yield* Effect.flip(save(tar.store, path, textOf(path)))
            assert.strictEqual(error.reason, "full")
            assert.isUndefined(yield* tar.store.stat(path))
          }
          const error = yield* Effect.flip(tar.finish)
          assert.strictEqual(error.reason, "full")
        })
      )
      assert.isUndefined(yield* complete(disk))
      isFull = false
      yield* inLife(layerOf, disk, (tar) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* tar.store.stat("a.txt"))?.sizeBytes, textOf("a.txt").length)
          yield* work(tar, () => {})
        })
      )
      assert.deepStrictEqual(sorted(yield* complete(disk)), sorted(all))
      assert.deepStrictEqual([...disk.files().keys()].sort(), ["/d/one.tar", "/d/one.tar.index"])
    })
  )
})
