/**
 * How the program starts: without itself where only its version is asked for, and with the code that V8 kept.
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
  writeFileSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import manifest from "../../package.json" with { type: "json" }
import { http } from "../support/loopback.js"
import { bin, run, runBash, runCommand, temporaryDirectory } from "../support/program.js"

const dist = dirname(bin)

/** The program's files alone, as they come from the registry. */
const installed = (files: ReadonlyArray<string> = ["bin.js", "program.cjs"]) =>
  Effect.map(temporaryDirectory, (directory) => {
    writeFileSync(join(directory, "package.json"), `{ "type": "module" }`)
    for (const file of files) {
      copyFileSync(join(dist, file), join(directory, file))
    }
    return directory
  })

const start = (directory: string, parameters: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(
    runCommand(process.execPath, [join(directory, "bin.js"), ...parameters], { env }),
    ({ exitCode, stderr, stdout }) => ({ exitCode, stderr, stdout })
  )

/** Files with kept code, whole or not. */
const kept = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory).filter((name) => name.includes(".cache"))

const only = (directory: string): string => {
  const names = kept(directory)
  assert.strictEqual(names.length, 1, names.join(" "))
  return join(directory, names[0] ?? "")
}

describe("--version alone", () => {
  it.scopedLive("needs nothing but the first file, and prints what it prints on a longer line", () =>
    Effect.gen(function* () {
      const directory = yield* installed(["bin.js"])
      const alone = yield* start(directory, ["--version"])
      assert.deepStrictEqual(alone, { exitCode: 0, stderr: "", stdout: `${manifest.version}\n` })
      const { exitCode, stderr, stdout } = yield* run(["get", "--version"])
      assert.deepStrictEqual({ exitCode, stderr, stdout }, alone)
      assert.deepStrictEqual(kept(directory), [])
    })
  )

  it.scopedLive("leaves every other line to the program", () =>
    Effect.gen(function* () {
      const directory = yield* installed(["bin.js"])
      for (const line of [["--version", "get"], ["--version", "--version"], ["--Version"], ["--version=1"], []]) {
        const { exitCode, stderr } = yield* start(directory, line)
        assert.notStrictEqual(exitCode, 0, line.join(" "))
        assert.include(stderr, "program.cjs", line.join(" "))
      }
    })
  )

  it.live("ends like the program where nobody reads or the disk is full", () =>
    Effect.gen(function* () {
      for (const line of ["--version", "get --version"]) {
        const left = yield* runBash(`halyard ${line} | true; echo "\${PIPESTATUS[0]}"`)
        assert.match(left.stdout, /^(?:0|141)\n$/, line)
        assert.strictEqual(left.stderr, "", line)
        const full = yield* runBash(`halyard ${line} >/dev/full`)
        assert.strictEqual(full.stderr, "halyard: cannot write standard output: there is no space left\n", line)
        assert.strictEqual(full.exitCode, 1, line)
      }
    })
  )
})

