/**
 * Options of `halyard get` in files and variables, and `halyard config`.
 */
import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { origin } from "../../../support/program/get.js"
import { filesIn, run, temporaryDirectory } from "../../../support/program/program.js"

interface Place {
  readonly toml?: string
  readonly user?: string
  /** An object, or the text of the file. */
  readonly packageJson?: object | string
  readonly env?: Readonly<Record<string, string>>
}

/** A project with these files, in which a command runs with an own home. */
const place = ({ env, packageJson, toml, user }: Place) =>
  Effect.map(Effect.all([temporaryDirectory, temporaryDirectory]), ([cwd, home]) => {
    mkdirSync(`${home}/halyard`)
    if (toml !== undefined) {
      writeFileSync(`${cwd}/halyard.toml`, toml)
    }
    if (packageJson !== undefined) {
      writeFileSync(`${cwd}/package.json`, typeof packageJson === "string" ? packageJson : JSON.stringify(packageJson))
    }
    if (user !== undefined) {
      writeFileSync(`${home}/halyard/halyard.toml`, user)
    }
    return { cwd, run: (...line: ReadonlyArray<string>) => run(line, { cwd, env: { XDG_CONFIG_HOME: home, ...env } }) }
  })

const config = (given: Place, ...line: ReadonlyArray<string>) =>
  Effect.flatMap(place(given), ({ run }) => run("config", ...line))

const shown = (stdout: string): ReadonlyMap<string, readonly [value: unknown, from: string]> =>
  new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => {
        const { from, option, value } = JSON.parse(line)
        return [option, [value, from]]
      })
  )

