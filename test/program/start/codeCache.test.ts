/**
 * The cache of the code that V8 compiled in an earlier run.
 */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { basename, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { installed, kept, start } from "../../support/installed.js"
import { http } from "../../support/loopback.js"
import { temporaryDirectory } from "../../support/program.js"

const only = (directory: string): string => {
  const names = kept(directory)
  assert.strictEqual(names.length, 1, names.join(" "))
  return join(directory, names[0] ?? "")
}

describe("the code cache", () => {
  const line = ["get", "--help"]

  it.scopedLive("is written by the first run and used by the second", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const first = yield* start(directory, line)
      assert.strictEqual(first.exitCode, 0)
      const file = only(directory)
      const { ino, mtimeMs } = statSync(file)
      assert.deepStrictEqual(yield* start(directory, line), first)
      assert.deepInclude(statSync(file), { ino, mtimeMs })
      // To trust its sum is to trust its content: what is run is that code.
      assert.isAbove(statSync(file).size, 100_000)
    })
  )

  it.scopedLive("is a file for each command, and that of get for a URL without a command", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      yield* start(directory, ["spin", "true"])
      const { url } = yield* http((_, response) => response.end("content"))
      yield* start(directory, [`${url}/a`, "-d", directory])
      yield* start(directory, ["--help"])
      yield* start(directory, ["spin", "--help"])
      yield* start(directory, ["anything"])
      assert.deepStrictEqual(
        kept(directory).map((name) => /^program\.cjs\.([a-z]+)-v/.exec(name)?.[1]),
        ["get", "help", "spin"]
      )
    })
  )

  it.scopedLive("is written by several runs at the same time, without damage", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const ended = yield* Effect.forEach([1, 2, 3, 4], () => start(directory, line), { concurrency: 4 })
      for (const one of ended) {
        assert.deepStrictEqual(one, ended[0])
      }
      only(directory)
    })
  )

  it.scopedLive("is ignored and written again if it is damaged or from another build", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const first = yield* start(directory, line)
      const file = only(directory)
      const whole = readFileSync(file)
      const flipped = (at: number) => () => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ 0xff
        writeFileSync(file, bytes)
      }
      const damages: Readonly<Record<string, () => void>> = {
        empty: () => truncateSync(file, 0),
        "shorter than its head": () => truncateSync(file, 20),
        torn: () => truncateSync(file, whole.length >> 1),
        "of another build": flipped(0),
        "with another sum": flipped(33),
        "damaged at its begin": flipped(40),
        "damaged in the middle": flipped(whole.length >> 1),
        "damaged at its end": flipped(whole.length - 1),
        longer: () => writeFileSync(file, Buffer.concat([whole, Buffer.from([0])])),
        "no code at all": () => writeFileSync(file, "console.log('not code')"),
        "open to others": () => chmodSync(file, 0o666)
      }
      for (const [what, damage] of Object.entries(damages)) {
        const { ino } = statSync(file)
        damage()
        assert.deepStrictEqual(yield* start(directory, line), first, what)
        assert.notStrictEqual(statSync(only(directory)).ino, ino, what)
      }
    })
  )

  it.scopedLive("is not used, and is written again, if its name refers to another file", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const elsewhere = yield* temporaryDirectory
      const first = yield* start(directory, line)
      const file = only(directory)
      const whole = readFileSync(file)
      // The code is valid in each case. It is refused because of its path.
      const places: Readonly<Record<string, () => void>> = {
        "a symbolic link": () => {
          writeFileSync(join(elsewhere, "code"), whole)
          symlinkSync(join(elsewhere, "code"), file)
        },
        "a second link to a file": () => linkSync(join(elsewhere, "code"), file),
        "a FIFO": () => execFileSync("mkfifo", [file]),
        "a symbolic link to a FIFO": () => {
          execFileSync("mkfifo", [join(elsewhere, "fifo")])
          symlinkSync(join(elsewhere, "fifo"), file)
        },
        "a symbolic link to a device": () => symlinkSync("/dev/zero", file),
        "a sparse file of a terabyte": () => {
          writeFileSync(file, whole)
          truncateSync(file, 2 ** 40)
        }
      }
      for (const [what, make] of Object.entries(places)) {
        rmSync(file)
        make()
        assert.deepStrictEqual(yield* start(directory, line), first, what)
        assert.isTrue(lstatSync(file).isFile() && statSync(file).nlink === 1, what)
        assert.isTrue(readFileSync(file).length < 2 ** 26, what)
      }
      assert.isTrue(readFileSync(join(elsewhere, "code")).equals(whole))
      // A file cannot be renamed over a directory.
      rmSync(file)
      mkdirSync(file)
      assert.deepStrictEqual(yield* start(directory, line), first)
      assert.deepStrictEqual(kept(directory), [basename(file)])
    })
  )

  it.scopedLive("is not written by a failed run, or with NODE_DISABLE_COMPILE_CACHE", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      assert.strictEqual((yield* start(directory, ["get"])).exitCode, 2)
      assert.strictEqual((yield* start(directory, line, { NODE_DISABLE_COMPILE_CACHE: "1" })).exitCode, 0)
      assert.deepStrictEqual(kept(directory), [])
    })
  )

  it.scopedLive("is not used if the directory belongs to another user, or other users may write to it", () =>
    Effect.gen(function* () {
      const expected = yield* start(yield* installed(), line)
      const another = yield* installed()
      if (process.getuid?.() === 0) {
        chownSync(join(another, "program.cjs"), 1, 1)
      } else {
        chmodSync(another, 0o555)
      }
      const writableByAll = yield* installed()
      chmodSync(writableByAll, 0o777)
      const groups = yield* installed()
      chmodSync(groups, 0o775)
      const sticky = yield* installed()
      chmodSync(sticky, 0o1777)
      for (const directory of [another, writableByAll, groups, sticky]) {
        assert.deepStrictEqual(yield* start(directory, line), expected)
        assert.deepStrictEqual(kept(directory), [])
      }
      chmodSync(another, 0o755)
    })
  )
})
