// The tables of the page: origins, failed, slowest, and all transfers. They are the text alternative of the charts.
import type { ExchangeColumns, Phase } from "../src/RunRecord/data.js"
import { element, section } from "./dom.js"
import * as Format from "./format.js"
import type { Run } from "./run.js"
import { type Column, pagedTable } from "./table.js"

/** Opens the details of a transfer. */
export type Open = (transfer: number) => void

/** The sum of a phase over the requests of a transfer; -1 if it is not known of any. */
const sumOf = (run: Run, transfer: number, phases: ReadonlyArray<Exclude<Phase, "delay" | "finish">>): number => {
  const exchanges: ExchangeColumns = run.data.exchanges
  let sum = -1
  for (const exchange of run.exchangesOf(transfer)) {
    for (const phase of phases) {
      const duration = exchanges[phase][exchange] ?? -1
      sum = duration < 0 ? sum : Math.max(0, sum) + duration
    }
  }
  return sum
}

const delayOf = (run: Run, transfer: number): number =>
  run.delaysOf(transfer).reduce((sum, delay) => sum + (run.data.delays.delay[delay] ?? 0), 0)

export const file = (run: Run, open: Open | undefined): Column => ({
  name: "File",
  text: (row) => run.name(row),
  isHeader: true,
  isCut: true,
  ...(open === undefined ? {} : { onOpen: open })
})

