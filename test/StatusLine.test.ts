import { assert, describe, it } from "@effect/vitest"
import xterm from "@xterm/headless"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Screen from "../src/Screen.js"
import * as StatusLine from "../src/StatusLine.js"

/** A terminal emulator: its visible rows, and a change of its width. */
class Emulator extends Context.Tag("test/Emulator")<
  Emulator,
  { readonly rows: Effect.Effect<ReadonlyArray<string>>; readonly resize: (columns: number) => void }
>() {}

const terminal = (columns: number, options?: { readonly wraps: boolean }) =>
  Layer.effectContext(
    Effect.sync(() => {
      const wraps = options?.wraps ?? true
      const screen = new xterm.Terminal({
        cols: columns,
        rows: 10,
        allowProposedApi: true,
        convertEol: true,
        // Such a terminal cuts off lines when it becomes narrower.
        windowsMode: !wraps
      })
      const rows = Effect.async<ReadonlyArray<string>>((resume) => {
        screen.write("", () => {
          const lines = Array.from(
            { length: screen.rows },
            (_, row) =>
              screen.buffer.active.getLine(screen.buffer.active.baseY + row)?.translateToString(true, 0, screen.cols) ??
              ""
          )
          const last = lines.findLastIndex((line) => line.trim() !== "")
          resume(Effect.succeed(lines.slice(0, last + 1).map((line) => line.trimEnd())))
        })
      })
      return Context.make(Screen.Screen, {
        isTerminal: true,
        write: (text) => screen.write(text),
        isBusy: () => false,
        columns: () => screen.cols,
        rows: () => screen.rows,
        movesCursorOnWrap: wraps
      }).pipe(Context.add(Emulator, { rows, resize: (next) => screen.resize(next, 10) }))
    })
  )

const at = (columns: number, options?: { readonly wraps: boolean }) =>
  Layer.provideMerge(StatusLine.layer, terminal(columns, options))

const rows = Effect.flatMap(Emulator, (emulator) => emulator.rows)

