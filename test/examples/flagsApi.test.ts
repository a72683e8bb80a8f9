import { assert, it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"
import { fetchFlag } from "./flagsApi.js"
import { slowOrigin } from "./slowOrigin.js"

it.effect("gives a slow origin up after 5 seconds", () =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.flip(fetchFlag("BR")))
    yield* TestClock.adjust("5 seconds")
    const error = yield* Fiber.join(fiber)
    assert.deepInclude(error, { _tag: "Timeout", phase: "deadline", limitMillis: 5000 })
  }).pipe(Effect.provide(slowOrigin))
)