/** The modules that a run evaluates, by what V8 counts of the functions that stand around them in the program. */
const evaluated = Effect.fnUntraced(function* (parameters: ReadonlyArray<string>) {
  const directory = yield* temporaryDirectory
  yield* run(parameters, { cwd: directory, env: { NODE_V8_COVERAGE: join(directory, "coverage") } })
  const reports = readdirSync(join(directory, "coverage")).map((name) =>
    Schema.decodeUnknownSync(Coverage)(readFileSync(join(directory, "coverage", name), "utf8"))
  )
  return reports
    .flatMap(({ result }) => result)
    .filter(({ url }) => url.endsWith("/program.cjs"))
    .flatMap(({ functions }) => functions)
    .filter(({ ranges }) => ranges.some(({ count }) => count > 0))
    .map(({ functionName }) => functionName)
    .filter((name) => /^(?:src|node_modules)\//.test(name))
})

const Coverage = Schema.parseJson(
  Schema.Struct({
    result: Schema.Array(
      Schema.Struct({
        url: Schema.String,
        functions: Schema.Array(
          Schema.Struct({ functionName: Schema.String, ranges: Schema.Array(Schema.Struct({ count: Schema.Number })) })
        )
      })
    )
  })
)

describe("what a line loads", () => {
  const help = /src\/Cli\/(?:help|completions)/
  const network = /node_modules\/undici|src\/Node\/Transport/
  const refused = "http://127.0.0.1:1/file"

  it.scopedLive("is not what prints help, if the line asks for something else", () =>
    Effect.gen(function* () {
      for (const line of [
        [refused, "--retries=0", "-c4", "-H", "a: b", "--json"],
        ["flags", "-vl1", "--engine", "sequential"],
        ["spin", "-m", "text", "--", "true"]
      ]) {
        const modules = yield* evaluated(line)
        assert.include(modules, "src/Cli/Command.ts", line.join(" "))
        assert.deepStrictEqual(
          modules.filter((name) => help.test(name)),
          [],
          line.join(" ")
        )
      }
    })
  )

  it.scopedLive("is nothing of the network, if the line asks for help", () =>
    Effect.gen(function* () {
      for (const line of [
        ["get", "--help"],
        ["--completions", "bash"]
      ]) {
        const modules = yield* evaluated(line)
        assert.isTrue(
          modules.some((name) => help.test(name)),
          line.join(" ")
        )
        assert.deepStrictEqual(
          modules.filter((name) => network.test(name)),
          [],
          line.join(" ")
        )
      }
    })
  )

  it.scopedLive("is not another HTTP client or a Unicode table", () =>
    Effect.gen(function* () {
      const modules = yield* evaluated(["get", refused, "--retries=0"])
      assert.include(modules, "src/Node/Transport.ts")
      assert.deepStrictEqual(
        modules.filter((name) => name.startsWith("node_modules/undici/")),
        []
      )
      assert.notInclude(modules, "node_modules/string-width/index.js")
    })
  )
})

describe("kept code", () => {
  const line = ["get", "--help"]

  it.scopedLive("is made by the first run and used by the second", () =>
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

  it.scopedLive("is each command's own, and that of get for a URL alone", () =>
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

  it.scopedLive("is made once by many that start together", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      const ended = yield* Effect.forEach([1, 2, 3, 4], () => start(directory, line), { concurrency: 4 })
      for (const one of ended) {
        assert.deepStrictEqual(one, ended[0])
      }
      only(directory)
    })
  )

  it.scopedLive("is done without, and made anew, where it is damaged or another build's", () =>
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

  it.scopedLive("is not made by a run that fails, nor where Node is told to keep none", () =>
    Effect.gen(function* () {
      const directory = yield* installed()
      assert.strictEqual((yield* start(directory, ["get"])).exitCode, 2)
      assert.strictEqual((yield* start(directory, line, { NODE_DISABLE_COMPILE_CACHE: "1" })).exitCode, 0)
      assert.deepStrictEqual(kept(directory), [])
    })
  )

  it.scopedLive("is neither made nor missed where the directory is not the user's own, or everybody's", () =>
    Effect.gen(function* () {
      const expected = yield* start(yield* installed(), line)
      const another = yield* installed()
      if (process.getuid?.() === 0) {
        chownSync(join(another, "program.cjs"), 1, 1)
      } else {
        chmodSync(another, 0o555)
      }
      const everybodys = yield* installed()
      chmodSync(everybodys, 0o777)
      const groups = yield* installed()
      chmodSync(groups, 0o775)
      const sticky = yield* installed()
      chmodSync(sticky, 0o1777)
      for (const directory of [another, everybodys, groups, sticky]) {
        assert.deepStrictEqual(yield* start(directory, line), expected)
        assert.deepStrictEqual(kept(directory), [])
      }
      chmodSync(another, 0o755)
    })
  )
})

describe("plain downloads", () => {
  it.scopedLive("load no client for anything else", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const [look, seen] = [join(directory, "look.cjs"), join(directory, "seen")]
      writeFileSync(
        look,
        `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(seen)}, process.moduleLoadList.join("\\n")))`
      )
      const { exitCode } = yield* runCommand(process.execPath, ["--require", look, bin, "flags", "-d", directory])
      assert.strictEqual(exitCode, 0)
      const modules = readFileSync(seen, "utf8")
      assert.match(modules, /^NativeModule net$/m)
      // Of undici, which uses it from the start.
      assert.notMatch(modules, /http2/)
    })
  )
})
