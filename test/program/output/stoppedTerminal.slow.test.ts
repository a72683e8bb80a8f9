/**
 * A terminal or a pipe that takes no output (Ctrl-S, a slow reader). Signals are handled, no line is lost, and the waiting text has
 * a limit.
 */
import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { bin, filesIn, temporaryDirectory } from "../../support/program/program.js"
import { ctrlQ, ctrlS, halyardOnTerminal, itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"
import { http } from "../../support/servers/loopback.js"

// Side by side, because most of their time is spent waiting for other processes.
describe.concurrent("a terminal that takes no output", () => {
  for (const [line, shown] of [
    [["spin"], /thinking!$/],
    [["spin", "-m", "beside", "--", "sleep", "30"], /beside$/],
    [["spin", "-m", "beside", "--", "yes"], /^y$/m],
    [["flags", "-s", "DELAY"], /^\d+\/20 {2}/m],
    [["get", "-i", "-"], /downloading/]
  ] as const) {
    itOnTerminal(
      `does not block SIGTERM: halyard ${line.join(" ")}`,
      Effect.gen(function* () {
        const terminal = yield* halyardOnTerminal(line, { cwd: yield* temporaryDirectory })
        yield* terminal.awaitRows(shown)
        yield* terminal.type(ctrlS)
        // Long enough for frames that the terminal does not take.
        yield* Effect.sleep("400 millis")
        yield* Effect.sync(() => process.kill(terminal.pid, "SIGTERM"))
        assert.deepInclude(yield* terminal.ended, { exitCode: 143 })
      })
    )
  }

  itOnTerminal(
    "gets every line later",
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const script = "echo 0; while [ ! -e go ]; do sleep 0.05; done; seq 1 1000; seq 1001 2000 >&2; echo >done"
      // The shell waits, because a pseudo-terminal drops unread output soon after its last process has ended.
      const terminal = yield* startOnTerminal(
        "sh",
        ["-c", `"$0" "$1" spin -m building -- sh -c '${script}'; read answer`, process.execPath, bin],
        { cwd }
      )
      yield* terminal.awaitRows(/^0\n. building$/m)
      yield* terminal.type(ctrlS)
      writeFileSync(`${cwd}/go`, "")
      yield* until(
        "end of the command",
        () => filesIn(cwd).includes("done") || undefined,
        () => ""
      )
      yield* terminal.type(ctrlQ)
      yield* terminal.awaitRows(/✓ building$/)
      const rows = terminal.rows()
      // The two outputs of the command are two pipes.
      const numbers = rows.slice(0, -1).map(Number)
      assert.deepStrictEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: 2001 }, (_, index) => index)
      )
      yield* terminal.type("\r")
      yield* terminal.ended
    })
  )

  itOnTerminal(
    "pauses a command that writes without end",
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      // Counts the blocks of 128 KiB that the program has taken from it.
      const script = `i=0; while [ $i -lt 20 ]; do yes ${"x".repeat(70)} | head -c 131072; i=$((i+1)); echo $i >count; done`
      const terminal = yield* halyardOnTerminal(["spin", "-m", "x", "--", "sh", "-c", script], { cwd })
      yield* terminal.type(ctrlS)
      const count = () => (filesIn(cwd).includes("count") ? Number(readFileSync(`${cwd}/count`, "utf8")) : 0)
      const settled = Effect.gen(function* () {
        let before = -1
        while (count() !== before || before === 0) {
          before = count()
          yield* Effect.sleep("700 millis")
        }
        return before
      })
      assert.isBelow(yield* settled, 20)
      yield* terminal.type(ctrlQ)
      assert.deepInclude(yield* terminal.ended, { exitCode: 0 })
      assert.strictEqual(count(), 20)
    })
  )
})

/** Starts the program with a standard output that is read when `read` is called. */
const unread = (parameters: ReadonlyArray<string>, cwd: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [bin, ...parameters], { cwd, stdio: ["ignore", "pipe", "ignore"] })
      let exitCode: number | null = null
      child.once("exit", (code) => {
        exitCode = code
      })
      let bytes = 0
      const read = () =>
        child.stdout.on("data", (chunk: Buffer) => {
          bytes += chunk.length
        })
      const ended = until(
        "end",
        () => exitCode ?? undefined,
        () => `${bytes} bytes`
      )
      return { signal: (signal: NodeJS.Signals) => child.kill(signal), read, bytes: () => bytes, ended, child }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

describe.concurrent("a pipe that is not read", () => {
  const many = 2500
  // Each line that is printed has over a thousand characters.
  const directory = Array.from({ length: 6 }, () => "d".repeat(200)).join("/")

  const download = Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    let requests = 0
    const origin = yield* http((_, response) => {
      requests++
      response.end("x")
    })
    writeFileSync(`${cwd}/list`, Array.from({ length: many }, (_, index) => `${origin.url}/${index}\n`).join(""))
    const program = yield* unread(["get", "-i", "list", "-d", directory, "--durability", "rename"], cwd)
    const settled = Effect.gen(function* () {
      let before = -1
      while (requests !== before || before === 0) {
        before = requests
        yield* Effect.sleep("700 millis")
      }
    })
    yield* settled
    assert.isBelow(requests, many)
    return { program, requests: () => requests }
  })

  it.scopedLive("delays the following URLs until it is read", () =>
    Effect.gen(function* () {
      const { program, requests } = yield* download
      program.read()
      assert.strictEqual(yield* program.ended, 0)
      assert.strictEqual(requests(), many)
      assert.isAbove(program.bytes(), many * directory.length)
    })
  )

  it.scopedLive("does not block signals to the program", () =>
    Effect.gen(function* () {
      const { program } = yield* download
      program.signal("SIGINT")
      assert.strictEqual(yield* program.ended, 130)
    })
  )
})
