import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as Screen from "../src/Screen.js"
import * as Spinner from "../src/Spinner.js"

const on = (options?: Parameters<typeof Screen.layerRecording>[0]) =>
  Layer.provideMerge(Spinner.layer, Screen.layerRecording(options))

const frames = Effect.map(Screen.Recording, (recording) => recording.frames())
const raw = Effect.map(Screen.Recording, (recording) => recording.writes().join(""))

const hidden = "\u001b[?25l"
const shown = "\u001b[?25h"

const slow = Effect.as(Effect.sleep("3 seconds"), 42)

describe("Spinner", () => {
  it.effect("draws 30 frames in 3 seconds, in order, and erases the last frame", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(slow, { message: "thinking!" }))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 42)
      const drawn = yield* frames
      assert.strictEqual(drawn.length, 30)
      assert.deepStrictEqual(drawn.slice(0, 5), [
        "| thinking!",
        "/ thinking!",
        "- thinking!",
        "\\ thinking!",
        "| thinking!"
      ])
      const text = yield* raw
      assert.isTrue(text.endsWith(`\r\u001b[J${shown}`))
    }).pipe(Effect.provide(on()))
  )

  it.effect("draws the same frames if the clock advances one interval at a time", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(slow, { message: "thinking!" }))
      yield* Effect.forEach(Array.from({ length: 30 }), () => TestClock.adjust("100 millis"), { discard: true })
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* frames).length, 30)
    }).pipe(Effect.provide(on()))
  )

  for (const [how, effect] of [
    ["success", Effect.sleep("1 second")],
    ["failure", Effect.zipRight(Effect.sleep("1 second"), Effect.fail("broken"))],
    ["death", Effect.zipRight(Effect.sleep("1 second"), Effect.die("bug"))],
    ["interruption", Effect.zipRight(Effect.sleep("1 second"), Effect.interrupt)]
  ] as const) {
    it.effect(`erases its line and shows the cursor on ${how}`, () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.exit(Spinner.withSpinner(effect, { message: "working" })))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        const text = yield* raw
        assert.strictEqual(text.split(hidden).length - 1, 1)
        assert.isTrue(text.endsWith(`\r\u001b[J${shown}`))
      }).pipe(Effect.provide(on()))
    )
  }

  it.effect("erases its line when the caller is interrupted at any frame", () =>
    Effect.forEach(
      Array.from({ length: 8 }, (_, index) => index),
      (index) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(Spinner.withSpinner(Effect.never, { message: "working" }))
          yield* TestClock.adjust(index * 50)
          yield* Fiber.interrupt(fiber)
          const text = yield* raw
          assert.isTrue(text === "" || text.endsWith(`\r\u001b[J${shown}`))
          yield* TestClock.adjust("1 second")
          assert.strictEqual(yield* raw, text)
        }).pipe(Effect.provide(Layer.fresh(on()))),
      { discard: true }
    )
  )

  it.effect("writes one final line for the result", () =>
    Effect.gen(function* () {
      const final = Exit.match({ onFailure: () => "✗ broken", onSuccess: (value: number) => `✓ ${value}` })
      yield* Spinner.withSpinner(Effect.succeed(42), { final })
      yield* Effect.ignore(Spinner.withSpinner(Effect.zipRight(Effect.fail("no"), Effect.succeed(0)), { final }))
      const text = yield* raw
      assert.strictEqual(text, "✓ 42\n✗ broken\n")
    }).pipe(Effect.provide(on()))
  )

  it.effect("draws nothing for an effect that ends within half an interval", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(Effect.sleep("40 millis"), { message: "quick" }))
      yield* TestClock.adjust("40 millis")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* raw, "")
    }).pipe(Effect.provide(on()))
  )

  it.effect("writes one plain line if the screen is not a terminal", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(slow, { message: "thinking!" }))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* raw, "thinking!\n")
    }).pipe(Effect.provide(on({ isTerminal: false })))
  )

  it.effect("clips frames to the columns of the screen", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(Effect.sleep("1 second"), { message: "東京東京東京" }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* frames)[0], "| 東京…")
    }).pipe(Effect.provide(on({ columns: 8 })))
  )

  it.effect("draws nothing on a screen that has no room", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(Effect.sleep("1 second"), { message: "wide" }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* frames, [])
    }).pipe(Effect.provide(on({ columns: 1 })))
  )

  it.effect("shows control characters of a message as escapes", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Spinner.withSpinner(Effect.sleep("1 second"), { message: "a\u001b[2J\nb" }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* frames)[0], "| a\\x1b[2J\\x0ab")
    }).pipe(Effect.provide(on()))
  )

  for (const [what, say] of [
    ["console lines", Console.log("half way")],
    ["log lines", Effect.log("half way")]
  ] as const) {
    it.effect(`is erased before ${what} and drawn again below them`, () =>
      Effect.gen(function* () {
        const screen = yield* Screen.Screen
        const recording = yield* Screen.Recording
        const console = yield* Console.consoleWith(Effect.succeed)
        const write = (text: unknown) => screen.write(`${text}\n`)
        const written: Console.Console = {
          ...console,
          log: (text) => Effect.sync(() => write(text)),
          unsafe: { ...console.unsafe, log: write }
        }
        const work = Effect.sleep("225 millis").pipe(Effect.zipRight(say), Effect.zipRight(Effect.sleep("1 second")))
        const fiber = yield* Effect.fork(Effect.withConsole(Spinner.withSpinner(work, { message: "working" }), written))
        yield* TestClock.adjust("225 millis")
        const [wiped, line, frame] = recording.writes().slice(-3)
        assert.strictEqual(wiped, "\r\u001b[J")
        assert.match(line ?? "", /half way.*\n$/)
        assert.strictEqual(frame, "\u001b[?7l\r/ working\u001b[J\u001b[?7h\r")
        yield* Fiber.interrupt(fiber)
      }).pipe(Effect.provide([on(), Logger.add(Logger.withConsoleLog(Logger.stringLogger))]))
    )
  }

  it.effect("calls a message function for every frame", () =>
    Effect.gen(function* () {
      let count = 0
      const fiber = yield* Effect.fork(
        Spinner.withSpinner(Effect.sleep("300 millis"), { message: () => `${++count} of 3`, frames: ["*"] })
      )
      yield* TestClock.adjust("300 millis")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* frames, ["* 1 of 3", "* 2 of 3", "* 3 of 3"])
    }).pipe(Effect.provide(on()))
  )
})
