/**
 * Requests that are sent together, against an origin with drawn faults. `mutate.mjs` plants bugs that these seeds must find.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { faults } from "./Origin.js"
import { run } from "./simulate.js"

describe("pipelined requests", () => {
  for (const [index, fault] of faults.entries()) {
    it.live(`have their own responses, and fail for no other request: ${fault}`, () =>
      Effect.promise(async () => {
        let together = 0
        for (let round = 0; round < 25; round++) {
          const seed = index + faults.length * round
          const result = await run(seed)
          assert.deepStrictEqual(result.violations, [], `seed ${seed}`)
          together = Math.max(together, result.together)
        }
        assert.isAbove(together, 1)
      })
    )
  }
})
