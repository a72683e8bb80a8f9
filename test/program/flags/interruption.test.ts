/**
 * Ctrl-C and SIGTERM at many moments of a run: whole files only, no temporary file, a report that adds up, and the exit
 * code that a shell knows.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { outcomesOf, reportOf } from "../../support/program/eventLines.js"
import { countsIn, engines, itemsIn, sum } from "../../support/program/flagsRun.js"
import { longSpin } from "../../support/program/longSpin.js"
import { type Ended, filesIn, halyard, isAlive, notWhole, temporaryDirectory } from "../../support/program/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal } from "../../support/program/pseudoTerminal.js"

type StopSignal = "SIGINT" | "SIGTERM"

/** Where a signal comes before the program has taken it on, the system ends the process by it. */
const codeOf = ({ exitCode, signal }: Ended): number | null =>
  signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : exitCode

/** Sends two signals. If the machine pauses between them, they are more than 300 ms apart, and that is to be tried again. */
const afterTwoSignals = (engine: string) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const program = yield* halyard(["flags", "-v", "-s", "DELAY", "--engine", engine, "-d", directory])
    yield* program.awaitOutput(/connections? will be used/)
    const sentAt = yield* Clock.currentTimeMillis
    yield* program.signal("SIGINT")
    yield* Effect.sleep("20 millis")
    yield* program.signal("SIGINT")
    const apartMillis = (yield* Clock.currentTimeMillis) - sentAt
    return { ended: yield* program.ended, apartMillis }
  })

interface Moment {
  readonly afterMillis: number
  readonly signal: StopSignal
}

/** Interrupts a run at a moment, and gives what is wrong with what it left behind: nothing, if all is well. */
const problems = (moment: Moment, total: number, parameters: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const program = yield* halyard(["flags", "-d", directory, ...parameters])
    yield* Effect.sleep(moment.afterMillis)
    yield* program.signal(moment.signal)
    const ended = yield* program.ended
    const { stderr, stdout } = ended
    const counts = countsIn(stdout)
    const begun = stdout.includes("Searching for ")
    const saved = filesIn(directory)
    const complete = codeOf(ended) === 0 || codeOf(ended) === 1
    const checks: Readonly<Record<string, boolean>> = {
      "exit code": complete ? sum(counts) === total : codeOf(ended) === (moment.signal === "SIGINT" ? 130 : 143),
      "counts add up": begun ? sum(counts) === total : stdout === "",
      "one report": (stdout.match(/^Elapsed time: |downloaded in /gm) ?? []).length === (begun ? 1 : 0),
      "every saved file is counted": (counts["flag"] ?? 0) === saved.length,
      "every item is told":
        !begun || itemsIn(stdout).filter((item) => item.endsWith(" OK")).length === (counts["flag"] ?? 0),
      "whole files only": notWhole(directory).length === 0,
      quiet: /^(?:downloading flags: \d+\/\d+\n)?$/.test(stderr)
    }
    const wrong = Object.entries(checks).flatMap(([what, right]) => (right ? [] : [what]))
    return wrong.length === 0 ? [] : [{ ...moment, parameters: parameters.join(" "), wrong, stdout, stderr, saved }]
  }).pipe(Effect.scoped)

const moments = (count: number, millis: number): ReadonlyArray<Moment> =>
  Array.from({ length: count }, (_, index) => ({
    afterMillis: Math.round((index * millis) / (count - 1)),
    signal: index % 4 === 3 ? "SIGTERM" : "SIGINT"
  }))

