/**
 * Help and version, on standard output. The examples of the help are run in `test/program/help/examples.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { answer, version } from "../../support/program/commandLine.js"

const commands = ["get", "clean", "flags", "spin", "serve", "submit", "runner", "status"] as const

/** What each line prints on standard output. Each must succeed. */
const printed = (...lines: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.forEach(lines, (line) =>
    Effect.map(answer(line), ({ exitCode, stderr, stdout }) => {
      assert.deepStrictEqual([exitCode, stderr], [0, ""], line.join(" "))
      return stdout
    })
  )

const options = (help: string): ReadonlyArray<string> =>
  Array.from(help.matchAll(/^ {2}(?:(?:-\w,| {3}) --[\w-]+)/gm), ([name]) => name.trim())

describe("help", () => {
  it.effect("of the program has its commands and two examples", () =>
    Effect.gen(function* () {
      const [help = "", ...others] = yield* printed(["--help"], ["-h"], [])
      assert.deepStrictEqual(others, [help, help])
      assert.match(help, /^Usage: halyard \[COMMAND\]/m)
      assert.strictEqual(help.match(/^ {2}halyard /gm)?.length, 2)
      for (const command of commands) {
        assert.match(help, new RegExp(`^  ${command} +[A-Z].*\\.$`, "m"))
      }
      assert.deepStrictEqual(options(help), ["-h, --help", "--version", "--completions"])
    })
  )

  it.effect("of a command has four examples first, then the options in groups", () =>
    Effect.gen(function* () {
      const helps = yield* printed(...commands.map((command) => [command, "--help"]))
      for (const [index, help] of helps.entries()) {
        const [summary, usage, examples, ...groups] = help.split("\n\n")
        assert.match(summary ?? "", /^[A-Z][^\n]*\.$/)
        assert.isTrue(usage?.startsWith(`Usage: halyard ${commands[index]} [`), usage)
        assert.match(examples ?? "", /^Examples:(?:\n {2}halyard .* {2}# .*){4}$/)
        assert.deepStrictEqual(
          groups.flatMap((group) => /^([A-Z]\w+):$/m.exec(group)?.[1] ?? []),
          ["Input", "Output", "Network", "Behaviour", "Other"].filter((title) => help.includes(`\n${title}:\n`))
        )
      }
      assert.match(helps[0] ?? "", /\nInput:\n.*\nOutput:\n.*\nNetwork:\n.*\nBehaviour:\n.*\nOther:\n/s)
    })
  )

  it.effect("has one line for each option, within 80 columns and without colours", () =>
    Effect.gen(function* () {
      for (const help of yield* printed([], ...commands.map((command) => [command, "--help"]))) {
        assert.notMatch(help, /\u001b/)
        assert.deepStrictEqual(
          help.split("\n").filter((line) => line.length > 80),
          []
        )
        for (const line of help.split("\n").filter((line) => /^ +-/.test(line))) {
          assert.match(line, /^ {2}(?:-\w,| {3}) --[\w-]+(?: \S+)? {2,}\S/)
        }
      }
    })
  )

  it.effect("is of the command that the line has, and of get if the line has none", () =>
    Effect.gen(function* () {
      const [get, , flags, spin, serve] = yield* printed(...commands.map((command) => [command, "-h"]))
      for (const [help, lines] of [
        [
          get,
          [
            ["--help", "get"],
            ["https://example.com/a", "--help"],
            ["-d", "out", "-h"]
          ]
        ],
        [
          flags,
          [
            ["--help", "flags"],
            ["flags", "BR", "-v", "--help"],
            ["flags", "--limit", "1", "-m", "2", "-h"]
          ]
        ],
        [
          spin,
          [
            ["spin", "-m", "x", "--help"],
            ["--help", "spin", "true"]
          ]
        ],
        [
          serve,
          [
            ["serve", "--port=0", "--help"],
            ["serve", "0", "-h"]
          ]
        ]
      ] as const) {
        for (const found of yield* printed(...lines)) {
          assert.strictEqual(found, help)
        }
      }
    })
  )

  it.effect("has no option for a wizard or a log level, and both are unknown", () =>
    Effect.gen(function* () {
      for (const help of yield* printed([], ["get", "--help"])) {
        assert.notMatch(help, /wizard|log-level/)
      }
      for (const option of ["--wizard", "--log-level=debug"]) {
        const { exitCode, stderr } = yield* answer(["get", option])
        assert.strictEqual(exitCode, 2)
        assert.match(stderr, /^halyard get: unknown option '--(?:wizard|log-level)'\n$/)
      }
    })
  )
})

describe("--version", () => {
  it.effect("prints the version alone on a line, with every command", () =>
    Effect.gen(function* () {
      const answers = yield* printed(
        ["--version"],
        ["flags", "--version"],
        ["flags", "-l1", "--version"],
        ["https://example.com/a", "--version"],
        ["serve", "--version", "--seed", "1"]
      )
      assert.deepStrictEqual(
        answers,
        answers.map(() => `${version}\n`)
      )
    })
  )
})
