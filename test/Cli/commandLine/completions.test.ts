/**
 * Completion scripts, in the shells that they are for.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { answer } from "../../support/program/commandLine.js"
import { runCommand, temporaryDirectory } from "../../support/program/program.js"

const scriptOf = (shell: string) =>
  Effect.map(answer(["--completions", shell]), ({ exitCode, stderr, stdout }) => {
    assert.deepStrictEqual([exitCode, stderr], [0, ""], shell)
    return stdout
  })

/** The output of a shell that has read the script. */
const runIn = (shell: string, commands: string, parameters: ReadonlyArray<string> = ["-c"]) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    writeFileSync(`${cwd}/script`, yield* scriptOf(shell))
    const { exitCode, stderr, stdout } = yield* runCommand(shell, [...parameters, commands], { cwd })
    assert.deepStrictEqual([exitCode, stderr], [0, ""], shell)
    return stdout
  })

/** What bash offers for the last word of each line. */
const inBash = (...lines: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.map(
    runIn(
      "bash",
      `source ./script\n${lines
        .map(
          (words) => `
    COMP_WORDS=(halyard ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
    _halyard; echo "\${COMPREPLY[@]}"`
        )
        .join("\n")}`
    ),
    (stdout) =>
      stdout
        .split("\n")
        .slice(0, -1)
        .map((offers) => offers.split(" ").filter((offer) => offer !== ""))
  )

const skippedWithout = (shell: string, context: { readonly skip: (reason: string) => void }) =>
  Effect.flatMap(runCommand("sh", ["-c", `command -v ${shell}`]), ({ exitCode }) =>
    Effect.sync(() => (exitCode === 0 ? undefined : context.skip(`there is no ${shell} here`)))
  )

describe("completions in bash", () => {
  it.scopedLive("are commands, and the options of get before a command", () =>
    Effect.gen(function* () {
      const [fl, all, options = [], afterUrl] = yield* inBash(["fl"], [""], ["-"], ["https://h/a", "--on-e"])
      assert.deepStrictEqual(fl, ["flags"])
      assert.deepStrictEqual(all, [
        "get",
        "clean",
        "report",
        "flags",
        "spin",
        "serve",
        "config",
        "submit",
        "runner",
        "status",
        "cancel"
      ])
      assert.includeMembers([...options], ["--help", "--version", "--completions", "--json", "-d", "--directory"])
      assert.deepStrictEqual(afterUrl, ["--on-exists"])
    })
  )

  it.scopedLive("are the options of the command", () =>
    Effect.gen(function* () {
      const [flags = [], spin = [], serve = [], conc, behind] = yield* inBash(
        ["flags", "--"],
        ["spin", "--"],
        ["serve", "--"],
        ["flags", "--conc"],
        ["flags", "BR", "-v", "--verb"]
      )
      assert.includeMembers([...flags], ["--all", "--limit", "--max_req", "--concurrency", "--base-url", "--help"])
      assert.sameMembers([...spin], ["--message", "--engine", "--blocking", "--help", "--version"])
      assert.includeMembers([...serve], ["--port", "--bind", "--delay", "--error-rate", "--seed", "--help"])
      assert.deepStrictEqual(conc, ["--concurrency"])
      assert.deepStrictEqual(behind, ["--verbose"])
    })
  )

  it.scopedLive("are the choices of an option, and file names for others", () =>
    Effect.gen(function* () {
      const offers = yield* inBash(
        ["flags", "--engine", "f"],
        ["flags", "--engine", ""],
        ["spin", "--engine", "t"],
        ["--on-exists", "un"],
        ["get", "-i", ""]
      )
      assert.deepStrictEqual(offers, [["fibers"], ["sequential", "threads", "fibers"], ["thread"], ["unique"], []])
      assert.strictEqual(
        yield* runIn("bash", "source ./script; complete -p halyard"),
        "complete -o default -F _halyard halyard\n"
      )
    })
  )

  it.effect("are those of sh", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* scriptOf("sh"), yield* scriptOf("bash"))
    })
  )
})

describe("completions in fish", () => {
  it.scopedLive("are commands, options and choices", (context) =>
    Effect.gen(function* () {
      yield* skippedWithout("fish", context)
      const lines = [
        "halyard fl",
        "halyard --js",
        "halyard get --conc",
        "halyard flags --engine t",
        "halyard spin --js"
      ]
      const offers = yield* runIn(
        "fish",
        `source ./script; ${lines.map((line) => `complete -C '${line}'; echo .`).join("; ")}`
      )
      assert.deepStrictEqual(
        offers.split("\n").map((line) => line.replace(/\t.*/, "")),
        ["flags", ".", "--json", "--json-schema", ".", "--concurrency", ".", "threads", ".", ".", ""]
      )
    })
  )
})

describe("completions in zsh", () => {
  it.scopedLive("are a script that zsh can read", (context) =>
    Effect.gen(function* () {
      yield* skippedWithout("zsh", context)
      const printed = yield* runIn(
        "zsh",
        "autoload -U compinit; compinit -u -D; source ./script; print $_comps[halyard]",
        ["-f", "-c"]
      )
      assert.strictEqual(printed, "_halyard\n")
    })
  )

  it.effect("have the commands and their options", () =>
    Effect.gen(function* () {
      const script = yield* scriptOf("zsh")
      for (const word of ["flags", "spin", "serve", "--concurrency", "--message", "--error-rate"]) {
        assert.include(script, word)
      }
      assert.notMatch(script, /undefined|\[object|[^\x00-\x7f]/)
    })
  )
})