describe.concurrent("interruption of halyard flags", () => {
  for (const engine of engines) {
    it.live(`leaves whole files and consistent counts, at any moment of a slow run: ${engine}`, () =>
      Effect.gen(function* () {
        const found = yield* Effect.forEach(
          moments(10, 1500),
          (moment) => problems(moment, 20, ["-v", "-s", "DELAY", "--seed=7", "-m20", "--engine", engine]),
          { concurrency: 2 }
        )
        assert.deepStrictEqual(found.flat(), [])
      })
    )

    it.live(`leaves whole files and consistent counts, during a fast run: ${engine}`, () =>
      Effect.gen(function* () {
        const found = yield* Effect.forEach(
          moments(4, 600).map((moment) => ({ ...moment, afterMillis: moment.afterMillis + 300 })),
          (moment) => problems(moment, 676, ["-ev", "--engine", engine]),
          { concurrency: 2 }
        )
        assert.deepStrictEqual(found.flat(), [])
      })
    )

    it.live(`counts two signals within 300 ms as one: ${engine}`, () =>
      Effect.gen(function* () {
        const { ended } = yield* Effect.repeat(Effect.scoped(afterTwoSignals(engine)), {
          until: ({ apartMillis }) => apartMillis < 200
        })
        assert.strictEqual(ended.exitCode, 130)
        assert.strictEqual(sum(countsIn(ended.stdout)), 20)
      })
    )

    itOnTerminal(
      `takes the rows away, shows the cursor and the report, on Ctrl-C: ${engine}`,
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        const terminal = yield* halyardOnTerminal(["flags", "-s", "DELAY", "--seed=7", "-m20", "--engine", engine], {
          cwd
        })
        yield* terminal.awaitRows(/^\d+\/20 {2}\[=*>? *\] {2}\d/m)
        assert.isFalse(terminal.cursor().visible)
        yield* terminal.type(ctrlC)
        const { exitCode } = yield* terminal.ended
        const screen = terminal.rows().join("\n")
        assert.strictEqual(exitCode, 130)
        assert.isTrue(terminal.cursor().visible)
        assert.notMatch(screen, /\d\/20|\.gif/)
        assert.match(
          screen,
          /^ *\d+ flags? downloaded\.\n *\d+ cancelled\.\n(?: *\d+ not started\.\n)?Elapsed time: \d+\.\d\ds$/m
        )
        assert.strictEqual(sum(countsIn(screen)), 20)
        assert.deepStrictEqual(notWhole(`${cwd}/downloads`), [])
        assert.strictEqual(terminal.cursor().column, 0)
      })
    )
  }

  it.scopedLive("reports each flag once with --json", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const program = yield* halyard(["flags", "--json", "-s", "DELAY", "--seed=7", "-m20"], { cwd })
      yield* program.awaitOutput(/"outcome":"Saved"/)
      yield* program.signal("SIGINT")
      const { exitCode, stdout } = yield* program.ended
      assert.strictEqual(exitCode, 130)
      assert.strictEqual(new Set(outcomesOf(stdout).map(({ code }) => code)).size, 20)
      assert.strictEqual(outcomesOf(stdout).length, 20)
      const { cancelled, failed, notModified, notStarted = 0, saved, skipped } = reportOf(stdout)
      assert.deepStrictEqual([skipped, notModified, saved + failed + cancelled + notStarted], [0, 0, 20])
      const unsent = outcomesOf(stdout).filter((line) => line.outcome === "Cancelled" && line.attempts === 0)
      assert.strictEqual(notStarted, unsent.length)
    })
  )

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.scopedLive(`ends spin and its thread: ${signal}`, () =>
      Effect.forEach(
        [["spin"], ["spin", "--engine=thread"], ["spin", "--blocking"]],
        (line) =>
          Effect.gen(function* () {
            const program = yield* halyard(line, { env: longSpin })
            yield* program.awaitOutput(/spinner object/)
            yield* program.signal(signal)
            const ended = yield* program.ended
            assert.strictEqual(codeOf(ended), signal === "SIGINT" ? 130 : 143, line.join(" "))
            assert.strictEqual(ended.stderr, "thinking!\n")
            assert.notInclude(ended.stdout, "Answer")
            assert.isFalse(isAlive(program.pid))
          }).pipe(Effect.scoped),
        { concurrency: 3 }
      )
    )
  }

  for (const line of [["spin"], ["spin", "--engine=thread"], ["spin", "--blocking"]]) {
    itOnTerminal(
      `restores the terminal on Ctrl-C: ${line.join(" ")}`,
      Effect.gen(function* () {
        const terminal = yield* halyardOnTerminal(line, { env: longSpin })
        yield* terminal.awaitRows(line.includes("--blocking") ? /spinner object/ : /[|/\\-] thinking!$/)
        yield* terminal.type(ctrlC)
        const { exitCode, signal } = yield* terminal.ended
        // Nothing can answer while the main thread is blocked: there the signal itself ends the process.
        assert.include([130, 2], exitCode === 0 ? signal : exitCode)
        assert.isTrue(terminal.cursor().visible)
        assert.notInclude(terminal.rows().join("\n"), "Answer")
        if (line.length === 1) {
          assert.notInclude(terminal.rows().join("\n"), "thinking!")
        }
      })
    )
  }
})
