/**
 * `checkpointBytes`: a tar over a store whose checkpoints take long.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Disk } from "../../../src/DownloadError.js"
import type { Store } from "../../../src/Store.js"
import { entriesOf, samplesOf } from "../../support/storage/tarFiles.js"
import { inRun, memory, save, type Tar } from "../../support/storage/tarStore.js"

// Each sample has two headers and two contents, of 512 bytes each.
const sampleBytes = 2048

const options = { destination: "out/one.tar", checkpointBytes: 3 * sampleBytes }

/** The same store, and how often a checkpoint was made. */
const counted = (store: typeof Store.Service, fails: () => boolean = () => false) => {
  const count = { checkpoints: 0 }
  const counting: typeof Store.Service = {
    ...store,
    open: (path, open) =>
      Effect.map(store.open(path, open), ({ part, record }) => ({
        record,
        part: {
          reserve: (sizeBytes) => part.reserve(sizeBytes),
          write: (chunk, positionBytes) => part.write(chunk, positionBytes),
          read: (chunk, positionBytes) => part.read(chunk, positionBytes),
          publish: (how) => part.publish(how),
          close: (end) => part.close(end),
          checkpoint: (text, durability) => {
            count.checkpoints++
            return fails()
              ? new Disk({ path, reason: "unavailable", detail: "not now" })
              : part.checkpoint(text, durability)
          }
        }
      }))
  }
  return { store: counting, count }
}

const saveAll = (tar: Tar, from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from }, (_, index) => from + index),
    (number) => save(tar.store, `${number}.txt`, `${number}`)
  )

const keysOf = (tar: Uint8Array) =>
  Effect.map(
    Effect.promise(() => entriesOf(tar)),
    (entries) => samplesOf(entries).map(({ __key__: key }) => key)
  )

describe("a tar with few checkpoints", () => {
  it.scoped("makes one after these bytes and one when it is left, and a later run has all files", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      const { count, store: counting } = counted(store)
      yield* inRun(counting, options, (tar) => saveAll(tar, 0, 7))
      assert.strictEqual(count.checkpoints, 3)
      yield* inRun(counting, options, (tar) =>
        Effect.gen(function* () {
          for (let number = 0; number < 7; number++) {
            assert.deepInclude(yield* tar.store.stat(`${number}.txt`), { sizeBytes: 1 })
          }
          yield* saveAll(tar, 7, 9)
          yield* tar.finish
        })
      )
      assert.deepStrictEqual(yield* keysOf(yield* file("out/one.tar")), ["0", "1", "2", "3", "4", "5", "6", "7", "8"])
      assert.strictEqual(count.checkpoints, 3)
    })
  )

  it.scoped("has the files of the last checkpoint after a run that could not make another, and then all files", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      let isDown = false
      const { store: failing } = counted(store, () => isDown)
      yield* inRun(failing, options, (tar) =>
        Effect.gen(function* () {
          yield* saveAll(tar, 0, 5)
          isDown = true
          // The sixth waits for a checkpoint. It is not in the tar, and the two before it still are.
          assert.deepInclude(yield* Effect.flip(save(tar.store, "5.txt", "5")), { reason: "unavailable" })
          assert.isUndefined(yield* tar.store.stat("5.txt"))
          assert.isDefined(yield* tar.store.stat("4.txt"))
        })
      )
      isDown = false
      yield* inRun(failing, options, (tar) =>
        Effect.gen(function* () {
          const found = yield* Effect.forEach([0, 1, 2, 3, 4, 5], (number) => tar.store.stat(`${number}.txt`))
          assert.deepStrictEqual(
            found.map((info) => info !== undefined),
            [true, true, true, false, false, false]
          )
          yield* saveAll(tar, 3, 6)
          yield* tar.finish
        })
      )
      assert.deepStrictEqual(yield* keysOf(yield* file("out/one.tar")), ["0", "1", "2", "3", "4", "5"])
    })
  )
})