describe("the options of halyard get", () => {
  it.scopedLive("come from the command line, the environment, the project and the user, in this order", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { cwd, run } = yield* place({
        user: 'directory = "of-user"\nname = "user-{name}"\nretries = 1\n',
        toml: 'directory = "of-project"\nretries = 2\nconcurrency = 3\n',
        env: { HALYARD_RETRIES: "4" }
      })
      assert.strictEqual((yield* run(`${url}/a`)).stdout, "of-project/user-a\n")
      assert.strictEqual((yield* run("get", "-d", "given", `${url}/a`)).stdout, "given/user-a\n")
      assert.deepStrictEqual(filesIn(cwd), ["given", "halyard.toml", "of-project"])
      const options = shown((yield* run("config", "--json")).stdout)
      assert.deepStrictEqual(options.get("retries"), ["4", "HALYARD_RETRIES"])
      assert.deepStrictEqual(options.get("concurrency"), ["3", "halyard.toml"])
      assert.strictEqual(options.get("name")?.[0], "user-{name}")
      assert.match(options.get("name")?.[1] ?? "", /\/halyard\/halyard\.toml$/)
    })
  )

  it.scopedLive("come from package.json, or from the file of --config alone", () =>
    Effect.gen(function* () {
      const { cwd, run } = yield* place({
        packageJson: { name: "halyard", halyard: { verbose: true, "on-exists": "unique" } },
        user: "strict = true\n",
        env: { HALYARD_STRICT: "0" }
      })
      writeFileSync(`${cwd}/own.toml`, 'header = ["A: secret", "B: secret"]\n')
      const both = shown((yield* run("config", "--json")).stdout)
      assert.deepStrictEqual(both.get("verbose"), [true, "package.json"])
      assert.deepStrictEqual(both.get("on-exists"), ["unique", "package.json"])
      assert.deepStrictEqual(both.get("strict"), [false, "HALYARD_STRICT"])
      const own = shown((yield* run("config", "--json", "--config", "own.toml")).stdout)
      assert.deepStrictEqual(own.get("header"), [["…", "…"], "own.toml"])
      assert.isUndefined(own.get("verbose"))
      assert.match((yield* run("config")).stdout, /^verbose = true {2}# package\.json$/m)
    })
  )

  it.scopedLive("give way to an option of a stronger source that cannot stand beside them", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { run } = yield* place({
        user: "sync = true\nforce-directories = true\nverbose = true\nsegments = 2\n",
        toml: 'on-exists = "overwrite"\nremote-header-name = true\n',
        env: { HALYARD_QUIET: "1" }
      })
      const options = shown((yield* run("config", "--json")).stdout)
      assert.strictEqual(options.get("on-exists")?.[1], "halyard.toml")
      assert.strictEqual(options.get("quiet")?.[1], "HALYARD_QUIET")
      assert.notStrictEqual(options.get("sync")?.[0], true)
      assert.notStrictEqual(options.get("verbose")?.[0], true)
      for (const line of [["-o", "b"], ["--name", "c"], ["-o", "-"], ["--sync"], ["--verbose"]]) {
        const { exitCode, stderr } = yield* run("get", `${url}/a`, ...line)
        assert.strictEqual(exitCode, 0, stderr)
      }
    })
  )

  it.scopedLive("that are flags are switched off on the command line", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { cwd, run } = yield* place({ user: "json = true\nno-mtime = true\nforce-directories = true\n" })
      const { exitCode, stderr, stdout } = yield* run(
        "get",
        `${url}/a`,
        "--no-json",
        "--no-force-directories",
        "--mtime"
      )
      assert.deepStrictEqual([exitCode, stdout, filesIn(cwd)], [0, "a\n", ["a"]], stderr)
      const wrong = yield* run("get", `${url}/a`, "--no-retries")
      assert.deepStrictEqual([wrong.exitCode, wrong.stdout], [2, ""])
      assert.match(wrong.stderr, /^halyard get: unknown option '--no-retries'/)
      const value = yield* run("get", `${url}/a`, "--no-json=1")
      assert.strictEqual(value.exitCode, 2)
    })
  )

  it.scopedLive("name files below the home directory with ~", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const home = yield* temporaryDirectory
      writeFileSync(`${home}/headers`, "A: b\n")
      const { cwd, run } = yield* place({
        user: 'directory = "~/files"\nheader = ["@~/headers", "B: ~/c"]\nuser-agent = "~/x"\n',
        env: { HOME: home }
      })
      const { exitCode, stderr, stdout } = yield* run("get", `${url}/a`)
      assert.deepStrictEqual([exitCode, stdout, filesIn(cwd)], [0, `${home}/files/a\n`, []], stderr)
      assert.deepStrictEqual(shown((yield* run("config", "--json")).stdout).get("user-agent")?.[0], "~/x")
      const homeless = yield* place({ user: 'directory = "~"\n', env: { HOME: "", USERPROFILE: "" } })
      const without = yield* homeless.run("get", `${url}/a`)
      assert.strictEqual(without.exitCode, 2)
      assert.match(without.stderr, /, line 1: directory begins with ~, and the variable HOME is not set\n$/)
    })
  )

  it.scopedLive("that an output cannot have are ignored if they are not on the command line", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { cwd, run } = yield* place({
        user: "segments = 2\njson = true\n",
        env: { HALYARD_DURABILITY: "rename", HALYARD_SYNC: "1" }
      })
      execFileSync("mkfifo", [`${cwd}/pipe`])
      const reader = spawn("cat", ["pipe"], { cwd, stdio: ["ignore", "pipe", "ignore"] })
      const read = Effect.promise(async () => {
        let text = ""
        for await (const chunk of reader.stdout) {
          text += `${chunk}`
        }
        return text
      })
      const [{ exitCode, stderr }, text] = yield* Effect.all([run("get", `${url}/a`, "-o", "pipe"), read], {
        concurrency: 2
      })
      assert.deepStrictEqual([exitCode, text], [0, "content of /a"], stderr)
      assert.match(stderr, /halyard\.toml: segments is ignored, because --output pipe is not a file$/m)
      assert.match(stderr, /^HALYARD_DURABILITY: durability is ignored, because --output pipe is not a file$/m)
      assert.match(stderr, /^HALYARD_SYNC: sync is ignored, because --output pipe is not a file$/m)
      for (const output of ["/dev/stdout", "-"]) {
        const standard = yield* run("get", `${url}/a`, "-o", output)
        assert.deepStrictEqual([standard.exitCode, standard.stdout], [0, "content of /a"], standard.stderr)
        for (const name of ["json", "segments", "sync", "durability"]) {
          assert.include(standard.stderr, `: ${name} is ignored, because --output ${output} is not a file\n`)
        }
      }
      const given = yield* run("get", `${url}/a`, "-o", "pipe", "--segments=2")
      assert.strictEqual(given.exitCode, 2)
      assert.include(given.stderr, "--segments is for files, and --output pipe is not a file")
    })
  )

  it.scopedLive("of one source are refused together", () =>
    Effect.gen(function* () {
      const { run } = yield* place({ user: 'sync = true\non-exists = "skip"\n' })
      const { exitCode, stderr } = yield* run("get", "http://127.0.0.1:1/a")
      assert.strictEqual(exitCode, 2)
      assert.include(stderr, "--sync and --on-exists contradict each other")
    })
  )

  for (const [what, given, problem] of [
    [
      "an unknown key",
      { toml: "\nconcurency = 4\n" },
      "halyard.toml, line 2: unknown option 'concurency'; did you mean 'concurrency'?"
    ],
    [
      "a wrong value",
      { toml: "concurrency = 0\n" },
      "halyard.toml, line 1: --concurrency N must be from 1 to 10000, not '0'"
    ],
    [
      "a wrong value below a key that begins alike",
      { user: 'user-agent = "x"\nuser = ["a", "b"]\n' },
      "halyard.toml, line 2: user has one value only"
    ],
    [
      "a package.json with a comma too many",
      { packageJson: '{ "halyard": { "retries": 2, } }' },
      "package.json: it is not valid JSON, so the options in it cannot be read"
    ],
    ["a wrong kind", { toml: 'verbose = "x"\n' }, "halyard.toml, line 1: verbose must be true or false"],
    ["a list", { toml: "retries = [1, 2]\n" }, "halyard.toml, line 1: retries has one value only"],
    ["a table", { toml: "[retries]\na = 1\n" }, "halyard.toml: retries must be a text or a number"],
    [
      "a table of get",
      { toml: "retries = 2\n[get]\nretries = 3\n" },
      "halyard.toml: 'get' is a table; the options of get belong outside of tables"
    ],
    [
      "a home directory outside",
      { toml: 'directory = "~/x"\n' },
      "halyard.toml, line 1: the directory of a project must be inside the project"
    ],
    ["no TOML", { toml: "a = 1\nb = = 2\n" }, "halyard.toml, line 2: "],
    [
      "a secret of a project",
      { toml: 'header = "A: secret"\n' },
      "halyard.toml, line 1: a project cannot set header, because"
    ],
    [
      "a place outside",
      { toml: 'directory = "../x"\n' },
      "halyard.toml, line 1: the directory of a project must be inside the project"
    ],
    ["an option of one line", { user: 'output = "x"\n' }, "--output belongs on a command line"],
    [
      "two files",
      { toml: "", packageJson: { halyard: {} } },
      "halyard.toml and package.json both have options of halyard"
    ],
    ["no object", { packageJson: { halyard: 1 } }, "package.json: the key halyard must be an object of options"],
    [
      "a misspelt variable",
      { env: { HALYARD_RETRYS: "1" } },
      "the variable HALYARD_RETRYS is not an option; did you mean HALYARD_RETRIES?"
    ],
    [
      "a wrong variable",
      { env: { HALYARD_RETRIES: "x" } },
      "HALYARD_RETRIES: --retries N must be a whole number, not 'x'"
    ],
    ["a missing file", { env: { HALYARD_CONFIG: "no.toml" } }, "--config no.toml: there is no such file"]
  ] as const) {
    it.scopedLive(`are refused with ${what}, before any request`, () =>
      Effect.gen(function* () {
        const { run } = yield* place(given)
        for (const line of [["config"], ["get", "http://127.0.0.1:1/a"]] as const) {
          const { exitCode, stderr, stdout } = yield* run(...line)
          assert.deepStrictEqual([exitCode, stdout], [2, ""])
          assert.include(stderr, problem)
          assert.strictEqual(stderr.match(/\n/g)?.length, 1, stderr)
          assert.notInclude(stderr, "secret")
        }
      })
    )
  }

  it.scopedLive("are not looked for in a package.json without them, nor in a directory of that name", () =>
    Effect.gen(function* () {
      const { exitCode, stdout } = yield* config({ packageJson: { name: "halyard" } })
      assert.strictEqual(exitCode, 0)
      assert.notInclude(stdout, "package.json")
      assert.match(stdout, /^concurrency = 8 {2}# default$/m)
      const broken = yield* config({ packageJson: '{ "dependencies": { "halyard": "1", } }' })
      assert.strictEqual(broken.exitCode, 0, broken.stderr)
    })
  )
})
