/**
 * Help and version: asked for anywhere on the line, answered on standard output.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import manifest from "../../package.json" with { type: "json" }
import { filesIn, run, temporaryDirectory } from "../support/program.js"

const commands = ["get", "flags", "spin", "serve"] as const

const answers = (lines: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    const ended = yield* Effect.forEach(
      lines,
      (line) =>
        Effect.map(run(line, { cwd }), ({ exitCode, stderr, stdout }) => ({
          line: line.join(" "),
          exitCode,
          stderr,
          stdout
        })),
      { concurrency: 4 }
    )
    assert.deepStrictEqual(
      ended.filter(({ exitCode, stderr }) => exitCode !== 0 || stderr !== ""),
      []
    )
    assert.deepStrictEqual(filesIn(cwd), [])
    return ended
  })

describe("help and version", () => {
  it.scopedLive("answers --help, -h and nothing at all with the commands", () =>
    Effect.gen(function* () {
      const ended = yield* answers([["--help"], ["-h"], []])
      for (const { line, stdout } of ended) {
        assert.match(stdout, /^\$ halyard COMMAND$/m, line)
        for (const command of commands) {
          assert.match(stdout, new RegExp(`^  ${command} +[A-Z].*\\.$`, "m"), line)
        }
      }
    })
  )

  it.scopedLive("names the program and the command in the usage line of every command", () =>
    Effect.gen(function* () {
      const ended = yield* answers([
        ...commands.map((command) => [command, "--help"]),
        ["flags", "-h"],
        ["--help", "spin"]
      ])
      for (const { line, stdout } of ended) {
        const command = commands.find((name) => line.includes(name))
        const usages = stdout.split("\n").filter((row) => row.startsWith("$ "))
        assert.strictEqual(usages.length, 1, line)
        assert.match(usages[0] ?? "", new RegExp(`^\\$ halyard ${command} \\[`), line)
        assert.match(stdout, /^DESCRIPTION$/m, line)
      }
    })
  )

  it.scopedLive("gives help behind any other option or argument of the line", () =>
    Effect.gen(function* () {
      const ended = yield* answers([
        ["flags", "BR", "-v", "--help"],
        ["flags", "-l1", "--help"],
        ["flags", "--limit", "1", "-m", "2", "-h"],
        ["spin", "-m", "x", "--help"],
        ["serve", "--port=0", "--help"],
        ["serve", "0", "-h"]
      ])
      for (const { line, stdout } of ended) {
        assert.include(stdout, `\n$ halyard ${line.slice(0, line.indexOf(" "))} `, line)
      }
    })
  )

  it.scopedLive("tells its version, alone on a line, to every command", () =>
    Effect.gen(function* () {
      const ended = yield* answers([
        ["--version"],
        ["flags", "--version"],
        ["flags", "-l1", "--version"],
        ["spin", "--version"],
        ["serve", "--version", "--seed", "1"]
      ])
      for (const { line, stdout } of ended) {
        assert.strictEqual(stdout, `${manifest.version}\n`, line)
      }
    })
  )

  it.scopedLive("takes --log-level anywhere", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const ended = yield* Effect.forEach(
        [
          ["flags", "-l1", "--log-level", "debug"],
          ["flags", "--log-level=error", "-l1"]
        ],
        (line) => run(line, { cwd }),
        { concurrency: 2 }
      )
      for (const { exitCode, stderr, stdout } of ended) {
        assert.strictEqual(exitCode, 0, stderr)
        assert.match(stdout, /^1 flag downloaded in/m)
      }
    })
  )

  it.scopedLive("leaves the options of a command that it runs alone", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        [
          ["spin", "echo", "--help", "-m"],
          ["spin", "-m", "x", "--", "echo", "--help", "-m"]
        ],
        (line) => run(line),
        { concurrency: 2 }
      )
      assert.deepStrictEqual(
        ended.map(({ exitCode, stdout }) => [exitCode, stdout]),
        [
          [0, "--help -m\n"],
          [0, "--help -m\n"]
        ]
      )
    })
  )
})
