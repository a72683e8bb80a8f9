/**
 * Row S2: a task turns the spinner while a function awaits for 3 s; then the task is cancelled and wipes its line. If the
 * function blocks the event loop instead, no frame is shown.
 *
 * `create_task(spin())`, `await slow_function()`, `cancel()` → `Supervisor.supervise(slow, { companions: { spinner } })`
 */
import { assert, describe, it } from "@effect/vitest"
import xterm from "@xterm/headless"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Screen from "../../src/Screen.js"
import * as Spinner from "../../src/Spinner.js"
import * as Supervisor from "../../src/Supervisor.js"
import { halyardOnTerminal, itOnTerminal } from "../support/program/pseudoTerminal.js"

const onScreen = Effect.provide(Layer.provideMerge(Spinner.layer, Screen.layerRecording()))

/** The chapter's program: it says what the task is, and what the answer. */
const program = <E>(slowFunction: Effect.Effect<number, E>) =>
  Effect.gen(function* () {
    const spinner = yield* Spinner.Spinner
    const answer = yield* Supervisor.supervise(slowFunction, {
      companions: { spinner: spinner.spin({ message: "thinking!" }) },
      onStart: (children) =>
        Effect.forEach(children, (child) => Effect.flatMap(Supervisor.describe(child), spinner.line), { discard: true })
    })
    yield* spinner.line(`Answer: ${answer}`)
  })

const slow = Effect.as(Effect.sleep("3 seconds"), 42)

const written = Effect.map(Screen.Recording, (recording) => recording.writes().join(""))

const framesOf = (output: string) => output.match(/[|/\\-] thinking!/g) ?? []

/** The rows that a person sees in the end. */
const rowsOf = (output: string) =>
  Effect.async<ReadonlyArray<string>>((resume) => {
    const screen = new xterm.Terminal({ cols: 80, rows: 24, allowProposedApi: true, convertEol: true })
    screen.write(output, () => {
      const rows = Array.from({ length: 24 }, (_, row) => screen.buffer.active.getLine(row)?.translateToString(true))
      resume(Effect.succeed(rows.map((row) => row?.trimEnd() ?? "").filter((row) => row !== "")))
    })
  })

describe("S2: a spinner as a task beside an awaiting function", () => {
  it.effect("describes the task, draws 30 frames in 3 seconds, and erases them when the function returns", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(program(slow))
      yield* TestClock.adjust("2999 millis")
      assert.strictEqual((yield* rowsOf(yield* written))[1], "/ thinking!")
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      const output = yield* written
      assert.deepStrictEqual(
        framesOf(output),
        Array.from({ length: 30 }, (_, index) => `${"|/-\\"[index % 4]} thinking!`)
      )
      const [task, answer, ...more] = yield* rowsOf(output)
      assert.match(task ?? "", /^spinner object: Fiber\(#\d+, (running|suspended)\)$/)
      assert.strictEqual(answer, "Answer: 42")
      assert.deepStrictEqual(more, [])
    }).pipe(onScreen)
  )

  for (const [how, end] of [
    ["the function fails", () => Effect.zipRight(Effect.sleep("1 second"), Effect.fail("broken"))],
    ["the function dies", () => Effect.zipRight(Effect.sleep("1 second"), Effect.die("bug"))],
    ["the program is interrupted", () => Effect.zipRight(Effect.sleep("1 second"), Effect.interrupt)]
  ] as const) {
    it.effect(`stops the spinner when ${how}`, () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(program(end()))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
        const output = yield* written
        assert.strictEqual(framesOf(output).length, 10)
        assert.strictEqual((yield* rowsOf(output)).length, 1)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* written, output)
      }).pipe(onScreen)
    )
  }

  itOnTerminal(
    "shows no frame when the function blocks the event loop, and the same answer",
    Effect.gen(function* () {
      const awaiting = yield* halyardOnTerminal(["spin"])
      const blocking = yield* halyardOnTerminal(["spin", "--blocking"])
      for (const terminal of [awaiting, blocking]) {
        assert.strictEqual((yield* terminal.ended).exitCode, 0)
        const [task, answer, ...more] = terminal.rows()
        assert.match(task ?? "", /^spinner object: Fiber\(#\d+, (running|suspended)\)$/)
        assert.strictEqual(answer, "Answer: 42")
        assert.deepStrictEqual(more, [])
      }
      // 30 on an idle machine. On a busy one the first comes before the function blocks the event loop.
      assert.isAbove(framesOf(awaiting.raw()).length, 1)
      assert.isAtMost(framesOf(blocking.raw()).length, 1)
    })
  )
})
