/**
 * Shows a batch of a database.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Batches from "../../cluster/Batches.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import * as Report from "../Batch/report.js"
import { Host } from "../Host.js"
import * as ReportPage from "../reportPage.js"

/** Succeeds with the exit code of the batch. */
export const ofBatch = Effect.fn("report.batch")(function* (
  id: string,
  database: Redacted.Redacted,
  options: { readonly html: string | undefined; readonly json: boolean; readonly version: string }
) {
  const host = yield* Host
  const { line } = yield* StatusLine
  const { html, json, version } = options
  const page =
    html === undefined ? undefined : yield* ReportPage.open("--html", html, { hasSecrets: false, isOwnRun: false })
  page?.failuresOnly()
  return yield* Effect.gen(function* () {
    const batches = yield* Batches.Batches
    const { exitCode, state } = yield* Report.print(batches, id, { json, version, page, write: host.stdout.write })
    const isPageSaved = page === undefined || (yield* page.save(() => []))
    if (exitCode === undefined) {
      line(`the batch ${Printable.line(id)} has not ended: it is ${state}`)
    }
    return isPageSaved ? (exitCode ?? 1) : 1
  }).pipe(Effect.provide(host.batches(database)))
}, Effect.scoped)
