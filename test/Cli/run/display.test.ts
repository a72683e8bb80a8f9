import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Display from "../../../src/Cli/run/display.js"
import * as Screen from "../../../src/Screen.js"
import * as Spinner from "../../../src/Spinner.js"
import { indeterminate } from "../../../src/StatusLine.js"
import { hostWith } from "../../support/program/commandLine.js"

/** What is written in 25 seconds. */
const written = (progress: Display.Progress, isTerminal: boolean) => {
  let lines = 0
  const content = {
    tabProgress: indeterminate,
    rows: (frame: string) => `${frame} one\ntwo`,
    line: () => `line ${++lines}`
  }
  return Effect.gen(function* () {
    const fiber = yield* Effect.fork(Display.show(progress, content))
    yield* TestClock.adjust("25 seconds")
    const frames = (yield* Screen.Recording).frames()
    yield* Fiber.interrupt(fiber)
    return frames
  }).pipe(
    Effect.provide(
      Layer.provideMerge(
        Spinner.layer,
        Layer.merge(
          Screen.layerRecording({ isTerminal }),
          hostWith(() => {})
        )
      )
    )
  )
}

const lines = ["line 1\n", "line 2\n", "line 3\n"]

describe("the progress of a command", () => {
  it.effect("is a line at the beginning and every ten seconds without a terminal, also with bar", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* written("auto", false), lines)
      assert.deepStrictEqual(yield* written("bar", false), lines)
    })
  )

  it.effect("is lines on a terminal with plain, and nothing with none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* written("plain", true), lines)
      assert.deepStrictEqual(yield* written("none", true), [])
      assert.deepStrictEqual(yield* written("none", false), [])
    })
  )

  it.effect("is ten frames a second on a terminal, each with one write", () =>
    Effect.gen(function* () {
      const frames = yield* written("auto", true)
      assert.strictEqual(frames.length, 250)
      assert.deepStrictEqual(frames.slice(0, 2), ["| one\ntwo", "/ one\ntwo"])
    })
  )
})
