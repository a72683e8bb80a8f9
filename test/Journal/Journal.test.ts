import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as FileSystemJournal from "../../src/Journal/FileSystem.js"
import * as MemoryJournal from "../../src/Journal/Memory.js"
import { entryOf, Journal } from "../../src/Journal.js"
import * as Contracts from "../../src/testing/Contracts.js"
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

  it.scopedLive("passes over a line that a crash cut short, and goes on behind it", () =>
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

  it.scopedLive("fails with Disk where the file cannot be", () =>
    Effect.gen(function* () {
      const layer = FileSystemJournal.layer("/no/such/journal").pipe(Layer.provide(NodeFileSystem.layer))
      assert.deepInclude(yield* Effect.flip(Layer.build(layer)), { _tag: "Disk", reason: "missing" })
    })
  )
})
