/**
 * Runs `halyard cancel`.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Batches from "../../cluster/Batches.js"
import * as BatchView from "../Batch/view.js"
import { Host } from "../Host.js"

/** Prints the state of the batch after it was cancelled. */
export const cancel = Effect.fn("cancel")(function* (id: string, database: Redacted.Redacted) {
  const host = yield* Host
  return yield* Effect.gen(function* () {
    const batches = yield* Batches.Batches
    yield* batches.cancel(id)
    host.stdout.write(`${BatchView.textOf(yield* batches.status(id))}\n`)
    return 0
  }).pipe(Effect.provide(host.batches(database)))
})
