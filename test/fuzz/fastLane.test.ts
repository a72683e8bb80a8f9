import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "./differential.js"

it.live("says what undici says, or hands over, whatever an origin answers", () =>
  Effect.gen(function* () {
    const totals = yield* run(1, 3000)
    assert.deepStrictEqual(totals.disagreements, [])
    assert.strictEqual(totals.agreements + totals.handOvers, totals.cases)
    // Else it compares nothing.
    assert.isAbove(totals.agreements, 1000)
    assert.isAbove(totals.handOvers, 1000)
  })
)
