/**
 * `halyard spin` beside a command on a terminal: its lines stay whole, its prompts can be answered, and Ctrl-C reaches
 * it as if nothing stood between.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, isAlive, temporaryDirectory } from "../../support/program/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"

const spin = (command: ReadonlyArray<string>, message = "building") =>
  halyardOnTerminal(["spin", "-m", message, "--", ...command])

const spinScript = (script: string) => spin(["sh", "-c", script])

/** A script that goes on when the test has seen what it waits for, and how the test says so. */
const stepwise = (script: (untilSeen: (name: string) => string) => string) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    const lines = script((name) => `while [ ! -e ${name} ]; do sleep 0.05; done`)
    const terminal = yield* halyardOnTerminal(["spin", "-m", "building", "--", "sh", "-c", lines], { cwd })
    return { terminal, seen: (name: string) => Effect.sync(() => writeFileSync(`${cwd}/${name}`, "")) }
  })

/** Tells its process id, then counts the signals that come within a moment of the first, into a file where one is named.
 * The timers are in the counted program, which is a process of its own. */
const counter = `
  let count = 0
  process.on("SIGINT", () => {
    count++
    if (count === 1) setTimeout(() => {
      const said = "signals: " + count
      console.log(said)
      if (process.argv[1]) require("node:fs").writeFileSync(process.argv[1], said)
      process.exit(9)
    }, 400)
  })
  console.log("pid " + process.pid)
  setTimeout(() => process.exit(1), 600000)`

