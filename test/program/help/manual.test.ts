/**
 * The man page that the build makes from the declarations of the commands.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "../../support/program/program.js"

const path = fileURLToPath(new URL("../../../dist/halyard.1", import.meta.url))

const hasGroff = spawnSync("groff", ["--version"]).status === 0

/** The options in a text, without those of the examples. */
const optionsIn = (text: string): ReadonlySet<string> =>
  new Set(Array.from(text.matchAll(/(?<![\w-])--[a-z][\w-]*/g), ([option]) => option))

describe("the man page", () => {
  it.scopedLive("has every option of every command", () =>
    Effect.gen(function* () {
      const page = optionsIn(readFileSync(path, "utf8").replaceAll("\\-", "-").replaceAll("\\fB", ""))
      for (const command of ["get", "flags", "spin", "serve", "config", "submit", "runner", "status"]) {
        const { stdout } = yield* run([command, "--help"])
        const listed = Array.from(stdout.matchAll(/^ {2}(?:-\S,| {3}) (--[a-z][\w-]*)/gm), ([, option = ""]) => option)
        assert.isAbove(listed.length, 2, command)
        for (const option of listed) {
          assert.isTrue(page.has(option), `${command} ${option}`)
        }
      }
    })
  )

  it.skipIf(!hasGroff)("is read by groff without a warning (skipped without groff)", () => {
    const { status, stderr, stdout } = spawnSync("groff", ["-ww", "-man", "-Tascii", path], { encoding: "utf8" })
    assert.deepStrictEqual([status, stderr], [0, ""])
    assert.match(stdout, /NAME/)
  })

  it("belongs to the package", () => {
    const { man } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"))
    assert.strictEqual(man, "./dist/halyard.1")
  })
})
