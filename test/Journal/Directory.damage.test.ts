/**
 * State files that are damaged, cannot be written, or are none.
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as DirectoryJournal from "../../src/Journal/Directory.js"
import * as Line from "../../src/Journal/directory/line.js"
import type { StateFiles } from "../../src/Journal/directory/stateFiles.js"
import type { Journal } from "../../src/Journal.js"
import * as NodeJournal from "../../src/Node/Journal.js"
import { directory, last, lines, record, saved, withJournal } from "../support/storage/stateFiles.js"

describe("Journal/Directory", () => {
  it.scopedLive(
    "tells once of a file that cannot be written or read, or is no state file, and goes on without it",
    () =>
      Effect.gen(function* () {
        const outside = yield* directory
        Fs.writeFileSync(`${outside}/secret`, "the file of another program\n")
        for (const [make, problem] of [
          [(file: string) => Fs.symlinkSync(`${outside}/secret`, file), "cannot be written"],
          [(file: string) => Fs.linkSync(`${outside}/secret`, file), "cannot be written"],
          [(file: string) => Fs.mkdirSync(file), "cannot be written"],
          [(file: string) => execFileSync("mkfifo", [file]), "cannot be written"]
        ] as const) {
          const path = yield* directory
          make(`${path}/.halyard.ndjson`)
          const { problems } = yield* withJournal(
            Effect.gen(function* () {
              yield* record(saved(`${path}/a`), saved(`${path}/b`))
            })
          )
          const { problems: later, value } = yield* withJournal(Effect.zip(last(`${path}/a`), last(`${path}/b`)))
          const all = [...problems, ...later]
          assert.isAtLeast(all.length, 1)
          assert.include(all[0], problem)
          assert.strictEqual(later.length, 1)
          assert.isUndefined(value[0])
        }
        assert.strictEqual(Fs.readFileSync(`${outside}/secret`, "utf8"), "the file of another program\n")
      })
  )

  it.scopedLive("tells once of damaged lines, and moves them to a file beside the state file", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* withJournal(record(saved(`${path}/a`)))
      const state = `${path}/.halyard.ndjson`
      // The long line is longer than a block, and the last one is cut.
      const long = "x".repeat(3_000_000)
      Fs.appendFileSync(state, `no\nstate\n${long}\n`)
      yield* withJournal(record(saved(`${path}/b`)))
      Fs.appendFileSync(state, `one more\n{"file":"c","urlKey`)
      const all = Effect.forEach(["a", "b"], (name) => last(`${path}/${name}`))
      const { problems, value } = yield* withJournal(all)
      assert.deepStrictEqual(
        [...problems, ...(yield* withJournal(all)).problems],
        [`${state}: it is damaged: 1 line cannot be read; at the end of the run, it goes to .halyard.ndjson.damaged`]
      )
      assert.deepStrictEqual(
        value.map((entry) => entry?.bytes),
        [1, 1]
      )
      assert.strictEqual(lines(path).length, 2)
      const dropped = Fs.readFileSync(`${state}.damaged`, "utf8")
      assert.strictEqual(
        dropped
          .split("\n")
          .filter((line) => !line.startsWith("x"))
          .join(),
        "no,state,one more,"
      )
      assert.strictEqual(dropped.replaceAll(/[^x]/g, "").length, long.length)
    })
  )

  /** State files in memory, of which one operation fails. */
  const failingFiles = (content: string, failing: "append" | "create" | "rename"): StateFiles => {
    const files = new Map([["d/.halyard.ndjson", { bytes: new TextEncoder().encode(content), identity: "0" }]])
    const seen = (path: string) => ({
      identity: files.get(path)?.identity ?? "",
      sizeBytes: files.get(path)?.bytes.length ?? 0,
      modifiedMillis: 0
    })
    const unless = <A>(operation: string, path: string, act: () => A) =>
      operation === failing && !path.endsWith(".damaged")
        ? Effect.fail(Object.assign(new Error("full"), { code: "ENOSPC" }))
        : Effect.sync(act)
    return {
      nameIndex: (path) => path.lastIndexOf("/") + 1,
      read: (path, positionBytes, into) =>
        Effect.sync(() => {
          const found = files.get(path)
          if (found === undefined) {
            return undefined
          }
          const bytes = found.bytes.subarray(positionBytes, positionBytes + into.length)
          into.set(bytes)
          return { ...seen(path), readBytes: bytes.length }
        }),
      append: (path, bytes) =>
        unless("append", path, () => {
          const found = files.get(path)
          files.set(path, {
            bytes: Uint8Array.of(...(found?.bytes ?? []), ...bytes),
            identity: found?.identity ?? `${files.size}`
          })
          return seen(path)
        }),
      create: (path) =>
        unless("create", path, () => void files.set(path, { bytes: new Uint8Array(0), identity: `${files.size}` })),
      rename: (from) => unless("rename", from, () => void files.delete(from)),
      remove: (path) => Effect.sync(() => void files.delete(path))
    }
  }

  const problemsOf = (
    files: StateFiles,
    use: (journal: typeof Journal.Service) => Effect.Effect<unknown>
  ): Effect.Effect<ReadonlyArray<string>> =>
    Effect.suspend(() => {
      const problems: Array<string> = []
      return DirectoryJournal.make(files, { onProblem: (text) => problems.push(text) }).pipe(
        Effect.flatMap(({ journal }) => use(journal)),
        Effect.scoped,
        Effect.as(problems)
      )
    })

  it.scopedLive("tells that a damaged state file cannot be written", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf(failingFiles("no\n", "append"), ({ last, record }) =>
        Effect.zipRight(last("d/a"), record(saved("d/a")))
      )
      assert.strictEqual(problems.length, 2)
      assert.match(problems[1] ?? "", /^d\/\.halyard\.ndjson: it cannot be written, and is not used: /)
    })
  )

  for (const operation of ["create", "append", "rename"] as const) {
    it.scopedLive(`tells that damaged lines stay in the state file: ${operation}`, () =>
      Effect.gen(function* () {
        const content = `no\n${Line.encode("a", saved("d/a"))}\n`
        const problems = yield* problemsOf(failingFiles(content, operation), ({ last }) => last("d/a"))
        assert.strictEqual(problems.length, 2)
        assert.match(problems[1] ?? "", /^d\/\.halyard\.ndjson: it cannot be repaired: /)
      })
    )
  }

  it.scopedLive("changes nothing if it is read only", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const problems: Array<string> = []
      const state = `${path}/.halyard.ndjson`
      Fs.writeFileSync(state, "no\n")
      const found = yield* record(saved(`${path}/a`)).pipe(
        Effect.zipRight(last(`${path}/a`)),
        Effect.provide(NodeJournal.layerWith({ onProblem: (text) => problems.push(text), isReadOnly: true }))
      )
      assert.isUndefined(found)
      assert.deepStrictEqual(problems, [`${state}: it is damaged: 1 line cannot be read`])
      assert.deepStrictEqual(Fs.readdirSync(path), [".halyard.ndjson"])
      assert.strictEqual(Fs.readFileSync(state, "utf8"), "no\n")
    })
  )
})
