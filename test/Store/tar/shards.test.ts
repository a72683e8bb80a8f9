import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Disk } from "../../../src/DownloadError.js"
import type { Part, Store } from "../../../src/Store.js"
import { entriesOf, samplesOf } from "../../support/storage/tarFiles.js"
import { inRun, memory, save } from "../../support/storage/tarStore.js"

const destination = "out/{shard}.tar"

const keysOf = (tar: Uint8Array) =>
  Effect.map(
    Effect.promise(() => entriesOf(tar)),
    (entries) => samplesOf(entries).map(({ __key__: key }) => key)
  )

const text = (store: typeof Store.Service, path: string) => Stream.mkString(Stream.decodeText(store.read(path)))

/** A store whose parts are other ones than those of the store below. */
const withParts = (
  store: typeof Store.Service,
  map: (part: Part, destination: string) => Part
): typeof Store.Service => ({
  ...store,
  open: (path, options) =>
    Effect.map(store.open(path, options), ({ part, record }) => ({ part: map(part, path), record }))
})

describe("numbered tars", () => {
  it.scoped("go on with the next number when one is full, also in a later run", () =>
    Effect.gen(function* () {
      const { file, names, parts, store } = yield* memory
      const options = { destination, maxSamples: 2 }
      yield* inRun(store, options, (tar) =>
        Effect.forEach(["a", "b", "c", "d", "e"], (name) => save(tar.store, `${name}.txt`, `the ${name}`))
      )
      const complete = ["out/00000.tar", "out/00000.tar.index", "out/00001.tar", "out/00001.tar.index"]
      assert.deepStrictEqual(yield* names, complete)
      assert.strictEqual(yield* parts, 1)
      yield* inRun(store, options, (tar) =>
        Effect.gen(function* () {
          for (const name of ["a", "d", "e"]) {
            assert.strictEqual((yield* tar.store.stat(`${name}.txt`))?.sizeBytes, 5)
            assert.strictEqual(yield* text(tar.store, `${name}.txt`), `the ${name}`)
          }
          yield* save(tar.store, "f.txt", "the f")
          yield* save(tar.store, "g.txt", "the g")
          assert.deepStrictEqual(
            yield* tar.finish,
            [0, 1, 2, 3].map((number) => `out/0000${number}.tar`)
          )
          assert.deepStrictEqual(
            yield* tar.finish,
            [0, 1, 2, 3].map((number) => `out/0000${number}.tar`)
          )
        })
      )
      assert.strictEqual(yield* parts, 0)
      for (const [number, keys] of [["a", "b"], ["c", "d"], ["e", "f"], ["g"]].entries()) {
        assert.deepStrictEqual(yield* keysOf(yield* file(`out/0000${number}.tar`)), keys)
      }
    })
  )

  it.scoped("are no larger than they may be, unless they have one file", () =>
    Effect.gen(function* () {
      const { file, names, store } = yield* memory
      const sizes = [3000, 3000, 3000, 20_000, 10, 10]
      // Four headers, two contents of six blocks, two of metadata, and the end: 8 KiB and 2 KiB and 1 KiB.
      const maxBytes = 11 * 1024
      yield* inRun(store, { destination, maxBytes }, (tar) =>
        Effect.zipRight(
          Effect.forEach(sizes, (size, index) => save(tar.store, `${index}.txt`, "x".repeat(size))),
          tar.finish
        )
      )
      const tars = (yield* names).filter((name) => name.endsWith(".tar"))
      const found = yield* Effect.forEach(tars, (name) => Effect.flatMap(file(name), keysOf))
      assert.deepStrictEqual(found, [["0", "1"], ["2"], ["3"], ["4", "5"]])
      for (const [index, name] of tars.entries()) {
        const { length } = yield* file(name)
        assert.strictEqual(length <= maxBytes, index !== 2)
      }
    })
  )

  it.scoped("do not have one name twice, also if the first one is in a complete tar", () =>
    Effect.gen(function* () {
      const { store } = yield* memory
      yield* inRun(store, { destination, maxSamples: 1 }, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "1")
          yield* save(tar.store, "b.txt", "2")
          assert.strictEqual(yield* save(tar.store, "a.txt", "3", "unique"), "a-2.txt")
          assert.isUndefined(yield* save(tar.store, "a.txt", "3", "skip"))
          const error = yield* Effect.flip(save(tar.store, "a.txt", "3", "overwrite"))
          assert.strictEqual(error.reason, "exists")
          assert.include(error.message, 'it is in the tar "out/00000.tar", which is complete')
        })
      )
    })
  )

  it.scoped("get the next number after one that another program has made in the meantime", () =>
    Effect.gen(function* () {
      const { names, store } = yield* memory
      yield* inRun(store, { destination, maxSamples: 1 }, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "1")
          // A whole tar with its index.
          yield* inRun(store, { destination: "out/00001.tar", key: "other" }, (other) =>
            Effect.zipRight(save(other.store, "z.txt", "26"), other.finish)
          )
          yield* save(tar.store, "b.txt", "2")
          yield* tar.finish
          assert.strictEqual(yield* text(tar.store, "z.txt"), "26")
        })
      )
      assert.deepStrictEqual(
        (yield* names).filter((name) => name.endsWith(".tar")),
        [0, 1, 2].map((number) => `out/0000${number}.tar`)
      )
    })
  )
})

