import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { layer as nodeStore } from "../../src/Node/Store.js"
import { openScoped, type PublishOptions, Store } from "../../src/Store.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { runCases } from "../support/runCases.js"
import { large, names, save, small } from "../support/storage/savedFiles.js"
import { appendTo } from "../support/storage/storeParts.js"

const temporary = Effect.orDie(Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())).pipe(
  Effect.provide(NodeFileSystem.layer)
)

describe("Node/Store", () => {
  runCases(
    Contracts.store(
      Effect.map(temporary, (directory) => ({
        layer: nodeStore,
        destination: `${directory}/file`,
        keeps: true,
        read: Effect.try(() => readFileSync(`${directory}/file`, "utf8")).pipe(Effect.orElseSucceed(() => undefined)),
        parts: Effect.sync(() => names(directory).filter((name) => name.endsWith(".part")).length),
        makeDirectory: Effect.sync(() => mkdirSync(`${directory}/file`)),
        makeLink: (to: string) =>
          Effect.sync(() => {
            rmSync(`${directory}/file`, { force: true })
            symlinkSync(to, `${directory}/file`)
          }),
        modes: {
          all: Effect.sync(() => names(directory).map((name) => statSync(`${directory}/${name}`).mode & 0o7777)),
          set: (mode: number) => Effect.sync(() => chmodSync(`${directory}/file`, mode))
        }
      }))
    )
  )

  for (const durability of ["full", "rename"] as const) {
    it.scopedLive(`writes small bodies and large ones, with ${durability}`, () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        for (const chunks of [
          [],
          [small],
          [small, large, small],
          [large, large, large, large],
          Array(64).fill(small)
        ]) {
          yield* save(`${directory}/file`, chunks, "overwrite", durability)
          assert.isTrue(readFileSync(`${directory}/file`).equals(Buffer.concat(chunks)))
        }
        assert.deepStrictEqual(names(directory), ["file"])
      }).pipe(Effect.provide(nodeStore))
    )
  }

  it.scopedLive("gives the file the modification time", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      for (const chunks of [[small], [large, large, large, large]]) {
        for (const durability of ["full", "rename"] as const) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const part = yield* Effect.flatMap(Store, (store) => openScoped(store, `${directory}/file`))
              yield* Effect.forEach(chunks, appendTo(part))
              yield* part.publish({ onExists: "overwrite", durability, modifiedMillis: 1_234_567_890_000 })
            })
          )
          assert.strictEqual(statSync(`${directory}/file`).mtimeMs, 1_234_567_890_000)
        }
      }
    }).pipe(Effect.provide(nodeStore))
  )

  it.scopedLive("keeps the bytes of a Buffer whose memory is used again", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const chunk = Buffer.from("before")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const part = yield* Effect.flatMap(Store, (store) => openScoped(store, `${directory}/file`))
          yield* part.write(chunk, 0)
          chunk.fill(0)
          yield* part.publish({ onExists: "overwrite", durability: "rename" })
        })
      )
      assert.strictEqual(readFileSync(`${directory}/file`, "utf8"), "before")
    }).pipe(Effect.provide(nodeStore))
  )

  it.scopedLive("replaces a link, and does not write through it", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      writeFileSync(`${directory}/elsewhere`, "precious")
      symlinkSync(`${directory}/elsewhere`, `${directory}/file`)
      yield* save(`${directory}/file`, [small])
      assert.strictEqual(readFileSync(`${directory}/elsewhere`, "utf8"), "precious")
      assert.isTrue(readFileSync(`${directory}/file`).equals(small))
    }).pipe(Effect.provide(nodeStore))
  )

  it.scopedLive("does not replace a pipe, and makes a separate file beside it", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      execFileSync("mkfifo", [`${directory}/pipe`])
      for (const chunks of [[small], [large, large, large, large]]) {
        const error = yield* Effect.flip(save(`${directory}/pipe`, chunks))
        assert.include(error.message, "it is a device, a pipe or a socket")
        assert.deepStrictEqual(names(directory), ["pipe"])
      }
      assert.strictEqual(
        yield* save(`${directory}/pipe`, [large, large, large, large], "unique"),
        `${directory}/pipe-2`
      )
      assert.isTrue(statSync(`${directory}/pipe`).isFIFO())
    }).pipe(Effect.provide(nodeStore))
  )

  it.scopedLive("fails with the reason, and leaves other files as they are", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      mkdirSync(`${directory}/taken`)
      writeFileSync(`${directory}/taken/precious`, "")
      const reasonOf = (destination: string, onExists?: PublishOptions["onExists"]) =>
        Effect.map(Effect.flip(save(destination, [small], onExists)), ({ reason }) => reason)
      assert.strictEqual(yield* reasonOf(`${directory}/nowhere/file`), "missing")
      assert.strictEqual(yield* reasonOf(`${directory}/taken`), "other")
      assert.strictEqual(yield* reasonOf(`${directory}/taken`, "fail"), "exists")
      assert.deepStrictEqual([names(directory), names(`${directory}/taken`)], [["taken"], ["precious"]])
    }).pipe(Effect.provide(nodeStore))
  )
})
