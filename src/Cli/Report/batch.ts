/**
 * Shows a batch of a database.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Batches from "../../cluster/Batches.js"
import * as Printable from "../../internal/text/printable.js"
import { Shards } from "../../RunRecord/shards.js"
import { StatusLine } from "../../StatusLine.js"
import * as Report from "../Batch/report.js"
import { total } from "../Get/summary/sums.js"
import { Host } from "../Host.js"
import * as ReportPage from "../run/reportPage.js"

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
  return yield* Effect.gen(function* () {
    const batches = yield* Batches.Batches
    const { exitCode, state } = yield* Report.print(batches, id, { json, version, page, write: host.stdout.write })
    const isPageSaved = page === undefined || (yield* savePage(page, batches, id))
    if (exitCode === undefined) {
      line(`the batch ${Printable.line(id)} has not ended: it is ${state}`)
    }
    return isPageSaved ? (exitCode ?? 1) : 1
  }).pipe(Effect.provide(host.batches(database)))
}, Effect.scoped)

/** Adds the shards to the failed files of a page, and writes it. */
const savePage = Effect.fnUntraced(function* (
  page: ReportPage.ReportPage,
  batches: typeof Batches.Batches.Service,
  id: string
) {
  const { attempts, bytes, files, shards, startedMillis, state, submittedMillis, ...status } = yield* batches.status(id)
  const { total: expected, ...outcomes } = files
  const beganAtMillis = startedMillis ?? submittedMillis
  const record = new Shards({
    id,
    state,
    beganAtMillis,
    elapsedMillis: Math.max(0, (status.endedMillis ?? (yield* Clock.currentTimeMillis)) - beganAtMillis),
    total: Object.values(shards).reduce((sum, count) => sum + count, 0),
    attempts,
    counts: { ...outcomes, notStarted: 0, unfinished: expected - total(files) },
    bytes
  })
  yield* Stream.runForEach(batches.begunShards(id), (shard) => Effect.sync(() => record.add(shard)))
  page.ofBatch(record)
  return yield* page.save(() => [])
})
