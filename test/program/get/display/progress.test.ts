/**
 * What `halyard get` shows of a run on a terminal.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, run, temporaryDirectory } from "../../../support/program/program.js"
import {
  ctrlC,
  ctrlZ,
  halyardOnTerminal,
  itOnTerminal,
  startOnTerminal
} from "../../../support/program/pseudoTerminal.js"
import { http } from "../../../support/servers/loopback.js"

/** Refuses `busy` at first. Sends 4000 of the 10,000 bytes of `slow…`, and then a byte now and then. `no` is not there, and other files are whole. */
const origin = Effect.suspend(() => {
  let isBusy = true
  return http((request, response) => {
    if (request.url === "/busy" && isBusy) {
      isBusy = false
      response.writeHead(503, { "retry-after": "0" }).end()
    } else if (request.url?.startsWith("/slow") === true) {
      response.writeHead(200, { "content-length": "10000" })
      response.write(Buffer.alloc(4000))
      const timer = setInterval(() => response.write("x"), 50)
      response.on("close", () => clearInterval(timer))
    } else {
      response.writeHead(request.url === "/no" ? 404 : 200).end("content")
    }
  })
})

const slow = "{2}4\\d% {2}4\\.\\d kB\\/10\\.0 kB {2}\\S+ k?B\\/s(?: {2}\\S+(?: s)? left)?"

