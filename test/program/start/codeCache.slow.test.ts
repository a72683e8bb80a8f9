/**
 * The cache of the code that V8 compiled in an earlier run.
 */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { cacheOf, installed, kept, start } from "../../support/program/installed.js"
import { runCommand, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

const only = (directory: string): string => {
  const names = kept(directory)
  assert.strictEqual(names.length, 1, names.join(" "))
  return join(cacheOf(directory), names[0] ?? "")
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
        kept(directory).map((name) => /^[0-9a-f]+-([a-z]+)-v/.exec(name)?.[1]),
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

  it.scopedLive("is not kept in a directory that other users can change, or that is a link", () =>
    Effect.gen(function* () {
      const expected = yield* start(yield* installed(), line)
      const elsewhere = yield* temporaryDirectory
      const places: Readonly<Record<string, (cache: string) => void>> = {
        "writable by all": (cache) => mkdirWithMode(cache, 0o777),
        "writable by the group": (cache) => mkdirWithMode(cache, 0o770),
        sticky: (cache) => mkdirWithMode(cache, 0o1777),
        "a symbolic link": (cache) => {
          mkdirSync(dirname(cache))
          symlinkSync(elsewhere, cache)
        },
        "a link to nothing": (cache) => {
          mkdirSync(dirname(cache))
          symlinkSync(join(elsewhere, "nothing"), cache)
        },
        "a file": (cache) => {
          mkdirSync(dirname(cache))
          writeFileSync(cache, "")
        },
        "below a file": (cache) => writeFileSync(dirname(cache), "")
      }
      for (const [what, make] of Object.entries(places)) {
        const directory = yield* installed()
        make(cacheOf(directory))
        assert.deepStrictEqual(yield* start(directory, line), expected, what)
        assert.deepStrictEqual(what.startsWith("a") || what.startsWith("below") ? [] : kept(directory), [], what)
      }
      assert.deepStrictEqual(readdirSync(elsewhere), [])
    })
  )

  it.scopedLive("is not kept without a home directory, and in a private one under it", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const expected = yield* start(directory, line, { XDG_CACHE_HOME: "relative", HOME: "relative" })
      assert.deepStrictEqual(kept(directory), [])
      const home = join(directory, "home")
      mkdirSync(home)
      assert.deepStrictEqual(yield* start(directory, line, { XDG_CACHE_HOME: "", HOME: home }), expected)
      const caches = join(home, process.platform === "darwin" ? "Library/Caches" : ".cache")
      assert.strictEqual(readdirSync(join(caches, "halyard")).length, 1)
      assert.strictEqual(statSync(join(caches, "halyard")).mode & 0o777, 0o700)
    })
  )

  it.scopedLive("is read from beside the program, if no other user can have written it", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const expected = yield* start(directory, line)
      const file = only(directory)
      // The tag of V8 depends on the processor.
      const beside = join(directory, basename(file).replace(/-[0-9a-f]+\.cache$/, ".cache"))
      copyFileSync(file, beside)
      const isUsed = Effect.fnUntraced(function* () {
        rmSync(cacheOf(directory), { recursive: true })
        assert.deepStrictEqual(yield* start(directory, line), expected)
        return kept(directory).length === 0
      })
      assert.isTrue(yield* isUsed())
      const refusals: ReadonlyArray<() => void> = [
        () => chmodSync(directory, 0o777),
        () => chmodSync(directory, 0o775),
        () => chmodSync(beside, 0o666),
        () => {
          rmSync(beside)
          symlinkSync(join(directory, "bin.cjs"), beside)
        }
      ]
      mkdirSync(cacheOf(directory))
      for (const refuse of refusals) {
        refuse()
        assert.isFalse(yield* isUsed())
        chmodSync(directory, 0o755)
      }
    })
  )

  it.scopedLive("is read again after each run, also after one that has used little memory", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const { url } = yield* http((_, response) => response.end("content"))
      const first = yield* start(directory, [`${url}/a`, "-d", directory, "--on-exists", "overwrite"])
      assert.strictEqual(first.exitCode, 0, first.stderr)
      const { ino } = statSync(only(directory))
      yield* start(directory, [`${url}/a`, "-d", directory, "--on-exists", "overwrite"])
      assert.strictEqual(statSync(only(directory)).ino, ino)
    })
  )

  it.scopedLive("is limited to 15 files, and loses what a killed process has left", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const cache = cacheOf(directory)
      mkdirWithMode(cache, 0o700)
      const old = new Date(2020, 0, 1)
      const foreign = ["notes.txt", "older.cache.txt"]
      const left = "x.cache.123-456"
      for (const name of [...Array.from({ length: 20 }, (_, index) => `old${index}.cache`), left, ...foreign]) {
        writeFileSync(join(cache, name), "")
        utimesSync(join(cache, name), old, old)
      }
      const underWay = "y.cache.123-456"
      writeFileSync(join(cache, underWay), "")
      assert.strictEqual((yield* start(directory, line)).exitCode, 0)
      const names = readdirSync(cache)
      assert.strictEqual(names.filter((name) => name.endsWith(".cache")).length, 15)
      assert.isTrue(names.some((name) => name.includes("-help-")))
      assert.includeMembers(names, [underWay, ...foreign])
      assert.notInclude(names, left)
    })
  )

  it.scopedLive.skipIf(process.getuid?.() !== 0)(
    "is that of each user, if another user has installed the program",
    () =>
      Effect.gen(function* () {
        // Only the superuser can run the program as two users.
        const directory = yield* installed()
        chmodSync(directory, 0o755)
        // The other user may have no access to the directory of this Node.
        const node = join(directory, "node")
        copyFileSync(process.execPath, node)
        chmodSync(node, 0o755)
        const ofUser = (uid: number, caches: string) =>
          runCommand("setpriv", [
            ...[`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--", "env", `XDG_CACHE_HOME=${caches}`],
            ...[node, join(directory, "bin.cjs"), ...line]
          ])
        const caches = yield* temporaryDirectory
        chmodSync(caches, 0o755)
        chownSync(caches, 1001, 1001)
        const expected = yield* start(directory, line)
        const first = yield* ofUser(1001, caches)
        assert.strictEqual(first.stdout, expected.stdout, first.stderr)
        const cache = join(caches, "halyard")
        const [name = ""] = readdirSync(cache)
        assert.strictEqual(statSync(join(cache, name)).uid, 1001)
        const { ino } = statSync(join(cache, name))
        yield* ofUser(1001, caches)
        assert.strictEqual(statSync(join(cache, name)).ino, ino)
        // A directory of another user is neither read nor written, also by the superuser.
        const untouched = yield* start(directory, line, { XDG_CACHE_HOME: caches })
        assert.deepStrictEqual(untouched, expected)
        assert.strictEqual(statSync(join(cache, name)).ino, ino)
        rmSync(cache, { recursive: true })
        yield* start(directory, line, { XDG_CACHE_HOME: caches })
        yield* ofUser(1002, caches)
        assert.deepStrictEqual(readdirSync(caches), [])
      })
  )
})

const mkdirWithMode = (directory: string, mode: number): void => {
  mkdirSync(directory, { recursive: true })
  chmodSync(directory, mode)
}
