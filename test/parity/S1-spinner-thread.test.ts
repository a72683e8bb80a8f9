/**
 * Row S1: a thread turns the spinner while the function really blocks the main thread for 3 s. Nothing can kill a thread
 * from outside: a shared signal asks it to stop, and then it is joined. Only a machine shows that, so here the built
 * program runs in a terminal.
 *
 * `Thread(target=spin)`, `signal.go = False`, `join()` → `halyard spin --engine thread`: a worker thread, a
 * `SharedArrayBuffer`, and an `acquireUseRelease` whose release asks and waits
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { longSpin } from "../support/program/longSpin.js"
import { bin } from "../support/program/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal, startOnTerminal } from "../support/program/pseudoTerminal.js"

// Says so whenever a timer of the main thread fires.
const ticking = `import { isMainThread } from "node:worker_threads"
if (isMainThread) setInterval(() => process.stdout.write("<tick>"), 10).unref()`

const spin = ["spin", "--engine", "thread"]

const frame = /\r[|/\\-] thinking!/g

const framesOf = (raw: string) => raw.match(frame) ?? []

describe.concurrent("S1: a spinner in a thread beside a blocking function", () => {
  itOnTerminal(
    "turns while the main thread is blocked: between its frames no timer of that thread fires",
    Effect.gen(function* () {
      const preload = ["--import", `data:text/javascript,${encodeURIComponent(ticking)}`]
      const terminal = yield* startOnTerminal(process.execPath, [...preload, bin, ...spin])
      yield* terminal.ended
      const frames = framesOf(terminal.raw())
      // How many there are in 3 s is up to the machine; two turns there are on any.
      assert.isAtLeast(frames.length, 8)
      frames.forEach((text, index) => {
        assert.strictEqual(text, `\r${"|/-\\"[index % 4]} thinking!`)
      })
      // Without the first and the last few, around which the main thread is at work.
      const between = terminal.raw().split(frame).slice(3, -3)
      assert.deepStrictEqual(new Set(between), new Set([""]))
      assert.include(terminal.raw(), "<tick>")
    })
  )

  itOnTerminal(
    "has asked and joined the thread before it shows the answer: the line is wiped, and nothing is drawn any more",
    Effect.gen(function* () {
      const terminal = yield* halyardOnTerminal(spin)
      yield* terminal.awaitRows(/^[|/\\-] thinking!$/m)
      assert.strictEqual((yield* terminal.ended).exitCode, 0)
      const afterLastFrame = terminal.raw().split(frame).at(-1)
      assert.strictEqual(afterLastFrame, `\r${" ".repeat("| thinking!".length)}\rAnswer: 42\r\n`)
      const [thread, answer, ...more] = terminal.rows()
      assert.match(thread ?? "", /^spinner object: Worker\(thread \d+, running\)$/)
      // The blanks that wiped the last frame reach one column further than the answer.
      assert.strictEqual(answer?.trimEnd(), "Answer: 42")
      assert.deepStrictEqual(more, [])
    })
  )

  itOnTerminal(
    "is ended by Ctrl-C at once, although no handler can run in a thread that is blocked",
    Effect.gen(function* () {
      const terminal = yield* halyardOnTerminal(spin, { env: longSpin })
      yield* terminal.awaitRows(/^[|/\\-] thinking!$/m)
      yield* terminal.type(ctrlC)
      assert.strictEqual((yield* terminal.ended).signal, 2)
      assert.notInclude(terminal.raw(), "Answer")
    })
  )
})
