/**
 * The directory of `halyard flags`, and failures to write to it.
 */
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { countsIn, itemsIn, patient, sum } from "../../support/program/flagsRun.js"
import { filesIn, notWhole, run, runBash, runCommand, temporaryDirectory } from "../../support/program/program.js"

describe.concurrent("destinations of halyard flags", () => {
  it.scopedLive("creates a missing directory and its parents", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const { exitCode } = yield* run(patient(["-l2", "-d", "a/b c/d/"]), { cwd })
      assert.strictEqual(exitCode, 0)
      assert.deepStrictEqual(filesIn(`${cwd}/a/b c/d`), ["bd.gif", "br.gif"])
    })
  )

  it.scopedLive("overwrites the files of flags, and keeps other files", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/downloads`)
      writeFileSync(`${cwd}/downloads/bd.gif`, "x".repeat(100_000))
      writeFileSync(`${cwd}/downloads/notes.txt`, "mine")
      const { exitCode } = yield* run(patient(["-l2"]), { cwd })
      assert.strictEqual(exitCode, 0)
      assert.deepStrictEqual(filesIn(`${cwd}/downloads`), ["bd.gif", "br.gif", "notes.txt"])
      assert.deepStrictEqual(notWhole(`${cwd}/downloads`), ["notes.txt"])
      assert.strictEqual(readFileSync(`${cwd}/downloads/notes.txt`, "utf8"), "mine")
    })
  )

  it.scopedLive("replaces a symbolic link, and does not change its target", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/downloads`)
      writeFileSync(`${cwd}/precious`, "mine")
      symlinkSync(`${cwd}/precious`, `${cwd}/downloads/br.gif`)
      const { exitCode } = yield* run(patient(["BR"]), { cwd })
      assert.strictEqual(exitCode, 0)
      assert.strictEqual(readFileSync(`${cwd}/precious`, "utf8"), "mine")
      assert.isTrue(lstatSync(`${cwd}/downloads/br.gif`).isFile())
      assert.deepStrictEqual(notWhole(`${cwd}/downloads`), [])
    })
  )

  it.scopedLive("saves whole files if two runs save the same files", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const ended = yield* Effect.forEach(
        ["threads", "fibers"],
        (engine) => run(patient(["--engine", engine]), { cwd }),
        {
          concurrency: 2
        }
      )
      assert.deepStrictEqual(
        ended.map(({ exitCode }) => exitCode),
        [0, 0]
      )
      assert.strictEqual(filesIn(`${cwd}/downloads`).length, 20)
      assert.deepStrictEqual(notWhole(`${cwd}/downloads`), [])
    })
  )

  it.scopedLive("fails if a file has the name of the directory, and keeps the file", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/downloads`, "mine")
      const ended = yield* Effect.forEach(["downloads", "downloads/deeper"], (directory) =>
        run(patient(["-d", directory]), { cwd })
      )
      for (const { exitCode, stderr, stdout } of ended) {
        assert.deepStrictEqual([exitCode, stdout], [1, ""])
        assert.match(stderr, /^halyard flags: cannot write downloads\S*: .*not a directory\n$/)
      }
      assert.strictEqual(readFileSync(`${cwd}/downloads`, "utf8"), "mine")
    })
  )

  it.scopedLive("refuses a read-only directory before it sends a request", (context) =>
    Effect.gen(function* () {
      if (process.getuid?.() === 0) {
        return yield* Effect.sync(() => context.skip("root may write everywhere"))
      }
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/downloads`, { mode: 0o555 })
      const { exitCode, stderr, stdout } = yield* run(patient([]), { cwd })
      assert.deepStrictEqual(
        [exitCode, stdout, stderr],
        [1, "", "halyard flags: cannot write downloads: permission was denied\n"]
      )
    })
  )

  it.scopedLive("fails if the directory cannot be created", (context) =>
    Effect.gen(function* () {
      const { exitCode: known } = yield* runCommand("test", ["-d", "/proc/self"])
      if (known !== 0) {
        return yield* Effect.sync(() => context.skip("there is no /proc here"))
      }
      const { exitCode, stderr, stdout } = yield* run(patient(["-d", "/proc/halyard/flags"]))
      assert.deepStrictEqual([exitCode, stdout], [1, ""])
      assert.match(stderr, /^halyard flags: cannot write \/proc\/halyard\/flags: [^\n]+\n$/)
    })
  )

  it.scopedLive("reports a flag that cannot be saved, and saves the others", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/downloads/br.gif/inside`, { recursive: true })
      const { exitCode, stdout } = yield* run(patient(["-v", "BD", "BR", "CN"]), { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stdout, /^BR error: cannot write downloads\/br\.gif: [^\n]+$/m)
      assert.match(stdout, /^ {2}2 flags downloaded\.\n {2}1 error\.$/m)
      assert.deepStrictEqual(filesIn(`${cwd}/downloads`), ["bd.gif", "br.gif", "cn.gif"])
      assert.deepStrictEqual(notWhole(`${cwd}/downloads`), ["br.gif"])
      assert.deepStrictEqual(filesIn(`${cwd}/downloads/br.gif`), ["inside"])
    })
  )

  for (const engine of ["threads", "fibers"]) {
    it.scopedLive(`keeps existing files and leaves no part if files cannot grow: ${engine}`, () =>
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        mkdirSync(`${cwd}/downloads`)
        writeFileSync(`${cwd}/downloads/br.gif`, "mine")
        const { exitCode, stdout } = yield* runBash(`ulimit -f 0; halyard flags -v BR CN --engine ${engine}`, { cwd })
        assert.strictEqual(exitCode, 1)
        assert.match(stdout, /^BR error: cannot write downloads\/br\.gif: [^\n]+$/m)
        assert.match(stdout, /^CN error: cannot write downloads\/cn\.gif: [^\n]+$/m)
        assert.match(stdout, /^ {2}0 flags downloaded\.\n {2}2 errors\.$/m)
        assert.deepStrictEqual(filesIn(`${cwd}/downloads`), ["br.gif"])
        assert.strictEqual(readFileSync(`${cwd}/downloads/br.gif`, "utf8"), "mine")
      })
    )
  }

  it.scopedLive("saves the flags with few descriptors, and reports every flag with too few", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const [few, none] = yield* Effect.all(
        [
          runBash("ulimit -n 40; halyard flags A B C -v -d few", { cwd }),
          runBash("ulimit -n 40; halyard flags A B C -v -m 78 -d none", { cwd })
        ],
        { concurrency: 2 }
      )
      assert.notInclude(few.stdout, "error")
      for (const { stderr, stdout } of [few, none]) {
        assert.strictEqual(sum(countsIn(stdout)), 78)
        assert.strictEqual(itemsIn(stdout).length, 78)
        assert.strictEqual(stderr, "downloading flags: 0/78\n")
      }
      assert.deepStrictEqual([notWhole(`${cwd}/few`), notWhole(`${cwd}/none`)], [[], []])
    })
  )
})
