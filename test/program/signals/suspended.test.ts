/**
 * Ctrl-Z and `fg` in a shell on a terminal.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin } from "../../support/program/program.js"
import { ctrlC, ctrlZ, itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"

describe("halyard in a shell", () => {
  itOnTerminal(
    "erases its status line and shows the cursor on Ctrl-Z, and draws it below the shell's lines after fg",
    Effect.gen(function* () {
      const shell = yield* startOnTerminal("bash", ["--norc", "--noprofile", "-i"], {
        env: { PS1: "$ " },
        columns: 200
      })
      yield* shell.awaitRows(/\$$/)
      yield* shell.type(`"${process.execPath}" "${bin}" spin -m working -- sleep 100\n`)
      yield* shell.awaitRows(/^[|/\\-] working$/m)
      assert.isFalse(shell.cursor().visible)
      yield* shell.type(ctrlZ)
      yield* shell.awaitRows(/Stopped.*\n\$$/)
      assert.isTrue(shell.cursor().visible)
      assert.notMatch(shell.rows().join("\n"), /^[|/\\-] working$/m)
      yield* shell.type("fg\n")
      yield* shell.awaitRows(/\n\$ fg\n.*\n[|/\\-] working$/)
      assert.isFalse(shell.cursor().visible)
      yield* shell.type(ctrlC)
      yield* shell.awaitRows(/working \(exit code 130\)\n\$$/)
      assert.isTrue(shell.cursor().visible)
    })
  )
})
