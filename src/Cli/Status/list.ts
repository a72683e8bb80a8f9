/**
 * Runs `halyard status` without an ID: lists the batches of a database.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Batches from "../../cluster/Batches.js"
import type { BatchStatus } from "../../cluster/models.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import { total } from "../Get/summary/sums.js"
import { Host } from "../Host.js"

/** Prints a line for each batch, the newest first. */
export const list = Effect.fn("status.list")(function* (
  database: Redacted.Redacted,
  { json }: { readonly json: boolean }
) {
  const host = yield* Host
  const { line } = yield* StatusLine
  return yield* Effect.gen(function* () {
    const batches = yield* Batches.Batches
    const found = yield* batches.list({ limit: listedAtMost + 1 })
    for (const status of found.slice(0, listedAtMost)) {
      host.stdout.write(`${json ? JSON.stringify(status) : textOf(status)}\n`)
    }
    if (found.length === 0) {
      line("the database has no batches")
    } else if (found.length > listedAtMost) {
      line(`older batches are not shown: the list has the ${listedAtMost} newest`)
    }
    return 0
  }).pipe(Effect.provide(host.batches(database)))
})

const listedAtMost = 100

const textOf = ({ files, id, state, submittedMillis }: BatchStatus): string => {
  const submitted = new Date(submittedMillis).toISOString().replace(/\.\d+Z$/, "Z")
  return `${Printable.line(id)}: ${state}; ${total(files)} of ${files.total} files done, ${files.failed} failed; submitted ${submitted}`
}