describe.concurrent("halyard spin beside a command on a terminal", () => {
  itOnTerminal(
    "shows the spinner below whole lines, and a mark at the end",
    Effect.gen(function* () {
      const { seen, terminal } = yield* stepwise(
        (untilSeen) => `echo one; ${untilSeen("a")}; echo two >&2; ${untilSeen("b")}; echo three; ${untilSeen("c")}`
      )
      yield* terminal.awaitRows(/^one\n[|/\\-] building$/)
      assert.isFalse(terminal.cursor().visible)
      yield* seen("a")
      yield* terminal.awaitRows(/^one\ntwo\n[|/\\-] building$/)
      yield* seen("b")
      yield* terminal.awaitRows(/^one\ntwo\nthree\n[|/\\-] building$/)
      yield* seen("c")
      assert.deepInclude(yield* terminal.ended, { exitCode: 0 })
      assert.deepStrictEqual(terminal.rows(), ["one", "two", "three", "✓ building"])
      assert.deepStrictEqual(terminal.cursor(), { column: 0, row: 4, visible: true })
    })
  )

  itOnTerminal(
    "marks a failure with its exit code",
    Effect.gen(function* () {
      const terminal = yield* spinScript("sleep 0.2; exit 7")
      assert.deepInclude(yield* terminal.ended, { exitCode: 7 })
      assert.deepStrictEqual(terminal.rows(), ["✗ building (exit code 7)"])
    })
  )

  itOnTerminal(
    "reports once that a command cannot be run",
    Effect.gen(function* () {
      const terminal = yield* spin(["no-such-command"])
      assert.deepInclude(yield* terminal.ended, { exitCode: 127 })
      assert.deepStrictEqual(terminal.rows(), ["halyard spin: cannot run 'no-such-command': there is no such command"])
      assert.isTrue(terminal.cursor().visible)
    })
  )

  itOnTerminal(
    "shows every line of many as a whole",
    Effect.gen(function* () {
      // The pseudo-terminal throws away what is not read soon after the last process on it has ended: a shell waits there.
      const terminal = yield* startOnTerminal("sh", [
        "-c",
        `"$0" "$1" spin -m building -- sh -c "seq 1 1000; sleep 0.3; seq 1001 2000"; read answer`,
        process.execPath,
        bin
      ])
      yield* terminal.awaitRows(/✓ building$/)
      yield* terminal.type("\r")
      yield* terminal.ended
      assert.deepStrictEqual(terminal.rows(), [
        ...Array.from({ length: 2000 }, (_, index) => `${index + 1}`),
        "✓ building"
      ])
    })
  )

  itOnTerminal(
    "shows characters that arrive in pieces, and colours",
    Effect.gen(function* () {
      const terminal = yield* spinScript("printf '\\303'; sleep 0.2; printf '\\244 \\033[31mred\\033[0m\\n'; sleep 0.2")
      yield* terminal.ended
      assert.deepStrictEqual(terminal.rows(), ["ä red", "✓ building"])
    })
  )

  itOnTerminal(
    "keeps a line that the command overwrites in its place",
    Effect.gen(function* () {
      const { seen, terminal } = yield* stepwise(
        (untilSeen) =>
          `for i in 1 2 3; do printf "\\rstep $i"; sleep 0.2; done; ${untilSeen("a")}; printf '\\rdone  \\n'; sleep 0.2`
      )
      yield* terminal.awaitRows(/^step 3$/m)
      yield* seen("a")
      yield* terminal.ended
      assert.deepStrictEqual(terminal.rows(), ["done", "✓ building"])
    })
  )

  itOnTerminal(
    "shows no spinner after a prompt, shows the cursor, and passes the answer on",
    Effect.gen(function* () {
      const { seen, terminal } = yield* stepwise(
        (untilSeen) => `${untilSeen("a")}; printf 'name? '; read name; echo "hello $name"; ${untilSeen("b")}`
      )
      yield* terminal.awaitRows(/^[|/\\-] building$/)
      yield* seen("a")
      yield* terminal.awaitRows(/^name\?$/)
      // Long enough for three frames to be drawn where they must not be.
      yield* Effect.sleep("350 millis")
      assert.deepStrictEqual(terminal.rows(), ["name?"])
      assert.deepStrictEqual(terminal.cursor(), { column: 6, row: 0, visible: true })
      yield* terminal.type("Ada\r")
      yield* terminal.awaitRows(/^name\? Ada\nhello Ada\n[|/\\-] building$/)
      yield* seen("b")
      yield* terminal.ended
      assert.deepStrictEqual(terminal.rows(), ["name? Ada", "hello Ada", "✓ building"])
    })
  )

  itOnTerminal(
    "ends the last line of the command before its own mark",
    Effect.gen(function* () {
      const terminal = yield* spinScript("printf 'no line end'")
      yield* terminal.ended
      assert.deepStrictEqual(terminal.rows(), ["no line end", "✓ building"])
    })
  )

  itOnTerminal(
    "does not wait for a process that the command leaves running",
    Effect.gen(function* () {
      const script = "sleep 600 & echo $!; exit 4"
      const terminal = yield* halyardOnTerminal(["spin", "-m", "x", "--", "sh", "-c", script])
      assert.deepInclude(yield* terminal.ended, { exitCode: 4 })
      const pid = Number(terminal.rows()[0])
      assert.isAbove(pid, 1, terminal.rows().join("\n"))
      assert.isTrue(isAlive(pid))
      process.kill(pid)
    })
  )

  itOnTerminal(
    "does not wait for a process that continues to write after the command",
    Effect.gen(function* () {
      const script = "(while :; do echo more; sleep 0.05; done) & echo done; exit 4"
      const terminal = yield* halyardOnTerminal(["spin", "-m", "x", "--", "sh", "-c", script])
      assert.deepInclude(yield* terminal.ended, { exitCode: 4 })
      assert.isTrue(terminal.cursor().visible)
    })
  )

  itOnTerminal(
    "passes on a Ctrl-C from before the start of the command",
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const early = `${directory}/early.cjs`
      // The terminal sends it to this process, and the command is not there yet.
      writeFileSync(
        early,
        `const { ChildProcess } = require("node:child_process")
         const { spawn } = ChildProcess.prototype
         ChildProcess.prototype.spawn = function (options) {
           process.kill(process.pid, "SIGINT")
           return spawn.call(this, options)
         }`
      )
      const line = ["--require", early, bin, "spin", "-m", "x", "--", "sleep", "60"]
      const terminal = yield* startOnTerminal(process.execPath, line)
      assert.deepInclude(yield* terminal.ended, { exitCode: 130 })
    })
  )

  itOnTerminal(
    "does not pass on Ctrl-C from the terminal, so the command receives it once",
    Effect.gen(function* () {
      const terminal = yield* spin([process.execPath, "-e", counter])
      const pid = yield* terminal.awaitScreen("process id", (rows) => /^pid (\d+)$/.exec(rows[0] ?? "")?.[1])
      yield* terminal.awaitRows(/[|/\\-] building$/)
      yield* terminal.type(ctrlC)
      assert.deepInclude(yield* terminal.ended, { exitCode: 9 })
      assert.match(terminal.rows().join("\n"), /^signals: 1\n✗ building \(exit code 9\)$/m)
      assert.isTrue(terminal.cursor().visible)
      assert.isFalse(isAlive(Number(pid)))
    })
  )

  itOnTerminal(
    "does not pass on Ctrl-C from the terminal in a pipeline",
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const pipeline = `trap : INT; "$0" "$1" spin -m x -- "$0" -e "$2" counted </dev/null 2>&1 | (trap '' INT; exec cat)`
      const terminal = yield* startOnTerminal("sh", ["-c", pipeline, process.execPath, bin, counter], { cwd })
      yield* terminal.awaitRows(/^pid \d+$/m)
      yield* terminal.type(ctrlC)
      yield* terminal.ended
      assert.strictEqual(readFileSync(`${cwd}/counted`, "utf8"), "signals: 1")
    })
  )

  itOnTerminal(
    "restores the terminal when Ctrl-C ends the command",
    Effect.gen(function* () {
      const terminal = yield* spin(["sleep", "30"])
      yield* terminal.awaitRows(/[|/\\-] building$/)
      yield* terminal.type(ctrlC)
      assert.deepInclude(yield* terminal.ended, { exitCode: 130 })
      assert.notMatch(terminal.rows().join("\n"), /[|/\\-] building/)
      assert.isTrue(terminal.cursor().visible)
    })
  )

  itOnTerminal(
    "passes on a signal from another process",
    Effect.gen(function* () {
      const terminal = yield* spin([process.execPath, "-e", counter])
      yield* terminal.awaitRows(/^pid \d+$/m)
      yield* Effect.sync(() => process.kill(terminal.pid, "SIGTERM"))
      assert.deepInclude(yield* terminal.ended, { exitCode: 143 })
    })
  )
})
