import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "./differential.js"

it.live(
  "says what undici says of whatever an origin answers, except for a list of refusals",
  () =>
    Effect.gen(function* () {
      const totals = yield* run(1, 2000)
      assert.deepStrictEqual(totals.disagreements, [])
      // Otherwise the test compares nothing.
      assert.isAbove(totals.agreements, 1500)
      assert.isAbove(totals.stricter, 100)
    }),
  120_000
)
