import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { autoAdvance, layer, Origin } from "halyard/testing"
import { fetchReport } from "./fetchReport.js"

it.effect("tries again after a 503", () =>
  Effect.gen(function* () {
    const saved = yield* autoAdvance(fetchReport)
    assert.deepInclude(saved, { _tag: "Saved", attempts: 2 })
  }).pipe(
    Effect.provide(layer((request) => (request.turn === 0 ? { status: 503 } : Origin.file(request, "the report"))))
  )
)
