/**
 * The report of a batch: the lines of `get`, for people or as JSON, and the page of a run.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Batches from "../../cluster/Batches.js"
import type { AbandonedShard, BatchReport, FailedRequest } from "../../cluster/models.js"
import * as Download from "../../Download.js"
import { Finished } from "../../DownloadEvent.js"
import * as Lines from "../../EventLine/lines.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import * as Unvalidated from "../../internal/unvalidated.js"
import { FailureCounts } from "../Get/summary/failureCounts.js"
import { sumsLine, total } from "../Get/summary/sums.js"
import { lineOptionsOf } from "../Get/summary.js"
import type { ReportPage } from "../run/reportPage.js"

export interface Options {
  readonly json: boolean
  /** The version of the program. */
  readonly version: string
  /** Receives the failures too. */
  readonly page?: ReportPage | undefined
  /** Takes the text, with line ends. */
  readonly write: (text: string) => void
}

/** Prints the report of a batch, and returns it. Before the end of the batch, it is that of its shards so far. */
export const print = Effect.fnUntraced(function* (
  batches: typeof Batches.Batches.Service,
  id: string,
  options: Options
) {
  const report = yield* batches.report(id)
  const nowMillis = yield* Clock.currentTimeMillis
  const atMillis = report.endedMillis ?? nowMillis
  const elapsedMillis = atMillis - (report.startedMillis ?? report.submittedMillis)
  const printed = options.json ? new JsonLines(options, report, atMillis) : new TextLines(options)
  yield* Stream.runForEach(batches.failed(id), (failed) =>
    Effect.sync(() => {
      const outcome = outcomeOf(failed)
      options.page?.refused(Unvalidated.make(Finished, { outcome, atMillis }))
      printed.failure(outcome)
    })
  )
  printed.end(report, elapsedMillis, atMillis)
  return report
})

const outcomeOf = ({ destination, error, id, index, url }: FailedRequest): Download.Failed => {
  // The number of the item in the input, if the command line has submitted the batch.
  const position = /^\d{1,15}$/.test(id) ? id : `${index + 1}`
  return Unvalidated.make(Download.Failed, { request: Download.request({ id: position, url, destination }), error })
}

interface Printed {
  readonly failure: (outcome: Download.Failed) => void
  readonly end: (report: BatchReport, elapsedMillis: number, atMillis: number) => void
}

const lineOptions = lineOptionsOf({ showUrls: false })

class JsonLines implements Printed {
  constructor(
    private readonly options: Options,
    { submittedMillis }: BatchReport,
    private readonly atMillis: number
  ) {
    options.write(Lines.toText(Lines.run("get", options.version, submittedMillis)))
  }

  failure(outcome: Download.Failed): void {
    this.options.write(Lines.toText(Lines.fromOutcome(outcome, this.atMillis, lineOptions)))
  }

  end({ report }: BatchReport, elapsedMillis: number, atMillis: number): void {
    this.options.write(Lines.toText(Lines.report(report, elapsedMillis, atMillis)))
  }
}

class TextLines implements Printed {
  private readonly counts = new FailureCounts()
  private listed = 0
  private failures = 0

  constructor(private readonly options: Options) {}

  failure({ error, request }: Download.Failed): void {
    this.failures++
    this.counts.add(error)
    if (this.listed < listedAtMost) {
      this.listed++
      this.line(`${displayUrl(request.url)}: ${Printable.line(error.message)}`)
    }
  }

  end({ abandoned, report, shards }: BatchReport, elapsedMillis: number): void {
    if (this.failures > this.listed) {
      this.line(`and ${this.failures - this.listed} more failures; by reason: ${this.counts}`)
    }
    for (const shard of abandoned.slice(0, listedAtMost)) {
      this.line(abandonedText(shard))
    }
    const left = shards.waiting + shards.running
    this.line(
      `${sumsLine(report, elapsedMillis / 1000)}${left === 0 ? "" : `; ${left} shards have not ended`}${total(report) === 0 && left === 0 ? "; the batch has no files" : ""}`
    )
  }

  private line(text: string): void {
    this.options.write(`${text}\n`)
  }
}

const listedAtMost = 20

const abandonedText = ({ attempts, detail, files, reason, shard }: AbandonedShard): string =>
  `shard ${shard} (${files} files) was abandoned after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${reason === "defect" ? Printable.line(detail) : "each of its processes ended"}`
