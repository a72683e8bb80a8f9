import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "./differential.js"

it.live("reads every response as undici and Node's own parser do, except for a list of refusals", () =>
  Effect.gen(function* () {
    const { disagreements, totals } = yield* run(1, 2000)
    assert.deepStrictEqual(disagreements, [])
    // Otherwise the test compares nothing.
    for (const { agreements, stricter } of [totals.undici, totals.node]) {
      assert.isAbove(agreements, 1500)
      assert.isAbove(stricter, 100)
    }
  })
)
