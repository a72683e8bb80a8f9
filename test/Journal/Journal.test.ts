import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as FileSystemJournal from "../../src/Journal/FileSystem.js"
import * as MemoryJournal from "../../src/Journal/Memory.js"
import { Entry, entryOf, Journal } from "../../src/Journal.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { layer, Origin } from "../../src/testing.js"
import { runCases } from "../support/runCases.js"

describe("Journal/Memory", () => {
  runCases(Contracts.journal(Effect.succeed(MemoryJournal.layer), { outlivesTheLayer: false }))
})

describe("Journal/FileSystem", () => {
  const inFile = Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = `${yield* fs.makeTempDirectoryScoped()}/journal.ndjson`
    return { path, layer: FileSystemJournal.layer(path).pipe(Layer.provide(NodeFileSystem.layer)) }
  }).pipe(Effect.orDie, Effect.provide(NodeFileSystem.layer))

  runCases(
    Contracts.journal(
      Effect.map(inFile, ({ layer }) => layer),
      { outlivesTheLayer: true }
    )
  )

  it.scopedLive("refuses a file that is not a journal, and leaves it as it is", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { layer, path } = yield* inFile
      for (const text of ["http://origin.test/a\n", '\n{"url":"http://origin.test/a"}\n', "7\n"]) {
        yield* fs.writeFileString(path, text)
        const error = yield* Effect.flip(Layer.build(Layer.fresh(layer)))
        assert.match(error.message, /journal\.ndjson: it is not a journal, and stays as it is$/)
        assert.strictEqual(yield* fs.readFileString(path), text)
      }
      for (const text of ["", "\n", "\0\0\0", '{"id":"b","dest', '{"id":"b","dest\n']) {
        yield* fs.writeFileString(path, text)
        yield* Layer.build(Layer.fresh(layer))
      }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("skips a line that a crash cut short, and appends after it", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { layer, path } = yield* inFile
      const record = (destination: string) =>
        Effect.gen(function* () {
          const journal = yield* Journal
          const request = Download.request({ url: "http://user:s3cret@origin.test/?key=s3cret", destination })
          yield* journal.record(yield* entryOf(new Download.Cancelled({ request })))
        }).pipe(Effect.provide(Layer.fresh(layer)))
      yield* record("a")
      yield* fs.writeFileString(path, '{"id":"b","dest', { flag: "a" })
      yield* record("c")
      const journal = yield* Layer.build(Layer.fresh(layer))
      for (const [destination, outcome] of [
        ["a", "Cancelled"],
        ["b", undefined],
        ["c", "Cancelled"]
      ] as const) {
        const found = yield* Effect.provide(
          Effect.flatMap(Journal, ({ last }) => last(destination)),
          journal
        )
        assert.strictEqual(found?.outcome, outcome)
      }
      assert.notInclude(yield* fs.readFileString(path), "s3cret")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scoped("does not hold a downloader that closes while the disk hangs, and writes nothing after that", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/journal.ndjson`
      const disk = yield* Deferred.make<void>()
      const begun = yield* Deferred.make<void>()
      const wrote: Array<string> = []
      // Writes suspend until `disk` is done.
      const hanging = FileSystem.make({
        ...fs,
        open: (...parameters) =>
          Effect.map(fs.open(...parameters), (file) =>
            Object.assign(file, {
              writeAll: (bytes: Uint8Array) =>
                Deferred.succeed(begun, undefined).pipe(
                  Effect.zipRight(Deferred.await(disk)),
                  Effect.zipRight(Effect.sync(() => void wrote.push(new TextDecoder().decode(bytes))))
                )
            })
          )
      })
      const logged: Array<string> = []
      const logs = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => {
          logged.push(`${Array.isArray(message) ? message[0] : message}`)
        })
      )
      yield* Effect.gen(function* () {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(
          FileSystemJournal.layer(path).pipe(
            Layer.provide(Layer.succeed(FileSystem.FileSystem, hanging)),
            Layer.provideMerge(layer((asked) => Origin.file(asked, "body")))
          ),
          scope
        )
        const downloads = yield* Effect.fork(
          Effect.forEach(
            ["a", "b"],
            (name) =>
              Context.get(context, Downloader.Downloader)
                .download(Download.request({ url: `http://origin.test/${name}`, destination: `/d/${name}` }))
                .pipe(Effect.provide(context)),
            { concurrency: 2 }
          )
        )
        yield* TestClock.adjust("1 second")
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(downloads)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.join(closing)
      }).pipe(Effect.provide(logs))
      yield* Deferred.succeed(disk, undefined)
      yield* Effect.yieldNow()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        wrote.map((line) => JSON.parse(line).destination),
        ["/d/a"]
      )
      assert.sameMembers(logged, [
        "The journal may have no entry for /d/a",
        "The journal may have no entry for /d/b",
        "A Progress listener or a Journal did not end when it was interrupted. It may go on after its downloader has closed."
      ])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  const entry = (name: string) =>
    new Entry({ id: name, url: "http://origin.test/", destination: name, outcome: "Saved", bytes: 1, atMillis: 1 })

  /** A journal on a file system with another `File`. */
  const journalWith = (change: (from: Pick<FileSystem.File, "read" | "writeAll">) => Partial<FileSystem.File>) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/journal.ndjson`
      const changed = FileSystem.make({
        ...fs,
        open: (...parameters) =>
          Effect.map(fs.open(...parameters), (file) => {
            const from = { read: file.read.bind(file), writeAll: file.writeAll.bind(file) }
            return Object.assign(file, change(from))
          })
      })
      const context = yield* Layer.build(
        Layer.provide(FileSystemJournal.layer(path), Layer.succeed(FileSystem.FileSystem, changed))
      )
      return { path, journal: Context.get(context, Journal) }
    })

  it.scopedLive("finds all entries after a look was interrupted", () =>
    Effect.gen(function* () {
      let isHanging = false
      const begun = yield* Deferred.make<void>()
      const { journal } = yield* journalWith((from) => ({
        read: (into) =>
          isHanging ? Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never) : from.read(into)
      }))
      yield* journal.record(entry("a"))
      isHanging = true
      const looking = yield* Effect.fork(journal.last("a"))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(looking)
      isHanging = false
      assert.strictEqual((yield* journal.last("a"))?.destination, "a")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("starts a new line after an entry of which a full disk took only a part", () =>
    Effect.gen(function* () {
      let isFull = false
      const { journal } = yield* journalWith((from) => ({
        writeAll: (bytes) =>
          isFull
            ? Effect.zipRight(from.writeAll(bytes.subarray(0, 20)), Effect.dieMessage("full"))
            : from.writeAll(bytes)
      }))
      yield* journal.record(entry("a"))
      isFull = true
      assert.isTrue(Exit.isFailure(yield* Effect.exit(journal.record(entry("b")))))
      isFull = false
      yield* journal.record(entry("c"))
      const found = yield* Effect.forEach(["a", "b", "c"], journal.last)
      assert.deepStrictEqual(
        found.map((one) => one?.destination),
        ["a", undefined, "c"]
      )
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("fails with Disk if the file cannot be opened", () =>
    Effect.gen(function* () {
      const layer = FileSystemJournal.layer("/no/such/journal").pipe(Layer.provide(NodeFileSystem.layer))
      assert.deepInclude(yield* Effect.flip(Layer.build(layer)), { _tag: "Disk", reason: "missing" })
    })
  )
})