describe("halyard get on a terminal", () => {
  itOnTerminal(
    "shows the name, a bar, the percentage, the bytes and the rate of one file at any width, and leaves nothing",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const terminal = yield* halyardOnTerminal(["get", `${url}/slow`], { cwd })
      yield* terminal.awaitRows(new RegExp(`^slow {2}\\[=+> +\\] ${slow}$`))
      assert.isFalse(terminal.cursor().visible)
      yield* terminal.resize(20, 10)
      yield* terminal.awaitRows(/^slow {2}4\d%\n4\.\d kB\/10\.0 kB\n\S+ k?B\/s/)
      yield* terminal.resize(80, 24)
      yield* terminal.awaitRows(new RegExp(`^slow {2}\\[=+> +\\] ${slow}$`))
      yield* terminal.type(ctrlC)
      assert.strictEqual((yield* terminal.ended).exitCode, 130)
      assert.notMatch(terminal.rows().join("\n"), /4\d%/)
      assert.isTrue(terminal.cursor().visible)
    })
  )

  itOnTerminal(
    "shows a row for a list and rows for its slow files, below the lines of finished ones",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const urls = ["no", "a", "slow1", "slow2", "b"].map((name) => `${url}/${name}`)
      const terminal = yield* halyardOnTerminal(["get", ...urls], { cwd })
      const row = (name: string) => `${name} +4\\d% +4\\.\\d kB\\/10\\.0 kB +\\S+ k?B\\/s.*`
      const head = "3\\/5 {2}\\[=+> +\\] {2}8\\.\\d kB.* {2}1 failed"
      yield* terminal.awaitRows(new RegExp(`^${head}\\n${row("slow[12]")}\\n${row("slow[12]")}$`, "m"))
      assert.includeMembers([...terminal.rows()], ["a", "b", `${url}/no: HTTP error 404 - Not Found`])
      yield* terminal.type(ctrlC)
      yield* terminal.ended
      assert.notMatch(terminal.rows().join("\n"), /3\/5|4\d%/)
    })
  )

  itOnTerminal(
    "writes lines and no escape sequences with --progress plain and on a dumb terminal, and nothing with none",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const [plain, dumb, none] = yield* Effect.all(
        [
          halyardOnTerminal(["get", `${url}/a`, "--progress", "plain"], { cwd }),
          halyardOnTerminal(["get", `${url}/b`], { cwd, env: { TERM: "dumb" } }),
          halyardOnTerminal(["get", `${url}/c`, "--progress=none"], { cwd })
        ],
        { concurrency: 3 }
      )
      yield* Effect.all([plain.ended, dumb.ended, none.ended])
      assert.match(plain.rows().join("\n"), /^downloading\na\n1 saved; /)
      assert.match(dumb.rows().join("\n"), /^downloading\nb\n1 saved; /)
      assert.notInclude(dumb.raw(), "\u001b")
      assert.match(none.rows().join("\n"), /^c\n1 saved; /)
    })
  )

  itOnTerminal(
    "leaves a line of a retry above the rows",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const terminal = yield* halyardOnTerminal(["get", `${url}/busy`, `${url}/slow`], { cwd, columns: 120 })
      const line = `${url}/busy: HTTP error 503 - Service Unavailable; retrying in \\S+ s`
      yield* terminal.awaitRows(new RegExp(`^${line}\nbusy\n1/2  .*\nslow  `, "m"))
      yield* terminal.type(ctrlC)
      yield* terminal.ended
    })
  )

  itOnTerminal(
    "counts a long list at the start, and a list from a pipe when it has been read",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, Array.from({ length: 1500 }, (_, index) => `${url}/slow${index}\n`).join(""))
      const pipe = `printf '%s\\n' ${url}/a ${url}/slow ${url}/b | "$0" "$1" get -i -`
      const [long, piped] = yield* Effect.all(
        [
          halyardOnTerminal(["get", "-i", "list"], { cwd }),
          startOnTerminal("sh", ["-c", pipe, process.execPath, bin], { cwd })
        ],
        { concurrency: 2 }
      )
      yield* long.awaitRows(/^0\/1500 {2}\[/m)
      yield* piped.awaitRows(/^2\/3 {2}\[/m)
      yield* long.type(ctrlC)
      yield* piped.type(ctrlC)
      yield* Effect.all([long.ended, piped.ended])
    })
  )

  itOnTerminal(
    "draws rows on a terminal that says it is dumb, with --progress bar",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const options = { cwd, env: { TERM: "dumb", TERM_PROGRAM: "vscode" } }
      const terminal = yield* halyardOnTerminal(["get", `${url}/a`, `${url}/slow`, "--progress=bar"], options)
      yield* terminal.awaitRows(/^a\n1\/2 {2}\[=+> +\] {2}.*\nslow +4\d% /)
      assert.isFalse(terminal.cursor().visible)
      yield* terminal.type(ctrlC)
      yield* terminal.ended
      assert.notMatch(terminal.rows().join("\n"), /1\/2|4\d%/)
      assert.isTrue(terminal.cursor().visible)
    })
  )

  itOnTerminal(
    "shows its progress in the tab of a terminal that can do so, and takes it away after Ctrl-C, Ctrl-Z, SIGTERM, a failure and success",
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const start = (
        paths: ReadonlyArray<string>,
        env: Readonly<Record<string, string>> = { TERM_PROGRAM: "ghostty" }
      ) => halyardOnTerminal(["get", ...paths.map((path) => `${url}/${path}`), "--retries=0"], { cwd, env })
      const [one, list, ended, foreign] = yield* Effect.all(
        [
          start(["slow1"]),
          start(["no", "slow2"]),
          start(["a", "no", "b", "c", "d", "e"]),
          start(["slow3"], { TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "3.5.0" })
        ],
        { concurrency: 4 }
      )
      const shown = (terminal: typeof one, pattern: RegExp) =>
        terminal.awaitScreen(
          `progress ${pattern}`,
          () => pattern.test(terminal.tabProgress().at(-1) ?? "") || undefined
        )
      yield* shown(one, /^1;4\d$/)
      yield* one.type(ctrlZ)
      yield* shown(one, /^0;0$/)
      process.kill(one.pid, "SIGCONT")
      yield* shown(one, /^1;4\d$/)
      yield* one.type(ctrlC)
      yield* shown(list, /^2;\d+$/)
      process.kill(list.pid, "SIGTERM")
      yield* foreign.awaitRows(/4\d%/)
      yield* foreign.type(ctrlC)
      yield* Effect.all([one.ended, list.ended, ended.ended, foreign.ended])
      assert.deepStrictEqual(
        [one, list].map((terminal) => terminal.tabProgress().at(-1)),
        ["0;0", "0;0"]
      )
      assert.include([undefined, "0;0"], ended.tabProgress().at(-1))
      assert.deepStrictEqual(foreign.tabProgress(), [])
    })
  )

  for (const [signal, end] of [
    ["SIGQUIT", "by SIGQUIT"],
    ["SIGUSR2", "by an error that nothing catches"]
  ] as const) {
    itOnTerminal(
      `takes its rows and its progress away, and shows the cursor, if it is ended ${end}`,
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/crash.cjs`, `process.on("SIGUSR2", () => { throw new Error("a bug") })`)
        const env = { TERM_PROGRAM: "ghostty", NODE_OPTIONS: `--require ${cwd}/crash.cjs` }
        const terminal = yield* halyardOnTerminal(["get", `${url}/slow1`], { cwd, env })
        yield* terminal.awaitScreen("progress", () => /^1;4\d$/.test(terminal.tabProgress().at(-1) ?? "") || undefined)
        process.kill(terminal.pid, signal)
        yield* terminal.ended
        assert.strictEqual(terminal.tabProgress().at(-1), "0;0")
        assert.isTrue(terminal.cursor().visible)
        const screen = terminal.rows().join("\n")
        assert.notMatch(screen, /slow1 +\[/)
        assert.strictEqual(screen.includes("Error: a bug"), signal === "SIGUSR2")
      })
    )
  }
})

describe("halyard get --progress", () => {
  it.scopedLive("takes --progress from the environment, and refuses another word", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const { stderr } = yield* run(["get", `${url}/a`], { cwd, env: { HALYARD_PROGRESS: "none" } })
      assert.match(stderr, /^1 saved; [^\n]*\n$/)
      const wrong = yield* run(["get", `${url}/a`, "--progress", "bars"], { cwd })
      assert.strictEqual(wrong.exitCode, 2)
      assert.include(wrong.stderr, "--progress must be one of auto, bar, plain, none, not 'bars'")
      const json = yield* run(["get", `${url}/a`, "--progress", "json"], { cwd })
      assert.strictEqual(json.exitCode, 2)
      assert.match(json.stderr, /^halyard get: --progress has no kind json: use --json, [^\n]+\n$/)
    })
  )
})
