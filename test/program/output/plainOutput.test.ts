/**
 * No escape sequence in files and pipes, or on a dumb terminal;
 * no colour with `NO_COLOR`, which changes nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, temporaryDirectory } from "../../support/program/program.js"
import { halyardOnTerminal, itOnTerminal } from "../../support/program/pseudoTerminal.js"

type Line = ReadonlyArray<string>

const short: ReadonlyArray<Line> = [
  [],
  ["--help"],
  ["--completions", "bash"],
  ["--no-such-option"],
  ["flgas"],
  ["flags", "--help"],
  ["flags", "-l", "x\u001b[31m"],
  ["flags", "\u001b]0;title\u0007"],
  ["flags", "--base-url=http://127.0.0.1:1/\u001b[31m", "-v", "-l1"],
  ["flags", "--directory", "/dev/null/\u001b[31m"],
  ["spin", "no-such-\u001b[31m-command"],
  ["spin", "-m", "\u001b[2J", "--", "true"],
  ["serve", "--directory", "/no-such-\u001b[31m-directory"],
  ["serve", "--bind", "\u001b[31m"]
]

const runs: ReadonlyArray<Line> = [
  ["spin", "-m", "x", "--", "true"],
  ["flags", "--timeout=60", "-v", "BR", "ZZ"],
  ["flags", "--timeout=60", "--engine=threads", "-l3"]
]

/** What is looked at on terminals too. */
const onTerminal: ReadonlyArray<Line> = [...runs.slice(0, 2), ["flags", "-h"], ["--version"], ["flgas"]]

const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

describe.concurrent("plain output", () => {
  it.scopedLive("has no escape sequence in a pipe, for any command", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const ended = yield* Effect.forEach(
        [...runs, ...short],
        (line) => Effect.map(run(line, { cwd }), ({ stderr, stdout }) => ({ line, stdout, stderr })),
        { concurrency: 4 }
      )
      assert.deepStrictEqual(
        ended.filter(({ stderr, stdout }) => controls.test(stdout) || controls.test(stderr)),
        []
      )
    })
  )

  const onTerminalWith = (env: Readonly<Record<string, string>>, lines: ReadonlyArray<Line> = onTerminal) =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      return yield* Effect.forEach(
        lines,
        (line) =>
          Effect.scoped(
            Effect.gen(function* () {
              const terminal = yield* halyardOnTerminal(line, { cwd, env })
              yield* terminal.ended
              return { line, raw: terminal.raw() }
            })
          ),
        { concurrency: 4 }
      )
    })

  itOnTerminal(
    "has no escape sequence on a dumb terminal",
    Effect.gen(function* () {
      const written = yield* onTerminalWith({ TERM: "dumb" })
      assert.deepStrictEqual(
        // The terminal itself ends a line with a carriage return too.
        written.filter(({ raw }) => controls.test(raw.replace(/\r\n/g, "\n"))),
        []
      )
    })
  )

  itOnTerminal(
    "has no colour on a terminal with NO_COLOR, but the same frames",
    Effect.gen(function* () {
      const line = ["spin", "-m", "building", "--", "sleep", "0.5"]
      const lines = [...onTerminal, line]
      const written = yield* onTerminalWith({ NO_COLOR: "1" }, lines)
      assert.deepStrictEqual(
        written.filter(({ raw }) => /\u001b\[[0-9;]*m/.test(raw)),
        []
      )
      for (const env of [{ NO_COLOR: "1" }, { NO_COLOR: "" }, {}]) {
        const [{ raw } = { raw: "" }] = yield* onTerminalWith(env, [line])
        assert.include(raw, "\u001b[?25l\r| building")
        assert.include(raw, "\u001b[?25h")
      }
    })
  )

  it.scopedLive("has one line on standard error for a failure", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const ended = yield* Effect.forEach(
        [
          ["flags", "--directory", "/dev/null/x"],
          ["flags", "--directory", "/dev/null"],
          ["serve", "--port=0", "--directory", "/no-such-directory"],
          ["serve", "--port=0", "--directory", "/dev/null"],
          ["serve", "--bind", "no-such-host.invalid"],
          ["serve", "--bind", "192.0.2.1"]
        ],
        (line) =>
          Effect.map(run(line, { cwd }), ({ exitCode, stderr, stdout }) => ({
            line: line.join(" "),
            stdout,
            stderr,
            exitCode
          })),
        { concurrency: 4 }
      )
      for (const { exitCode, line, stderr, stdout } of ended) {
        assert.deepStrictEqual({ line, stdout, exitCode }, { line, stdout: "", exitCode: 1 })
        assert.match(stderr, /^halyard [a-z]+: cannot [^\n]*[^\n.]\n$/, line)
        assert.notMatch(stderr, /FileSystem\.|Error:| at /, line)
      }
    })
  )
})
