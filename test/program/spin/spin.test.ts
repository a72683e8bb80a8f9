/**
 * `halyard spin`: the chapter's program, and a spinner beside a command whose output, input, signals and exit code are
 * its own.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, halyard, isAlive, run, runBash, runCommand, temporaryDirectory } from "../../support/program/program.js"
import { halyardOnTerminal, itOnTerminal, type PseudoTerminal } from "../../support/program/pseudoTerminal.js"

/** The frames that were drawn, also those that the screen does not show any more. */
const framesOf = (terminal: PseudoTerminal): ReadonlyArray<string> =>
  Array.from(terminal.raw().matchAll(/([|/\\-]) thinking!/g), ([, drawn = ""]) => drawn)

describe.concurrent("halyard spin", () => {
  for (const [title, line, object] of [
    ["a fiber", ["spin"], /^spinner object: Fiber\(#\d+, (?:running|suspended)\)$/],
    ["a worker thread", ["spin", "--engine=thread"], /^spinner object: Worker\(thread \d+, running\)$/]
  ] as const) {
    itOnTerminal(
      `turns ${title} beside the function, takes it away and answers`,
      Effect.gen(function* () {
        const terminal = yield* halyardOnTerminal(line)
        assert.deepInclude(yield* terminal.ended, { exitCode: 0 })
        const [first = "", ...more] = terminal.rows()
        assert.match(first, object)
        assert.deepStrictEqual(more, ["Answer: 42"])
        // 30 in the three seconds of an idle machine, in their order.
        const drawn = framesOf(terminal)
        assert.isAbove(drawn.length, 1)
        assert.strictEqual(drawn.join(""), "|/-\\".repeat(10).slice(0, drawn.length))
        assert.deepStrictEqual(terminal.cursor(), { column: 0, row: 2, visible: true })
      })
    )
  }

  itOnTerminal(
    "does not turn with --blocking",
    Effect.gen(function* () {
      const terminal = yield* halyardOnTerminal(["spin", "--blocking"])
      yield* terminal.awaitRows(/spinner object/)
      assert.deepInclude(yield* terminal.ended, { exitCode: 0 })
      // On a busy machine the first frame comes before the function begins. None comes while the function runs.
      assert.isAtMost(framesOf(terminal).length, 1)
      assert.strictEqual(terminal.rows().at(-1), "Answer: 42")
      assert.isTrue(terminal.cursor().visible)
    })
  )

  itOnTerminal(
    "shows the message, clipped to the width of the window, also if the window becomes narrower",
    Effect.gen(function* () {
      const terminal = yield* halyardOnTerminal(["spin", "-m", "日本語".repeat(10)], { columns: 30 })
      yield* terminal.awaitRows(/^[|/\\-] (?:[日本語]){13}…$/m)
      // The program is stopped, so that it draws at most one frame in the old width.
      yield* Effect.sync(() => process.kill(terminal.pid, "SIGSTOP"))
      yield* Effect.sleep("50 millis")
      yield* terminal.resize(20, 24)
      yield* Effect.sync(() => process.kill(terminal.pid, "SIGCONT"))
      yield* terminal.awaitRows(/^[|/\\-] (?:[日本語]){8}…$/m)
      yield* terminal.ended
      assert.strictEqual(terminal.rows().at(-1), "Answer: 42")
      assert.notMatch(terminal.rows().join("\n"), /[日本語]/)
    })
  )

  it.live("prints one line instead of frames into a pipe", () =>
    Effect.forEach(
      [
        ["spin", "-m", "wait"],
        ["spin", "-m", "wait", "--engine=thread"],
        ["spin", "-m", "wait", "--blocking"]
      ],
      (line) =>
        Effect.map(run(line), ({ exitCode, stderr, stdout }) => {
          assert.deepStrictEqual([exitCode, stderr], [0, "wait\n"], line.join(" "))
          assert.match(stdout, /^spinner object: [^\n]+\nAnswer: 42\n$/)
        }),
      { concurrency: 3 }
    )
  )

  for (const engine of ["fiber", "thread"]) {
    itOnTerminal(
      `prints one plain line in place of frames on a dumb terminal: ${engine}`,
      Effect.gen(function* () {
        const terminal = yield* halyardOnTerminal(["spin", "-m", "wait", "--engine", engine], {
          env: { TERM: "dumb" }
        })
        yield* terminal.ended
        assert.match(terminal.raw(), /^wait\r\nspinner object: [^\r\n]+\r\nAnswer: 42\r\n$/)
      })
    )
  }

  it.live("exits with the command's exit code, or with 128 and the number of its signal", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [exitCode: number, command: ReadonlyArray<string>]> = [
        [0, ["true"]],
        [7, ["sh", "-c", "exit 7"]],
        [127, ["no-such-command"]],
        [127, ["/no/such/command"]],
        [126, ["/"]],
        [126, ["/etc/passwd"]],
        [137, ["sh", "-c", "kill -9 $$"]],
        [143, ["sh", "-c", "kill -TERM $$"]]
      ]
      const codes = yield* Effect.forEach(
        cases,
        ([, command]) => Effect.map(run(["spin", "-m", "x", "--", ...command]), ({ exitCode }) => exitCode),
        { concurrency: 4 }
      )
      assert.deepStrictEqual(
        codes,
        cases.map(([exitCode]) => exitCode)
      )
    })
  )

  it.live("fails in one sentence if a command cannot be run", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach([["no-such-command"], ["/etc/passwd"], [""]], (line) =>
        run(["spin", "-m", "x", "--", ...line])
      )
      assert.deepStrictEqual(
        ended.slice(0, 2).map(({ stderr }) => stderr),
        [
          "x\nhalyard spin: cannot run 'no-such-command': there is no such command\n",
          "x\nhalyard spin: cannot run '/etc/passwd': it is not executable\n"
        ]
      )
      const [, , empty] = ended
      assert.match(empty?.stderr ?? "", /^(?:x\n)?halyard spin: [^\n]+\n$/)
      assert.include([2, 126, 127], empty?.exitCode)
    })
  )

  it.scopedLive("fails with the same sentence under nohup", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(`${directory}/plain`, "echo no")
      const line = `"${process.execPath}" "${bin}" spin -m x --`
      const names = ["no-such-command", "/no/such/command", "/etc/passwd", "/etc/passwd/x", "/", "plain", ""]
      const told = (script: string) =>
        Effect.map(
          runBash(`PATH="${directory}:$PATH"; ${script}`),
          ({ exitCode, stderr, stdout }) => `${exitCode} ${stdout}${stderr}`
        )
      const [bare, immune] = yield* Effect.all(
        ["", "nohup "].map((prefix) => Effect.forEach(names, (name) => told(`${prefix}${line} '${name}'`))),
        { concurrency: 2 }
      )
      assert.match(bare?.[0] ?? "", /^127 x\nhalyard spin: cannot run 'no-such-command': there is no such command\n$/)
      assert.deepStrictEqual(immune, bare)
      assert.strictEqual(yield* told(`nohup ${line} sh -c 'echo found; exit 127'`), "127 found\nx\n")
    })
  )

  it.live("passes on every byte of the command's output to a pipe", () =>
    Effect.gen(function* () {
      const script = "printf '\\033[31m\\377\\000red\\r\\n'; printf '\\376no end' >&2; seq 1 50000; exit 3"
      const [bare, beside] = yield* Effect.all(
        [runCommand("sh", ["-c", script]), run(["spin", "-m", "x", "--", "sh", "-c", script])],
        { concurrency: 2 }
      )
      assert.isTrue(beside.stdoutBytes.equals(bare.stdoutBytes))
      assert.isTrue(beside.stderrBytes.equals(Buffer.concat([Buffer.from("x\n"), bare.stderrBytes])))
      assert.strictEqual(beside.exitCode, 3)
    })
  )

  it.scopedLive("passes standard input to the command", () =>
    Effect.gen(function* () {
      const program = yield* halyard(["spin", "cat"], { stdin: "open" })
      yield* program.type("one\ntwo")
      yield* program.awaitOutput(/one\ntwo/)
      yield* program.closeStdin
      const { exitCode, stdout } = yield* program.ended
      assert.deepStrictEqual([exitCode, stdout], [0, "one\ntwo"])
    })
  )

  for (const [signal, code] of [
    ["INT", 130],
    ["TERM", 143],
    ["HUP", 129]
  ] as const) {
    it.scopedLive(`passes on SIG${signal} to the command once, and its exit code back`, () =>
      Effect.gen(function* () {
        const trapping = `n=0; trap 'n=$((n+1)); echo got $n' ${signal}; echo pid $$; i=0
          while [ $n = 0 ]; do sleep 0.02; done; while [ $i -lt 10 ]; do sleep 0.02; i=$((i+1)); done; exit 5`
        const [kept, killed] = yield* Effect.forEach(
          [trapping, "echo pid $$; exec sleep 30"],
          (script) =>
            Effect.gen(function* () {
              const program = yield* halyard(["spin", "-m", "x", "--", "sh", "-c", script])
              yield* program.awaitOutput(/pid \d+\n/)
              yield* program.signal(`SIG${signal}`)
              const ended = yield* program.ended
              assert.isFalse(isAlive(Number(/pid (\d+)/.exec(ended.stdout)?.[1])))
              return ended
            }).pipe(Effect.scoped),
          { concurrency: 2 }
        )
        assert.strictEqual(kept?.exitCode, 5)
        assert.match(kept?.stdout ?? "", /^pid \d+\ngot 1\n$/)
        assert.strictEqual(killed?.exitCode, code)
      })
    )
  }
})
