/**
 * The report page of recorded events.
 */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { DownloadEvent } from "../../../src/DownloadEvent.js"
import { withData } from "../../../src/RunRecord/page.js"
import * as RunRecord from "../../../src/RunRecord.js"
import { type Options, openHtml } from "../browser.js"

/** The page without a run. */
export const template = readFileSync(fileURLToPath(new URL("../../../dist/report.html", import.meta.url)), "utf8")

/** The HTML of a page. `expected` is the number of files of the run. */
export const htmlOf = (
  events: ReadonlyArray<DownloadEvent>,
  options: NonNullable<Parameters<RunRecord.RunRecord["data"]>[0]> & { readonly expected?: number } = {}
): string => {
  const { expected = 0, ...rest } = options
  const record = RunRecord.make()
  record.expect(expected)
  for (const event of events) {
    record.receive(event)
  }
  return withData(template, record.data(rest))
}

/** Opens the page of events. */
export const open = (events: ReadonlyArray<DownloadEvent>, options?: Options) => openHtml(htmlOf(events), options)
