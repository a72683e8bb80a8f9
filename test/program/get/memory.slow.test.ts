import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runCommand } from "../../support/program/program.js"

it.scopedLive("halyard get uses the same heap for ten times as many requests", () =>
  Effect.gen(function* () {
    const script = fileURLToPath(new URL("../../support/manyRequests.mjs", import.meta.url))
    const { stdout } = yield* runCommand(process.execPath, ["--expose-gc", script])
    const [few = 0, many = 0]: ReadonlyArray<number> = JSON.parse(stdout)
    assert.isAbove(few, 0)
    assert.isBelow(many - few, 4_000_000)
  })
)