const origin = (run: Run): Column => ({
  name: "Origin",
  text: (row) => run.origin(run.data.transfers.origin[row]).replace(/^https?:\/\//, ""),
  isCut: true,
  isOrigin: true
})

export const number = (name: string, text: (row: number) => string): Column => ({ name, text, isNumber: true })

const times = (run: Run): ReadonlyArray<Column> => [
  number("Time", (row) => Format.time(run.duration(row))),
  number("Permit", (row) => Format.duration(sumOf(run, row, ["permit"]))),
  number("Connect", (row) => Format.duration(sumOf(run, row, ["lookup", "connect", "tls"]))),
  number("First byte", (row) => Format.duration(sumOf(run, row, ["firstByte"]))),
  number("Body", (row) => Format.duration(sumOf(run, row, ["body"]))),
  number("Retry waits", (row) => Format.duration(run.delaysOf(row).length === 0 ? -1 : delayOf(run, row)))
]

const retries = (run: Run): Column => number("Retries", (row) => Format.count(run.data.transfers.retries[row] ?? 0))
const bytes = (run: Run): Column => number("Bytes", (row) => Format.size(run.data.transfers.bytes[row] ?? 0))
const outcome = (run: Run): Column => ({
  name: "Outcome",
  text: (row) => Format.outcomeNames[run.outcome(row)]
})
export const reason = (run: Run): Column => ({
  name: "Reason",
  text: (row) => run.text(run.data.transfers.error[row]),
  isReason: true
})
const phase = (run: Run): Column => ({ name: "Phase", text: (row) => run.text(run.data.transfers.phase[row]) })

const textOf = (run: Run) => (row: number) =>
  [run.url(row), run.data.transfers.file[row], Format.outcomeNames[run.outcome(row)], reason(run).text(row)].join(" ")

/** `open` is undefined if the charts do not have the files. */
export const failed = (run: Run, open: Open | undefined): HTMLElement | undefined => {
  const rows = Array.from({ length: run.length }, (_, row) => row).filter((row) => run.outcome(row) === "failed")
  return rows.length === 0
    ? undefined
    : section(
        "failed",
        "Failed",
        pagedTable({
          id: "failed-files",
          caption: `${Format.plural(rows.length, "failed file")}${rows.length < run.data.counts.failed ? ` of ${Format.count(run.data.counts.failed)}` : ""}, with the phase that failed`,
          rows,
          columns: [
            file(run, open),
            reason(run),
            phase(run),
            ...(open === undefined ? [origin(run)] : [retries(run), origin(run), ...times(run), bytes(run)])
          ],
          textOf: textOf(run)
        })
      )
}

const slowestAtMost = 15

/** The rows that took longest. */
export const slowestRows = (run: Run): ReadonlyArray<number> =>
  Array.from({ length: run.length }, (_, row) => row)
    .sort((one, other) => run.duration(other) - run.duration(one))
    .slice(0, slowestAtMost)

export const slowest = (run: Run, open: Open): HTMLElement | undefined => {
  const rows = slowestRows(run)
  return rows.length < 2
    ? undefined
    : section(
        "slowest",
        "Slowest",
        pagedTable({
          id: "slowest-files",
          caption: `The ${Format.plural(rows.length, "transfer")} that took longest`,
          rows,
          columns: [file(run, open), outcome(run), ...times(run), retries(run), bytes(run), origin(run)]
        })
      )
}

export const transfers = (run: Run, open: Open): HTMLElement => {
  const rows = Array.from({ length: run.length }, (_, row) => row)
  const all = Object.values(run.data.counts).reduce((sum, count) => sum + count, 0)
  const shown = rows.filter((row) => run.outcome(row) === "notStarted").length
  const notStarted = run.data.counts.notStarted - shown
  const missing = all - rows.length - notStarted
  return section(
    "transfers",
    "All transfers",
    ...(notStarted > 0
      ? [
          element(
            "p",
            { class: "muted" },
            `${Format.plural(notStarted, "file")} of ${Format.count(all)} ${notStarted === 1 ? "was" : "were"} not started, and ${notStarted === 1 ? "has" : "have"} no row.`
          )
        ]
      : []),
    ...(missing > 0
      ? [
          element(
            "p",
            { class: "muted" },
            `${Format.plural(missing, "transfer")} of ${Format.count(all)} have no row, and are in the sums only. Those that failed and those that took longest have a row.`
          )
        ]
      : []),
    pagedTable({
      id: "all-transfers",
      caption: "Transfers in the order of their begin",
      rows,
      columns: [
        file(run, open),
        outcome(run),
        number("Began", (row) => Format.time(run.data.transfers.began[row] ?? 0)),
        ...times(run),
        retries(run),
        bytes(run),
        origin(run),
        reason(run)
      ],
      textOf: textOf(run)
    })
  )
}

/** Makes the columns of a table with a row for each origin. */
export const columnOfOrigins =
  ({ origins }: Run["data"]) =>
  (name: string, text: (origin: (typeof origins)[number]) => string): Column =>
    number(name, (row) => {
      const found = origins[row]
      return found === undefined ? "" : text(found)
    })

export const origins = ({ data }: Run): HTMLElement => {
  const rows = Array.from(data.origins, (_, row) => row).filter((row) => (data.origins[row]?.requests ?? 0) > 0)
  const of = columnOfOrigins(data)
  return section(
    "origins",
    "Origins",
    pagedTable({
      id: "origin-sums",
      caption: "Sums of each origin",
      rows,
      columns: [
        { name: "Origin", text: (row) => data.origins[row]?.origin || "other origins", isHeader: true, isCut: true },
        of("Saved", ({ counts }) => Format.count(counts.saved)),
        of("Failed", ({ counts }) => Format.count(counts.failed)),
        of("Requests", ({ requests }) => Format.count(requests)),
        of("Retries", ({ retries }) => Format.count(retries)),
        of("Bytes", ({ bytes }) => Format.size(bytes)),
        of("Mean first byte", ({ phases, requests }) => Format.time(phases.firstByte / Math.max(1, requests))),
        of("Mean body", ({ phases, requests }) => Format.time(phases.body / Math.max(1, requests)))
      ]
    })
  )
}

export const pictures = (run: Run): HTMLElement | undefined =>
  run.data.pictures.length === 0
    ? undefined
    : section(
        "pictures",
        "Pictures",
        element(
          "ul",
          { class: "plain pictures" },
          ...run.data.pictures.map(({ source, transfer }) => {
            const name = run.name(transfer)
            return element(
              "li",
              {},
              element(
                "figure",
                {},
                element("span", { class: "frame" }, element("img", { src: source, alt: "" })),
                element("figcaption", { title: name }, Format.end(name))
              )
            )
          })
        )
      )
