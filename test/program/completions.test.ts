/**
 * Completion scripts, in the shells that they are for.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, runBash, runCommand } from "../support/program.js"

/** What bash offers for the last of the words. */
const complete = (cases: ReadonlyArray<ReadonlyArray<string>>) => {
  const quoted = (words: ReadonlyArray<string>) => words.map((word) => `'${word}'`).join(" ")
  const ask = (words: ReadonlyArray<string>) => `
    COMP_WORDS=(halyard ${quoted(words)}); COMP_CWORD=${words.length}; COMPREPLY=()
    _halyard_bash_completions halyard '${words.at(-1)}' '${words.at(-2) ?? "halyard"}'
    echo "\${COMPREPLY[@]}"`
  return Effect.map(
    runBash(`source <(halyard --completions bash)\n${cases.map(ask).join("\n")}`),
    ({ exitCode, stderr, stdout }) => {
      assert.deepStrictEqual({ exitCode, stderr }, { exitCode: 0, stderr: "" })
      return stdout
        .split("\n")
        .slice(0, -1)
        .map((offers) => offers.split(" ").filter((offer) => offer !== ""))
    }
  )
}

describe("completions", () => {
  it.live("offers commands in bash", () =>
    Effect.gen(function* () {
      const [fl, s, all = []] = yield* complete([["fl"], ["s"], [""]])
      assert.deepStrictEqual(fl, ["flags"])
      assert.sameMembers(s ?? [], ["spin", "serve"])
      assert.includeMembers(all, ["flags", "spin", "serve", "--help", "--version"])
    })
  )

  it.live("offers the options of each command in bash", () =>
    Effect.gen(function* () {
      const [flags = [], spin = [], serve = [], conc, behind] = yield* complete([
        ["flags", "--"],
        ["spin", "--"],
        ["serve", "--"],
        ["flags", "--conc"],
        ["flags", "BR", "-v", "--verb"]
      ])
      assert.includeMembers(flags, ["--all", "--limit", "--max_req", "--concurrency", "--base-url", "--json", "--help"])
      assert.includeMembers(spin, ["--message", "--engine", "--blocking", "--help"])
      assert.notInclude(spin, "--limit")
      assert.includeMembers(serve, ["--port", "--bind", "--delay", "--error-rate", "--seed", "--help"])
      assert.deepStrictEqual(conc, ["--concurrency"])
      assert.deepStrictEqual(behind, ["--verbose"])
    })
  )

  it.live("offers the choices of an option in bash", () =>
    Effect.gen(function* () {
      const [one, all = [], spin = []] = yield* complete([
        ["flags", "--engine", "f"],
        ["flags", "--engine", ""],
        ["spin", "--engine", "t"]
      ])
      assert.deepStrictEqual(one, ["fibers"])
      assert.sameMembers([...all], ["sequential", "threads", "fibers"])
      assert.deepStrictEqual(spin, ["thread"])
    })
  )

  it.live("registers itself for the program in bash", () =>
    Effect.gen(function* () {
      const { stdout } = yield* runBash("source <(halyard --completions bash); complete -p halyard")
      assert.match(stdout, /^complete .*-F _halyard_bash_completions halyard\n$/)
    })
  )

  it.live("gives sh the script of bash", () =>
    Effect.gen(function* () {
      const [sh, bash] = yield* Effect.forEach(["sh", "bash"], (shell) => run(["--completions", shell]), {
        concurrency: 2
      })
      assert.strictEqual(sh?.stdout, bash?.stdout)
    })
  )

  for (const shell of ["zsh", "fish"]) {
    it.live(`writes a script that ${shell} can read`, (context) =>
      Effect.gen(function* () {
        const { exitCode } = yield* runCommand("sh", ["-c", `command -v ${shell}`])
        if (exitCode !== 0) {
          return yield* Effect.sync(() => context.skip(`there is no ${shell} here`))
        }
        const checked = yield* runBash(
          `halyard --completions ${shell} | ${shell} ${shell === "zsh" ? "-n /dev/stdin" : "-n"}`
        )
        assert.deepStrictEqual([checked.exitCode, checked.stderr], [0, ""])
      })
    )

    it.live(`writes a script for ${shell} that knows the commands and their options`, () =>
      Effect.gen(function* () {
        const { stderr, stdout } = yield* run(["--completions", shell])
        assert.strictEqual(stderr, "")
        for (const word of ["flags", "spin", "serve", "concurrency", "message", "error-rate"]) {
          assert.include(stdout, word)
        }
        assert.notMatch(stdout, /undefined|\[object/)
      })
    )
  }
})
