import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import * as DirectStore from "../../src/Store/Direct.js"
import { isPartName } from "../../src/Store/files/partName.js"
import type { SystemCalls } from "../../src/Store/systemCalls.js"
import { openScoped, Store } from "../../src/Store.js"
import { Disk } from "../../src/testing/Disk.js"
import { liveBytes } from "../support/collectGarbage.js"
import { large, save, small } from "../support/storage/savedFiles.js"

describe("Store/Direct", () => {
  const over = (disk: Disk, change: (calls: SystemCalls) => Partial<SystemCalls> = () => ({})) => {
    const calls = disk.calls()
    return DirectStore.layer({ ...calls, ...change(calls) }).pipe(Layer.provide(disk.layer))
  }

  it.effect("leaves no part and no descriptor if an operation of the disk fails", () =>
    Effect.gen(function* () {
      for (const durability of ["full", "rename"] as const) {
        for (const onExists of ["overwrite", "fail", "skip", "unique"] as const) {
          for (const chunks of [[small], [large, large, large, large]]) {
            for (let failing = 0; failing < 10; failing++) {
              let count = 0
              const disk = new Disk({ fate: () => (count++ === failing ? { errno: "EIO" } : undefined) })
              const exit = yield* Effect.exit(Effect.provide(save("/d/a", chunks, onExists, durability), over(disk)))
              const content = disk.files().get("/d/a")
              const size = chunks.reduce((sum, { length }) => sum + length, 0)
              assert.strictEqual(disk.descriptors(), 0)
              assert.isTrue(content === undefined || content.length === size)
              if (Exit.isSuccess(exit)) {
                assert.strictEqual(content?.length, size)
              }
              const left = Array.from(disk.files().keys()).filter((name) => name !== "/d/a")
              // What cannot be removed stays.
              assert.isTrue(left.length === 0 || (left.length === 1 && count > failing && Exit.isSuccess(exit)))
            }
          }
        }
      }
    })
  )

  it.effect("uses no more memory for bodies of one-byte chunks than for others", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* Store
        const before = liveBytes()
        const parts = yield* Effect.forEach(Array(8), (_, index) => openScoped(store, `/d/${index}`))
        const byte = Uint8Array.of(1)
        let isTaken = true
        for (let count = 0; count < 50_000; count++) {
          for (const part of parts) {
            isTaken = part.write(byte, count) === Exit.void && isTaken
          }
        }
        const takenBytes = liveBytes() - before
        assert.isTrue(isTaken)
        // 400 KB were received. An array for each byte would take more than 50 MB.
        assert.isBelow(takenBytes, 16 * 1024 * 1024)
      }).pipe(Effect.provide(over(new Disk())))
    )
  )

  it.effect("writes chunks to disk when the parts together have used up their memory", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const disk = new Disk()
        const count = 400
        yield* Effect.gen(function* () {
          const store = yield* Store
          const parts = yield* Effect.forEach(Array(count), (_, index) => openScoped(store, `/d/${index}`))
          for (const part of parts) {
            yield* part.write(large, 0)
          }
          // 40 MB were received, and 32 MiB may be kept.
          const written = Array.from(disk.files().values()).reduce((sum, { length }) => sum + length, 0)
          assert.isAbove(written, 6_000_000)
          yield* Effect.forEach(parts, (part) => part.publish({ onExists: "fail", durability: "rename" }))
        }).pipe(Effect.provide(over(disk)))
        assert.deepStrictEqual(
          Array.from(disk.files().values(), ({ length }) => length),
          Array(count).fill(large.length)
        )
      })
    )
  )

  it.effect("writes more large files than there are descriptors", () =>
    Effect.gen(function* () {
      const disk = new Disk({ descriptors: 3 })
      const count = 20
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* Store
          const parts = yield* Effect.forEach(Array(count), (_, index) => openScoped(store, `/d/${index}`))
          for (let round = 0; round < 8; round++) {
            for (const [index, part] of parts.entries()) {
              yield* part.write(new Uint8Array(100_000).fill(index), round * 100_001)
              yield* part.write(Uint8Array.of(round), round * 100_001 + 100_000)
            }
          }
          for (const part of parts) {
            yield* part.publish({ onExists: "fail", durability: "full" })
          }
        }).pipe(Effect.provide(over(disk)))
      )
      assert.strictEqual(disk.descriptors(), 0)
      assert.strictEqual(disk.files().size, count)
      for (let index = 0; index < count; index++) {
        const content = disk.files().get(`/d/${index}`)
        assert.strictEqual(content?.length, 800_008)
        for (let round = 0; round < 8; round++) {
          assert.strictEqual(content?.[round * 100_001 + 50_000], index)
          assert.strictEqual(content?.[round * 100_001 + 100_000], round)
        }
      }
    })
  )

  it.effect("does not publish a part if accepted chunks could not be written", () =>
    Effect.gen(function* () {
      let writes = 0
      const disk = new Disk({ fate: ({ name }) => (name === "write" && ++writes === 2 ? { errno: "EIO" } : undefined) })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const part = yield* Effect.flatMap(Store, (store) => openScoped(store, "/d/a"))
          yield* part.write(new Uint8Array(300_000), 0)
          // The chunk is accepted, and written with the next one, which fails.
          assert.strictEqual(part.write(small, 300_000), Exit.void)
          assert.deepInclude(yield* Effect.flip(part.write(large, 301_000)), { _tag: "Disk" })
          yield* Effect.flip(part.publish({ onExists: "overwrite", durability: "rename" }))
          assert.isFalse(disk.files().has("/d/a"))
          // A transfer that starts over has lost nothing.
          yield* part.close("discard")
          yield* save("/d/a", [small])
        }).pipe(Effect.provide(over(disk)))
      )
      assert.deepStrictEqual(disk.files().get("/d/a"), small)
    })
  )

  it.effect("does not write to a file of another program that has the name of a closed part", () =>
    Effect.gen(function* () {
      const disk = new Disk({ descriptors: 1 })
      const precious = new TextEncoder().encode("precious")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* Store
          const first = yield* openScoped(store, "/d/a")
          yield* first.write(new Uint8Array(600_000), 0)
          const [name = ""] = Array.from(disk.files().keys())
          // It gives its descriptor to the second.
          yield* (yield* openScoped(store, "/d/b")).write(new Uint8Array(600_000), 0)
          disk.put(name, precious)
          const error = yield* Effect.flip(first.publish({ onExists: "fail", durability: "rename" }))
          assert.deepInclude(error, { _tag: "Disk", reason: "other" })
          assert.deepStrictEqual(disk.files().get(name), precious)
        }).pipe(Effect.provide(over(disk)))
      )
    })
  )

  it.effect("removes a part whose file fails when it is closed to free a descriptor", () =>
    Effect.gen(function* () {
      const disk = new Disk({ descriptors: 1 })
      const layer = over(disk, (calls) => ({
        closeToReopen: (descriptor) => {
          calls.close(descriptor)
          throw Object.assign(new Error("EIO"), { code: "EIO" })
        }
      }))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* Store
          const first = yield* openScoped(store, "/d/a")
          yield* first.write(new Uint8Array(600_000), 0)
          const second = yield* openScoped(store, "/d/b")
          yield* second.write(new Uint8Array(600_000), 0)
          assert.strictEqual(disk.files().size, 1)
          yield* Effect.flip(first.publish({ onExists: "overwrite", durability: "rename" }))
          yield* second.publish({ onExists: "overwrite", durability: "rename" })
          yield* first.close("discard")
          yield* save("/d/a", [small])
        }).pipe(Effect.provide(layer))
      )
      assert.deepStrictEqual(Array.from(disk.files().keys()).sort(), ["/d/a", "/d/b"])
      assert.deepStrictEqual(disk.files().get("/d/a"), small)
    })
  )

  it.effect("names parts so that one name does not reveal the next", () =>
    Effect.gen(function* () {
      const namesOf = (count: number) => {
        const opened: Array<string> = []
        const disk = new Disk({
          onDone: ({ name, path }) => {
            if (name === "open") {
              opened.push(path.replace("/d/", ""))
            }
          }
        })
        return Effect.scoped(
          Effect.gen(function* () {
            const store = yield* Store
            for (let index = 0; index < count; index++) {
              yield* (yield* openScoped(store, `/d/${index}`)).write(new Uint8Array(600_000), 0)
            }
            return opened
          }).pipe(Effect.provide(over(disk)))
        )
      }
      const drawn = yield* namesOf(30)
      assert.isTrue(drawn.every(isPartName))
      // No position has the same letter in all names, as with a counter.
      for (let place = ".halyard-".length + 10; place < ".halyard-".length + 22; place++) {
        assert.isAbove(new Set(drawn.map((name) => name[place])).size, 5)
      }
      // With its own `Random`, a program gets the same names again.
      const replayed = Effect.withRandom(namesOf(5), Random.make("seed"))
      assert.deepStrictEqual(yield* replayed, yield* Effect.withRandom(namesOf(5), Random.make("seed")))
    })
  )

  it.effect("waits for a descriptor", () =>
    Effect.gen(function* () {
      let refusals = 3
      const disk = new Disk({
        fate: ({ name }) => (name === "open" && refusals-- > 0 ? { errno: "EMFILE" } : undefined)
      })
      const fiber = yield* Effect.fork(Effect.provide(save("/d/a", [small]), over(disk)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "/d/a")
    })
  )

  for (const isInMemory of [true, false]) {
    it.effect(
      `${isInMemory ? "makes no syncs" : "syncs each file"} on a file system ${isInMemory ? "in memory" : "on a disk"} when syncs are fast`,
      () =>
        Effect.gen(function* () {
          const disk = new Disk()
          let syncs = 0
          const counted = over(disk, (calls) => ({
            isInMemory: () => isInMemory,
            sync: (descriptor) => {
              syncs++
              calls.sync(descriptor)
            },
            syncDirectory: (path) => {
              syncs++
              calls.syncDirectory(path)
            }
          }))
          yield* Effect.gen(function* () {
            for (let index = 0; index < 20; index++) {
              yield* save(`/d/${index}`, [small], "overwrite", "full")
            }
            const before = syncs
            yield* save("/d/last", [small], "overwrite", "full")
            assert.strictEqual(syncs - before, isInMemory ? 0 : 2)
          }).pipe(Effect.provide(counted))
          assert.strictEqual(disk.files().get("/d/last")?.length, small.length)
        })
    )
  }

  it.effect("publishes in a directory although an earlier publish there was begun and never run", () =>
    Effect.gen(function* () {
      const disk = new Disk()
      let refusals = 0
      const counted = over(disk, (calls) => ({
        syncDirectory: (path) => {
          if (refusals > 0) {
            refusals--
            throw Object.assign(new Error("too many open files"), { code: "EMFILE" })
          }
          calls.syncDirectory(path)
        }
      }))
      yield* Effect.scoped(
        Effect.gen(function* () {
          for (let index = 0; index < 20; index++) {
            yield* save(`/d/${index}`, [small], "overwrite", "full")
          }
          const store = yield* Store
          const part = yield* openScoped(store, "/d/dropped")
          yield* part.write(small, 0)
          refusals = 2
          // An effect that a decorator of the store does not run.
          const dropped = part.publish({
            onExists: "overwrite",
            durability: "full",
            modifiedMillis: undefined,
            name: undefined
          })
          assert.isFalse(Exit.isExit(dropped))
          assert.strictEqual(refusals, 1)
          const fiber = yield* Effect.fork(save("/d/next", [small], "overwrite", "full"))
          yield* TestClock.adjust("1 second")
          assert.strictEqual(yield* Fiber.join(fiber), "/d/next")
        })
      ).pipe(Effect.provide(counted))
    })
  )

  it.effect("waits for a descriptor to sync the directory", () =>
    Effect.gen(function* () {
      let refusals = 3
      const disk = new Disk({
        fate: ({ name }) => (name === "syncDirectory" && refusals-- > 0 ? { errno: "EMFILE" } : undefined)
      })
      const fiber = yield* Effect.fork(Effect.provide(save("/d/a", [small], "overwrite", "full"), over(disk)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "/d/a")
    })
  )

  it.effect("has one memory limit for the parts that it writes itself and those of the file system", () =>
    Effect.gen(function* () {
      let now = 0
      let writes = 0
      const disk = new Disk({
        onDone: ({ name }) => {
          writes += name === "write" ? 1 : 0
        }
      })
      const clock = yield* Effect.clock
      const store = over(disk, (calls) => ({
        stat: (path) => {
          now += 50
          return calls.stat(path)
        }
      }))
      yield* Effect.gen(function* () {
        const store = yield* Store
        let bytes = 0
        // Until not even one byte more is kept.
        for (const size of [200_000, 1000, 1]) {
          writes = 0
          while (writes === 0 && bytes < 64 * 1024 * 1024) {
            yield* (yield* openScoped(store, `/d/direct${bytes}`)).write(new Uint8Array(size), 0)
            bytes += size
          }
        }
        assert.isBelow(bytes, 33 * 1024 * 1024)
        // From now on the calls count as slow.
        yield* store.stat("/d/a")
        writes = 0
        const part = yield* openScoped(store, "/d/a")
        yield* part.write(Uint8Array.of(1), 0)
        assert.strictEqual(writes, 1)
        yield* part.publish({ onExists: "fail", durability: "rename" })
        assert.deepStrictEqual(disk.files().get("/d/a"), Uint8Array.of(1))
      }).pipe(
        Effect.scoped,
        Effect.provide(store),
        Effect.withClock({ ...clock, unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n })
      )
    })
  )

  it.effect("writes through the file system while calls are slow, and tries the calls again", () =>
    Effect.gen(function* () {
      let now = 0
      let slow = true
      let direct = 0
      const disk = new Disk()
      const clock = yield* Effect.clock
      const store = over(disk, (calls) => ({
        create: (path, access) => {
          direct++
          now += slow ? 50 : 0
          return calls.create(path, access)
        }
      }))
      yield* Effect.gen(function* () {
        for (let index = 0; index < 100; index++) {
          yield* save(`/d/${index}`, [small])
        }
        assert.isBelow(direct, 10)
        slow = false
        for (let index = 0; index < 5000; index++) {
          yield* save("/d/more", [small])
        }
        assert.isAbove(direct, 1000)
        assert.strictEqual(disk.files().size, 101)
      }).pipe(
        Effect.provide(store),
        Effect.withClock({ ...clock, unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n })
      )
    })
  )
})
