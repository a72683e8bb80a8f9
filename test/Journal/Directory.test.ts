import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as DirectoryJournal from "../../src/Journal/Directory.js"
import { Entry, Journal, SavedNames } from "../../src/Journal.js"
import * as NodeJournal from "../../src/Node/Journal.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { runCases } from "../support/runCases.js"
import { directory, last, lines, record, saved, urlKey, withJournal } from "../support/storage/stateFiles.js"

describe("Journal/Directory", () => {
  // The cases name their destinations without a directory.
  runCases(
    Contracts.journal(
      Effect.map(directory, (path) =>
        Layer.map(NodeJournal.layerWith({ onProblem: () => {} }), (context) => context).pipe(
          Layer.flatMap((context) =>
            Layer.effect(
              Journal,
              Effect.map(Effect.provide(Journal, context), (journal) => ({
                record: (entry: Entry) =>
                  journal.record(
                    new Entry({ ...entry, destination: `${path}/${encodeURIComponent(entry.destination)}` })
                  ),
                last: (destination: string) =>
                  Effect.map(journal.last(`${path}/${encodeURIComponent(destination)}`), (entry) =>
                    entry === undefined ? undefined : new Entry({ ...entry, destination })
                  )
              }))
            )
          )
        )
      ),
      { outlivesTheLayer: true, remembers: "files" }
    )
  )

  it.live("closes, and writes its entries, if an effect that cannot be interrupted builds its layer", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const scope = yield* Scope.make()
      const context = yield* Effect.uninterruptible(
        Layer.buildWithScope(NodeJournal.layerWith({ onProblem: () => {} }), scope)
      )
      yield* Effect.provide(record(saved(`${path}/a`)), context)
      // The limit ends a check that would never end.
      const closed = Effect.timeoutOption(Effect.disconnect(Scope.close(scope, Exit.void)), "1 minute")
      assert.isTrue(Option.isSome(yield* closed))
      assert.strictEqual(lines(path).length, 1)
    }).pipe(Effect.scoped)
  )

  it.scopedLive("keeps one file in each directory that only its owner can read, with names and not paths", () =>
    Effect.gen(function* () {
      const path = yield* directory
      Fs.mkdirSync(`${path}/sub`)
      const name = 'b "\\ \u{1f600}'
      yield* withJournal(record(saved(`${path}/a`), saved(`${path}/${name}`), saved(`${path}/sub/c`)))
      assert.deepStrictEqual(
        lines(path).map((line) => JSON.parse(line).file),
        ["a", name]
      )
      assert.strictEqual(lines(`${path}/sub`).length, 1)
      assert.notInclude(Fs.readFileSync(`${path}/.halyard.ndjson`, "utf8"), path)
      assert.strictEqual(Fs.statSync(`${path}/.halyard.ndjson`).mode & 0o777, 0o600)
      // The directory moves with its files.
      Fs.renameSync(path, `${path}-moved`)
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(`${path}-moved`, { recursive: true })))
      const { value } = yield* withJournal(last(`${path}-moved/${name}`))
      assert.deepInclude(value, { destination: `${path}-moved/${name}`, bytes: 1, urlKey })
    })
  )

  it.scopedLive("reads up to a line that a crash has cut, and appends after it", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* withJournal(record(saved(`${path}/a`, { bytes: 7 })))
      const whole = Fs.readFileSync(`${path}/.halyard.ndjson`)
      for (let cut = 0; cut < whole.length; cut++) {
        Fs.writeFileSync(`${path}/.halyard.ndjson`, Buffer.concat([whole, whole.subarray(0, cut)]))
        const { problems, value } = yield* withJournal(
          Effect.zipRight(record(saved(`${path}/b`)), Effect.zip(last(`${path}/a`), last(`${path}/b`)))
        )
        assert.deepStrictEqual([value[0]?.bytes, value[1]?.bytes, problems], [7, 1, []], `cut at ${cut}`)
        const { value: later } = yield* withJournal(last(`${path}/b`))
        assert.strictEqual(later?.bytes, 1, `cut at ${cut}`)
      }
    })
  )

  it.scoped("writes a line with its outcome, or with those of the next 10 ms if lines were written a moment ago", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const written = () => lines(path).map((line) => JSON.parse(line).file)
      yield* withJournal(
        Effect.gen(function* () {
          yield* record(saved(`${path}/a`), saved(`${path}/b`))
          assert.deepStrictEqual(written(), ["a"])
          yield* TestClock.adjust("2 millis")
          yield* record(saved(`${path}/c`), saved(`${path}/d`))
          assert.deepStrictEqual(written(), ["a", "b", "c"])
          yield* TestClock.adjust("10 millis")
          assert.deepStrictEqual(written(), ["a", "b", "c", "d"])
          const known = yield* Effect.forEach(["a", "b", "c", "d", "e"], (name) => last(`${path}/${name}`))
          assert.deepStrictEqual(
            known.map((entry) => entry?.destination),
            ["a", "b", "c", "d"].map((name): string | undefined => `${path}/${name}`).concat(undefined)
          )
        })
      )
      assert.strictEqual(lines(path).length, 4)
    })
  )

  it.scoped("finds lines of this and another process that were written after it has read the file", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const names = Array.from({ length: 20 }, (_, index) => `${path}/${index}`)
      const { value } = yield* withJournal(
        Effect.gen(function* () {
          yield* last(`${path}/none`)
          for (const [index, name] of names.entries()) {
            yield* TestClock.adjust("2 millis")
            yield* index % 5 === 4 ? withJournal(record(saved(name))) : record(saved(name))
          }
          return yield* Effect.forEach(names, last)
        })
      )
      assert.deepStrictEqual(
        value.map((entry) => entry?.destination),
        names
      )
    })
  )

  it.scoped("does not make an outcome wait for a slow disk", () =>
    Effect.gen(function* () {
      const appended: Array<string> = []
      const { journal } = yield* DirectoryJournal.make(
        {
          nameIndex: (path) => path.lastIndexOf("/") + 1,
          read: () => Effect.succeed(undefined),
          append: (path, bytes) =>
            Effect.sync(() => {
              appended.push(new TextDecoder().decode(bytes))
              return { identity: path, sizeBytes: bytes.length, modifiedMillis: 0 }
            }),
          create: () => Effect.void,
          rename: () => Effect.void,
          remove: () => Effect.void
        },
        { onProblem: () => {} }
      )
      yield* journal.record(saved("slow/a"))
      yield* journal.record(saved("slow/b"))
      assert.deepStrictEqual(appended, [])
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(
        appended.map((text) => text.split("\n").filter((line) => line !== "").length),
        [2]
      )
    })
  )

  it.scopedLive("knows that a directory has files after another process has compacted its state file", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const state = `${path}/.halyard.ndjson`
      yield* withJournal(record(saved(`${path}/a`), saved(`${path}/b`), saved(`${path}/a`, { bytes: 2 })))
      const { value } = yield* withJournal(
        Effect.gen(function* () {
          const { load } = yield* SavedNames
          assert.isTrue(yield* load(`${path}/`))
          const compacted = lines(path).slice(1)
          Fs.writeFileSync(`${state}.new`, `${compacted.join("\n")}\n`)
          Fs.renameSync(`${state}.new`, state)
          yield* record(saved(`${path}/a`, { bytes: 3 }))
          yield* last(`${path}/b`)
          return yield* load(`${path}/`)
        })
      )
      assert.isTrue(value)
    })
  )

  it.scopedLive("keeps the entries of two processes that write at the same time", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const names = Array.from({ length: 500 }, (_, index) => `${path}/${index}`)
      const { value } = yield* withJournal(
        Effect.flatMap(last(names[0] ?? ""), () =>
          withJournal(
            Effect.forEach(names, (name, index) => (index % 2 === 0 ? Effect.void : record(saved(name))), {
              discard: true
            })
          )
        ).pipe(
          Effect.zipRight(
            Effect.forEach(names, (name, index) => (index % 2 === 0 ? record(saved(name)) : Effect.void), {
              discard: true
            })
          )
        )
      )
      assert.isUndefined(value)
      const { value: found } = yield* withJournal(Effect.forEach(names, last))
      assert.strictEqual(found.filter((entry) => entry !== undefined).length, 500)
    })
  )

  it.scopedLive("finds each of many entries, in any order, and compacts what was replaced", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const names = Array.from({ length: 5000 }, (_, index) => `${path}/file-${index}`)
      for (const bytes of [1, 2, 3, 4]) {
        yield* withJournal(
          Effect.zipRight(last(`${path}/none`), record(...names.map((name) => saved(name, { bytes }))))
        )
      }
      assert.isBelow(lines(path).length, 12_000)
      assert.deepStrictEqual(
        Fs.readdirSync(path).filter((name) => name !== ".halyard.ndjson"),
        []
      )
      const shuffled = names.map((name, index) => names[(index * 2_741) % names.length] ?? name)
      const { problems, value } = yield* withJournal(Effect.forEach(shuffled, last))
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(
        value.map((entry) => [entry?.destination, entry?.bytes]),
        shuffled.map((name) => [name, 4])
      )
    })
  )

  it.scopedLive("knows which file came from a URL, until that name belongs to another URL", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const other = urlKey.replaceAll("0", "f")
      yield* withJournal(record(saved(`${path}/a`), saved(`${path}/a-2`, { urlKey: other })))
      const ofUrl = (key: string) => Effect.flatMap(SavedNames, (names) => names.ofUrl(`${path}/`, key))
      const { value } = yield* withJournal(Effect.all([ofUrl(urlKey), ofUrl(other), ofUrl("f".repeat(64))]))
      assert.deepStrictEqual(value, [`${path}/a`, `${path}/a-2`, undefined])
      yield* withJournal(record(saved(`${path}/a`, { urlKey: other })))
      const { value: later } = yield* withJournal(Effect.all([ofUrl(urlKey), ofUrl(other)]))
      assert.deepStrictEqual(later, [undefined, `${path}/a`])
    })
  )
})
