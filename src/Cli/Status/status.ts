/**
 * Runs `halyard status`: rows on a terminal until the batch has ended, or one line.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Batches from "../../cluster/Batches.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import * as Supervisor from "../../Supervisor.js"
import { follow } from "../Batch/follow.js"
import * as BatchView from "../Batch/view.js"
import { Host } from "../Host.js"
import * as Display from "../run/display.js"

export const status = Effect.fn("status")(function* (
  id: string,
  database: Redacted.Redacted,
  { json, progress }: { readonly json: boolean; readonly progress: Display.Progress }
) {
  const host = yield* Host
  const statusLine = yield* StatusLine
  const isLive =
    !json && (progress === "bar" || (progress === "auto" && statusLine.isTerminal && host.stdout.isTerminal))
  return yield* Effect.gen(function* () {
    const batches = yield* Batches.Batches
    const view = yield* BatchView.make(Printable.line(id), BatchView.textOf)
    const last = yield* isLive
      ? Supervisor.supervise(follow(batches, id, view.update), {
          companions: { display: Display.show(progress, view) }
        })
      : batches.status(id)
    host.stdout.write(json ? `${JSON.stringify(last)}\n` : `${BatchView.textOf(last)}\n`)
    return 0
  }).pipe(Effect.provide(host.batches(database)))
})
