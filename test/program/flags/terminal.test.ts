/**
 * `halyard flags` on a terminal: the rows of the run below the codes, and nothing of them left at the end.
 */
import { readFileSync } from "node:fs"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { countsIn, engines, itemsIn, patient, populous } from "../../support/program/flagsRun.js"
import { bin, notWhole, temporaryDirectory } from "../../support/program/program.js"
import { halyardOnTerminal, itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"

/** The row of the run, and a row of flags that take longer than a second. */
const rows =
  "[1-9]\\d?/20 {2}\\[=*>? *\\] {2}\\d+\\.?\\d* k?B.*\n[a-z]{2}\\.gif {2}and others: nothing received in \\d s"

describe.concurrent("halyard flags on a terminal", () => {
  for (const engine of engines) {
    itOnTerminal(
      `leaves what a pipe would get, in rows that fit: ${engine}`,
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        const terminal = yield* halyardOnTerminal(patient(["--engine", engine]), { cwd, columns: 50 })
        assert.deepInclude(yield* terminal.ended, { exitCode: 0 })
        const rows = terminal.rows()
        assert.strictEqual(rows[1], "Searching for 20 flags: from BD to VN")
        assert.match(rows[2] ?? "", /^\d+ (?:concurrent connections|connection) will be used\.$/)
        assert.deepStrictEqual(rows.slice(3, -1).join(" ").split(/\s+/).sort(), populous)
        assert.match(rows.at(-1) ?? "", /^20 flags downloaded in \d+\.\d\ds$/)
        assert.deepStrictEqual(terminal.cursor(), { column: 0, row: rows.length, visible: true })
        assert.deepStrictEqual(notWhole(`${cwd}/downloads`), [])
      })
    )
  }

  itOnTerminal(
    "shows a bar, the counts and the flags that take longest, below the codes or the lines",
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const slow = ["flags", "-s", "DELAY", "--seed=7", "--timeout=2.5", "-m20"]
      const [codes, lines] = yield* Effect.all(
        [halyardOnTerminal(slow, { cwd }), halyardOnTerminal([...slow, "-v"], { cwd })],
        { concurrency: 2 }
      )
      yield* codes.awaitRows(
        new RegExp(`^20 concurrent connections will be used\\.\n[A-Z]{2}(?: [A-Z]{2})*\n${rows}$`, "m")
      )
      yield* lines.awaitRows(new RegExp(`\n[A-Z]{2} OK\n${rows}$`))
      assert.isFalse(lines.cursor().visible)
      yield* Effect.all([codes.ended, lines.ended])
      for (const terminal of [codes, lines]) {
        const screen = terminal.rows().join("\n")
        assert.notMatch(screen, /\d\/20|\.gif/)
        assert.strictEqual((countsIn(screen)["flag"] ?? 0) + (countsIn(screen)["error"] ?? 0), 20)
        assert.isTrue(terminal.cursor().visible)
      }
      assert.strictEqual(itemsIn(lines.rows().join("\n")).length, 20)
    })
  )

  itOnTerminal(
    "shows the rows if standard error is the terminal, and not if only standard output is",
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const start = (redirection: string) =>
        startOnTerminal(
          "sh",
          ["-c", `"$0" "$1" flags -s DELAY --timeout=0.3 -l2 ${redirection}`, process.execPath, bin],
          { cwd }
        )
      const [drawn, plain] = yield* Effect.all([start("> out"), start("2> errors")], { concurrency: 2 })
      yield* drawn.awaitRows(/^0\/2 {2}\[> +\] {2}0 B$/)
      yield* Effect.all([drawn.ended, plain.ended])
      const reason = "2 errors: timed out after 0.3s waiting for the response"
      assert.deepStrictEqual(drawn.rows(), [reason])
      assert.isTrue(drawn.cursor().visible)
      assert.match(readFileSync(`${cwd}/out`, "utf8"), /^DELAY site: [^\u001b]*$/)
      assert.match(plain.rows().join("\n"), /^DELAY site: /)
      assert.notInclude(plain.raw(), "downloading flags")
      assert.strictEqual(readFileSync(`${cwd}/errors`, "utf8"), `downloading flags: 0/2\n${reason}\n`)
    })
  )
})