describe("one tar", () => {
  const one = { destination: "out/one.tar" }

  it.scoped("is not there before it is complete, and takes no file after that", () =>
    Effect.gen(function* () {
      const { names, parts, store } = yield* memory
      yield* inRun(store, one, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "1")
          const { part } = yield* tar.store.open("b.txt", { resume: undefined })
          assert.deepStrictEqual(yield* names, [])
          yield* tar.finish
          const error = yield* Effect.flip(part.publish({ onExists: "fail", durability: "full" }))
          assert.include(error.message, 'the tar "out/one.tar" is complete')
          yield* part.close("discard")
        })
      )
      assert.deepStrictEqual(yield* names, ["out/one.tar", "out/one.tar.index"])
      assert.strictEqual(yield* parts, 0)
      yield* inRun(store, one, (tar) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* tar.store.stat("a.txt"))?.sizeBytes, 1)
          assert.isUndefined(yield* tar.store.stat("b.txt"))
          const error = yield* Effect.flip(tar.store.open("b.txt", { resume: undefined }))
          assert.include(error.message, 'the tar "out/one.tar" is complete')
          assert.deepStrictEqual(yield* tar.finish, ["out/one.tar"])
        })
      )
    })
  )

  it.scoped("is not written without a file", () =>
    Effect.gen(function* () {
      const { names, parts, store } = yield* memory
      yield* inRun(store, one, (tar) => Effect.map(tar.finish, (tars) => assert.deepStrictEqual(tars, [])))
      yield* inRun(store, one, () => Effect.void)
      assert.deepStrictEqual(yield* names, [])
      assert.strictEqual(yield* parts, 0)
    })
  )

  it.scoped("is made of the part of an earlier run with the same key", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      yield* inRun(store, one, (tar) => save(tar.store, "a.txt", "1"))
      yield* inRun(store, { ...one, key: "other" }, (tar) =>
        Effect.map(tar.store.stat("a.txt"), (found) => assert.isUndefined(found))
      )
      yield* Effect.exit(inRun(store, one, (tar) => Effect.zipRight(save(tar.store, "b.txt", "2"), Effect.fail("no"))))
      const saved = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        inRun(store, one, (tar) =>
          Effect.zipRight(
            Effect.intoDeferred(Effect.asVoid(Effect.orDie(save(tar.store, "c.txt", "3"))), saved),
            Effect.never
          )
        )
      )
      yield* Deferred.await(saved)
      yield* Fiber.interrupt(fiber)
      yield* inRun(store, one, (tar) => Effect.zipRight(save(tar.store, "d.txt", "4"), tar.finish))
      assert.deepStrictEqual(yield* keysOf(yield* file("out/one.tar")), ["a", "b", "c", "d"])
    })
  )

  it.scoped("is not copied if nothing was replaced, and has no earlier version of a file otherwise", () =>
    Effect.gen(function* () {
      const { file, parts, store } = yield* memory
      const opened: Array<string> = []
      const counting = withParts(store, (part, path) => {
        opened.push(path)
        return part
      })
      yield* inRun(counting, one, (tar) => Effect.zipRight(save(tar.store, "a.txt", "1"), tar.finish))
      assert.deepStrictEqual(opened, ["out/one.tar", "out/one.tar.index"])
      yield* inRun(store, { destination: "out/two.tar" }, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "first")
          yield* save(tar.store, "b.txt", "other")
          yield* save(tar.store, "a.txt", "second", "overwrite")
          yield* tar.finish
          assert.strictEqual(yield* text(tar.store, "a.txt"), "second")
          assert.strictEqual(yield* text(tar.store, "b.txt"), "other")
        })
      )
      const entries = yield* Effect.promise(async () => entriesOf(await Effect.runPromise(file("out/two.tar"))))
      assert.deepStrictEqual(
        entries.filter(({ name }) => name.endsWith(".txt")),
        [
          { name: "b.txt", text: "other" },
          { name: "a.txt", text: "second" }
        ]
      )
      assert.strictEqual(yield* parts, 0)
    })
  )

  it.scoped("is refused if its index is missing, or of another tar", () =>
    Effect.gen(function* () {
      const { store } = yield* memory
      for (const index of [undefined, "{}", '{"version":1,"endBytes":0,"samples":[]}']) {
        yield* save(store, "out/one.tar", "a tar of another program", "overwrite")
        yield* index === undefined ? Effect.void : save(store, "out/one.tar.index", index, "overwrite")
        const error = yield* Effect.flip(inRun(store, one, () => Effect.void))
        assert.deepInclude(error, { _tag: "Disk", reason: "exists", path: "out/one.tar" })
        assert.include(error.message, '"out/one.tar.index" is not its index')
      }
    })
  )

  it.scoped("is not replaced if another program has made it", () =>
    Effect.gen(function* () {
      const { file, parts, store } = yield* memory
      yield* inRun(store, one, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "1")
          yield* save(store, "out/one.tar", "other")
          const error = yield* Effect.flip(tar.finish)
          assert.deepInclude(error, { reason: "exists", path: "out/one.tar" })
          assert.strictEqual((yield* file("out/one.tar")).length, 5)
        })
      )
      // The samples are kept.
      assert.strictEqual(yield* parts, 1)
    })
  )

  it.scoped("fails a publish whose checkpoint fails, and does not have its file", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      let isFull = false
      const full = withParts(store, (part) => ({
        ...part,
        checkpoint: (record, durability) =>
          isFull
            ? Exit.fail(new Disk({ path: "out/one.tar", reason: "unavailable", detail: "" }))
            : part.checkpoint(record, durability)
      }))
      yield* inRun(full, one, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "first")
          isFull = true
          assert.strictEqual((yield* Effect.flip(save(tar.store, "b.txt", "2"))).reason, "unavailable")
          assert.strictEqual((yield* Effect.flip(save(tar.store, "a.txt", "2", "overwrite"))).reason, "unavailable")
          assert.isUndefined(yield* tar.store.stat("b.txt"))
          assert.strictEqual(yield* text(tar.store, "a.txt"), "first")
          isFull = false
          // The publish of a file may be repeated.
          yield* save(tar.store, "b.txt", "again")
          yield* tar.finish
        })
      )
      const entries = yield* Effect.promise(async () => entriesOf(await Effect.runPromise(file("out/one.tar"))))
      assert.deepStrictEqual(
        entries.filter(({ name }) => name.endsWith(".txt")),
        [
          { name: "a.txt", text: "first" },
          { name: "b.txt", text: "again" }
        ]
      )
    })
  )

  it.scoped("has nothing of a file that did not fit, and the files after it", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      let leftBytes = Number.POSITIVE_INFINITY
      const small = withParts(store, (part, path) => ({
        ...part,
        write: (chunk, positionBytes) => {
          leftBytes -= path === "out/one.tar" ? chunk.length : 0
          return leftBytes < 0
            ? Exit.fail(new Disk({ path, reason: "full", detail: "" }))
            : part.write(chunk, positionBytes)
        }
      }))
      yield* inRun(small, { ...one, memoryBytes: 16_000 }, (tar) =>
        Effect.gen(function* () {
          yield* save(tar.store, "a.txt", "1")
          // Some blocks of a large file are written, and not all.
          leftBytes = 300_000
          assert.strictEqual((yield* Effect.flip(save(tar.store, "b.txt", "2".repeat(1_000_000)))).reason, "full")
          leftBytes = Number.POSITIVE_INFINITY
          yield* save(tar.store, "c.txt", "3")
          yield* tar.finish
        })
      )
      const tar = yield* file("out/one.tar")
      assert.deepStrictEqual(yield* keysOf(tar), ["a", "c"])
      // Nothing of the file is after the end.
      assert.strictEqual(tar.length, 2 * 4 * 512 + 1024)
    })
  )

  it.scoped("holds no more in memory than it may", () =>
    Effect.gen(function* () {
      const { parts, store } = yield* memory
      yield* inRun(store, { ...one, memoryBytes: 160_000 }, (tar) =>
        Effect.gen(function* () {
          const openWith = (sizeBytes: number) =>
            Effect.tap(
              Effect.map(tar.store.open("a.txt", { resume: undefined }), ({ part }) => part),
              (part) => part.write(new Uint8Array(sizeBytes), 0)
            )
          const before = yield* parts
          const small = yield* Effect.forEach(Array.from({ length: 16 }), () => openWith(10_000))
          assert.strictEqual((yield* parts) - before, 0)
          // The memory of all files is used up, and a file has more than its share.
          const others = [yield* openWith(10_000)]
          assert.strictEqual((yield* parts) - before, 1)
          yield* Effect.forEach(small, (part) => part.close("discard"))
          others.push(yield* openWith(10_001))
          assert.strictEqual((yield* parts) - before, 2)
          others.push(yield* openWith(10_000))
          assert.strictEqual((yield* parts) - before, 2)
          yield* Effect.forEach(others, (part) => part.close("discard"))
          assert.strictEqual((yield* parts) - before, 0)
        })
      )
    })
  )
})
