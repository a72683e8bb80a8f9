/**
 * `--version`, which the first file of the program prints by itself.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import manifest from "../../../package.json" with { type: "json" }
import { installed, kept, start } from "../../support/program/installed.js"
import { run, runBash } from "../../support/program/program.js"

describe("--version alone", () => {
  it.scopedLive("is printed by the first file of the program, as by the whole program", () =>
    Effect.gen(function* () {
      const directory = yield* installed(["bin.cjs"])
      const alone = yield* start(directory, ["--version"])
      assert.deepStrictEqual(alone, { exitCode: 0, stderr: "", stdout: `${manifest.version}\n` })
      const { exitCode, stderr, stdout } = yield* run(["get", "--version"])
      assert.deepStrictEqual({ exitCode, stderr, stdout }, alone)
      assert.deepStrictEqual(kept(directory), [])
    })
  )

  it.scopedLive("is printed by the first file only if the line has nothing else", () =>
    Effect.gen(function* () {
      const directory = yield* installed(["bin.cjs"])
      for (const line of [["--version", "get"], ["--version", "--version"], ["--Version"], ["--version=1"], []]) {
        const { exitCode, stderr } = yield* start(directory, line)
        assert.notStrictEqual(exitCode, 0, line.join(" "))
        assert.include(stderr, "program.cjs", line.join(" "))
      }
    })
  )

  it.live("ends like the program if its output has no reader or the disk is full", () =>
    Effect.gen(function* () {
      for (const line of ["--version", "get --version"]) {
        const left = yield* runBash(`halyard ${line} | true; echo "\${PIPESTATUS[0]}"`)
        assert.match(left.stdout, /^(?:0|141)\n$/, line)
        assert.strictEqual(left.stderr, "", line)
        const full = yield* runBash(`halyard ${line} >/dev/full`)
        assert.strictEqual(full.stderr, "halyard: cannot write standard output: there is no space left\n", line)
        assert.strictEqual(full.exitCode, 1, line)
      }
    })
  )
})
