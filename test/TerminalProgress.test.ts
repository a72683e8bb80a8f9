import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as Progress from "../src/Progress.js"
import * as Screen from "../src/Screen.js"
import * as TerminalProgress from "../src/TerminalProgress.js"
import { layer, Origin } from "../src/testing.js"
import { fetchAll } from "./examples/terminalProgress.js"
import { advanced, saved, started } from "./support/recorded/runEvents.js"

const on = (options?: TerminalProgress.Options, screen?: { readonly isTerminal: boolean }) =>
  TerminalProgress.layer(options).pipe(Layer.provideMerge(Screen.layerRecording(screen)))

const send = (event: Parameters<typeof Progress.Progress.Service.event>[0]) =>
  Effect.flatMap(Progress.Progress, (progress) => progress.event(event))

let logged = 0

/** Runs an effect with a log whose console only counts the lines. */
const counting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Console.consoleWith((inner) => {
    const unsafe = new Proxy(inner.unsafe, { get: () => () => logged++ })
    const console = new Proxy(inner, {
      get: (target, property) => (property === "unsafe" ? unsafe : Reflect.get(target, property, target))
    })
    return Effect.withConsole(effect, console)
  }).pipe(Effect.provide(Logger.add(Logger.withConsoleLog(Logger.stringLogger))))

/** What was drawn since the last call. */
const frames = () => {
  let read = 0
  return Effect.map(Screen.Recording, (recording) => {
    const all = recording.frames()
    const since = all.slice(read)
    read = all.length
    return since
  })
}

describe("TerminalProgress", () => {
  it.effect("draws ten frames a second while a transfer is in flight, and nothing before and after", () =>
    Effect.gen(function* () {
      const next = frames()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* next, [])
      yield* send(started("disk.iso"))
      yield* TestClock.adjust("200 millis")
      yield* send(advanced("disk.iso", 1_000_000, 10_000_000))
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(yield* next, [
        "disk.iso  |  0 B  after 1 s",
        "disk.iso  /  0 B  after 1 s",
        "disk.iso  [====>                                   ]  10%  1.0 MB/10.0 MB",
        "disk.iso  [====>                                   ]  10%  1.0 MB/10.0 MB"
      ])
      yield* send(saved("disk.iso", 10_000_000))
      yield* TestClock.adjust("1 minute")
      const after = yield* next
      assert.isAtMost(after.length, 30)
      assert.strictEqual(after.at(-1), "\\  1 done, 0 in flight  10.0 MB  1.4 MB/s")
      yield* send(started("notes.pdf"))
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* next, ["notes.pdf  |  0 B  after 1 s"])
    }).pipe(Effect.provide(on()))
  )

  it.effect("keeps the counts of a run between two of its files", () =>
    Effect.gen(function* () {
      const next = frames()
      for (const name of ["a", "b"]) {
        yield* send(started(name))
        yield* TestClock.adjust("2 seconds")
        yield* send(saved(name, 10))
        yield* TestClock.adjust("500 millis")
      }
      assert.match((yield* next).at(-1) ?? "", /^2\/3 {2}\[=+> +\] {2}20 B/)
    }).pipe(Effect.provide(on({ expected: 3 })))
  )

  it.effect("writes a line at the start and every ten seconds without a terminal", () =>
    Effect.gen(function* () {
      yield* send(started("disk.iso"))
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual((yield* Screen.Recording).frames(), [
        "fetching: disk.iso  0 B  after 1 s\n",
        "fetching: disk.iso  0 B  no bytes for 10 s\n"
      ])
    }).pipe(Effect.provide(on({ label: "fetching" }, { isTerminal: false })))
  )

  it.effect("erases its rows around the log of the program, and when its scope closes", () =>
    Effect.gen(function* () {
      const { frames, writes } = yield* Effect.gen(function* () {
        const fiber = yield* Effect.fork(fetchAll)
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(fiber)
        return yield* Screen.Recording
      }).pipe(Effect.provide(on({ expected: 2 })))
      const drawn = frames()
      assert.strictEqual(drawn[0], "0/2  [>                                       ]  0 B")
      assert.match(drawn.at(-1) ?? "", /^2\/2 {2}\[=+\] {2}20 B/)
      // Erased before the log line, and once more at the end.
      assert.deepStrictEqual(writes().filter((text) => text === "\r\u001b[J").length, 2)
      assert.strictEqual(writes().at(-1), "\u001b[?25h")
      assert.strictEqual(logged, 1)
    }).pipe(
      Effect.provide(
        layer((request) => Origin.file(request, "0123456789", { chunkBytes: 1, chunkDelay: "300 millis" }))
      ),
      counting
    )
  )
})
