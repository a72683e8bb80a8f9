// The tables of a batch: its slowest shards, all shards, and its runners.

import type { ShardsData } from "../src/RunRecord/data.js"
import { element, section } from "./dom.js"
import * as Format from "./format.js"
import { columnOfOrigins, file, number, type Open, reason, slowestRows } from "./lists.js"
import type { Run } from "./run.js"
import { type Column, pagedTable } from "./table.js"

/** The shards of a batch as a run, and what only shards have. */
export interface Batch {
  readonly run: Run
  readonly data: ShardsData
}

const columns = ({ data, run }: Batch, open: Open): ReadonlyArray<Column> => [
  { ...file(run, open), name: "Shard" },
  { name: "State", text: (row) => run.words.outcomes[run.outcome(row)] },
  number("Began", (row) => Format.time(data.transfers.began[row] ?? 0)),
  number("Time", (row) => Format.time(run.duration(row))),
  number("Attempts", (row) => Format.count((data.transfers.retries[row] ?? 0) + 1)),
  number("Files", (row) => Format.count(data.files[row] ?? 0)),
  number("Failed", (row) => Format.count(data.failed[row] ?? 0)),
  number("Bytes", (row) => Format.size(data.transfers.bytes[row] ?? 0)),
  number("Runner", (row) => Format.end(run.origin(data.transfers.origin[row]))),
  reason(run)
]

export const slowest = (batch: Batch, open: Open): HTMLElement | undefined => {
  const rows = slowestRows(batch.run)
  return rows.length < 2
    ? undefined
    : section(
        "slowest",
        "Slowest",
        pagedTable({
          id: "slowest-shards",
          caption: `The ${Format.plural(rows.length, "shard")} that took longest`,
          rows,
          columns: columns(batch, open)
        })
      )
}

export const all = (batch: Batch, open: Open): HTMLElement => {
  const { data, run } = batch
  const missing = data.total - run.length
  return section(
    "transfers",
    "All shards",
    ...(missing > 0
      ? [
          element(
            "p",
            { class: "muted" },
            `${Format.plural(missing, "shard")} of ${Format.count(data.total)} have no row: those that have not begun, and those after the first 100,000. Of the latter, those that were abandoned and those that took longest have a row.`
          )
        ]
      : []),
    pagedTable({
      id: "all-shards",
      caption: "Shards in the order of the list",
      rows: Array.from({ length: run.length }, (_, row) => row),
      columns: columns(batch, open),
      textOf: (row) =>
        [run.name(row), run.words.outcomes[run.outcome(row)], run.origin(data.transfers.origin[row])].join(" ")
    })
  )
}

export const runners = ({ data }: Batch): HTMLElement => {
  const of = columnOfOrigins(data)
  return section(
    "runners",
    "Runners",
    pagedTable({
      id: "runner-sums",
      caption: "Sums of each runner: the files are those of the shards whose last attempt it had",
      rows: Array.from(data.origins, (_, row) => row),
      columns: [
        { name: "Runner", text: (row) => data.origins[row]?.origin ?? "", isHeader: true, isCut: true },
        of("Attempts", ({ requests }) => Format.count(requests)),
        of("Attempts without a result", ({ retries }) => Format.count(retries)),
        of("Saved", ({ counts }) => Format.count(counts.saved)),
        of("Failed", ({ counts }) => Format.count(counts.failed)),
        of("Bytes", ({ bytes }) => Format.size(bytes)),
        of("Time in last attempts", ({ phases }) => Format.time(phases.body))
      ]
    })
  )
}

/** The origins of the failed files, which are all that the database has of origins. */
export const failedOrigins = ({ data }: Run): HTMLElement | undefined => {
  const rows = Array.from(data.origins, (_, row) => row)
    .filter((row) => (data.origins[row]?.counts.failed ?? 0) > 0)
    .sort((one, other) => (data.origins[other]?.counts.failed ?? 0) - (data.origins[one]?.counts.failed ?? 0))
  return rows.length === 0
    ? undefined
    : section(
        "origins",
        "Origins of failed files",
        pagedTable({
          id: "origin-sums",
          caption: "Failed files of each origin",
          rows,
          columns: [
            {
              name: "Origin",
              text: (row) => data.origins[row]?.origin || "other origins",
              isHeader: true,
              isCut: true
            },
            number("Failed", (row) => Format.count(data.origins[row]?.counts.failed ?? 0))
          ]
        })
      )
}