describe("StatusLine", () => {
  it.effect("draws one line in place of the previous line", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      line.draw("a long status")
      line.draw("short")
      assert.deepStrictEqual(yield* rows, ["short"])
      line.clear()
      assert.deepStrictEqual(yield* rows, [])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("prints whole lines above itself", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.draw("working")
      line.print("first\nsecond\n", screen.write)
      assert.deepStrictEqual(yield* rows, ["first", "second", "working"])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("is drawn after an unfinished row, and the row can continue", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.draw("| 0/3")
      line.print("BD ", screen.write)
      line.draw("/ 1/3")
      line.print("BR ", screen.write)
      assert.deepStrictEqual(yield* rows, ["BD BR / 1/3"])
      line.clear()
      line.print("CD\n", screen.write)
      assert.deepStrictEqual(yield* rows, ["BD BR CD"])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("waits for the end of an unfinished row that may be a prompt", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.draw("| working")
      line.print("password: ", screen.write, { partial: "wait" })
      line.draw("/ working")
      assert.deepStrictEqual(yield* rows, ["password:"])
      line.print("\n", screen.write, { partial: "wait" })
      line.draw("- working")
      assert.deepStrictEqual(yield* rows, ["password:", "- working"])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("clips to the width of the screen", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      line.draw("a status that does not fit")
      assert.deepStrictEqual(yield* rows, ["a status tha…"])
    }).pipe(Effect.provide(at(14)))
  )

  it.effect("is drawn at the new width after the window became narrower or wider", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const emulator = yield* Emulator
      line.draw("a status that fits well")
      yield* rows
      emulator.resize(12)
      line.draw("a status that fits well")
      assert.deepStrictEqual(yield* rows, ["a status t…"])
      emulator.resize(40)
      line.draw("a status that fits well")
      assert.deepStrictEqual(yield* rows, ["a status that fits well"])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("draws several rows in place of the previous rows, and fewer rows after more", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      line.draw("one\ntwo\nthree")
      assert.deepStrictEqual(yield* rows, ["one", "two", "three"])
      line.draw("1\n2\n3\n4")
      assert.deepStrictEqual(yield* rows, ["1", "2", "3", "4"])
      line.draw("first\nsecond that does not fit at all")
      assert.deepStrictEqual(yield* rows, ["first", "second that does…"])
      line.clear()
      assert.deepStrictEqual(yield* rows, [])
    }).pipe(Effect.provide(at(18)))
  )

  it.effect("prints above several rows, also while they fill the screen", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.draw("a\nb")
      line.print("first\n", screen.write)
      assert.deepStrictEqual(yield* rows, ["first", "a", "b"])
      line.draw(Array.from({ length: 12 }, (_, index) => `${index}`).join("\n"))
      line.print("last\n", screen.write)
      // The emulator has 10 rows. Two stay free for output.
      assert.deepStrictEqual(yield* rows, ["first", "last", ...Array.from({ length: 8 }, (_, index) => `${index}`)])
      line.clear()
      assert.deepStrictEqual(yield* rows, ["first", "last"])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("begins its first row after an unfinished row, and continues below it", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.print("BD ", screen.write)
      line.draw("one\ntwo")
      line.print("BR ", screen.write)
      assert.deepStrictEqual(yield* rows, ["BD BR one", "two"])
      line.clear()
      assert.deepStrictEqual(yield* rows, ["BD BR"])
    }).pipe(Effect.provide(at(40)))
  )

  for (const wraps of [true, false]) {
    it.effect(
      `keeps the rows above it when a terminal that ${wraps ? "wraps" : "cuts off"} lines becomes narrower`,
      () =>
        Effect.gen(function* () {
          const line = yield* StatusLine.StatusLine
          const screen = yield* Screen.Screen
          const emulator = yield* Emulator
          line.print("above\nbelow\n", screen.write)
          line.draw("a status that fits well\nanother status that fits")
          yield* rows
          emulator.resize(14)
          line.draw("a status that fits well\nanother status that fits")
          assert.deepStrictEqual(yield* rows, ["above", "below", "a status tha…", "another stat…"])
          emulator.resize(30)
          line.draw("a status that fits well\nanother status that fits")
          assert.deepStrictEqual(yield* rows, ["above", "below", "a status that fits well", "another status that fits"])
          emulator.resize(9)
          line.clear()
          assert.deepStrictEqual(yield* rows, ["above", "below"])
        }).pipe(Effect.provide(at(40, { wraps })))
    )

    it.effect(
      `erases no row above it if a terminal that ${wraps ? "wraps" : "cuts off"} lines became narrower a moment ago`,
      () =>
        Effect.gen(function* () {
          const line = yield* StatusLine.StatusLine
          const screen = yield* Screen.Screen
          const emulator = yield* Emulator
          line.print("above\n", screen.write)
          // The emulator handles what is written to it after the resize.
          line.draw("a status that fits well\nanother status that fits")
          emulator.resize(14)
          // Each character that is cut off replaces the one in the last column.
          const shown = wraps
            ? ["above", "a status that", "fits well", "another status", " that fits"]
            : ["above", "a status thatl", "another status"]
          assert.deepStrictEqual(yield* rows, shown)
          line.draw("short\nrows")
          assert.deepStrictEqual(yield* rows, ["above", "short", "rows"])
        }).pipe(Effect.provide(at(40, { wraps })))
    )
  }

  it.effect("prints lines together with the next frame, in their order and in one write", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const { writes } = yield* Screen.Recording
      line.printSoon("at once\n")
      line.draw("a\nb")
      line.printSoon("first\n")
      line.printSoon("second\n")
      assert.strictEqual(writes().length, 2)
      line.draw("c\nd")
      assert.deepStrictEqual((yield* Screen.Recording).frames(), ["at once\n", "a\nb", "first\nsecond\nc\nd"])
      line.printSoon("third\n")
      line.clear()
      assert.deepStrictEqual((yield* Screen.Recording).frames().slice(3), ["third\n"])
    }).pipe(Effect.provide(Layer.provideMerge(StatusLine.layer, Screen.layerRecording())))
  )

  it.effect("prints the lines that wait before other output, and if there are many", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.draw("a\nb")
      line.printSoon("first\n")
      line.print("second\n", screen.write)
      line.printSoon("third\n")
      assert.deepStrictEqual(yield* rows, ["first", "second", "a", "b"])
      line.printSoon(`${"x".repeat(64 * 1024)}\n`)
      assert.strictEqual((yield* rows).at(-1), "x".repeat((64 * 1024) % 40))
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("leaves the screen to another program, and is drawn in a new row after it", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const screen = yield* Screen.Screen
      line.print("BD ", screen.write)
      line.draw("one\ntwo")
      line.suspend()
      assert.deepStrictEqual(yield* rows, ["BD"])
      screen.write("\r\n$ fg\r\n")
      line.draw("three\nfour")
      assert.deepStrictEqual(yield* rows, ["BD", "$ fg", "three", "four"])
    }).pipe(Effect.provide(at(40)))
  )

  it.effect("shows progress in the tab in the same write as a frame, when it changes and every 50 frames", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      const { writes } = yield* Screen.Recording
      const sent = () =>
        writes().flatMap((text) => Array.from(text.matchAll(/\u001b\]9;4;(\d;\d+)\u001b\\/g), ([, value]) => value))
      line.draw("working")
      assert.deepStrictEqual(sent(), [])
      line.draw("working", { state: "normal", percent: 42.7 })
      line.draw("working", { state: "normal", percent: 42.8 })
      line.draw("working", { state: "error", percent: 43 })
      assert.strictEqual(writes().length, 4)
      assert.deepStrictEqual(sent(), ["1;42", "2;43"])
      for (let frame = 0; frame < 50; frame++) {
        line.draw("working", { state: "error", percent: 43 })
      }
      assert.deepStrictEqual(sent(), ["1;42", "2;43", "2;43"])
      line.suspend()
      line.draw("working", { state: "paused", percent: 43 })
      line.draw("working", { state: "indeterminate", percent: 0 })
      line.clear()
      line.clear()
      assert.deepStrictEqual(sent().slice(3), ["0;0", "4;43", "3;0", "0;0"])
    }).pipe(Effect.provide(Layer.provideMerge(StatusLine.layer, Screen.layerRecording({ hasTabProgress: true }))))
  )

  it.effect("shows no progress in the tab of a terminal that may not know it", () =>
    Effect.gen(function* () {
      const line = yield* StatusLine.StatusLine
      line.draw("working", { state: "normal", percent: 42 })
      line.clear()
      assert.notInclude((yield* Screen.Recording).writes().join(""), "]9;")
    }).pipe(Effect.provide(Layer.provideMerge(StatusLine.layer, Screen.layerRecording())))
  )

  it.effect("is erased when its layer is closed", () =>
    Effect.gen(function* () {
      yield* Effect.provide(
        Effect.map(StatusLine.StatusLine, (line) => line.draw("working")),
        StatusLine.layer
      )
      assert.deepStrictEqual(yield* rows, [])
    }).pipe(Effect.provide(terminal(40)))
  )
})
