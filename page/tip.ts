// The text beside the pointer, and the details of one transfer.
import type uPlot from "uplot"
import { element } from "./dom.js"
import * as Format from "./format.js"
import type { Run } from "./run.js"
import type { Batch } from "./shards.js"
import { pagedTable } from "./table.js"

/** Makes a function that shows a transfer beside the pointer, or hides the text. */
export const tip = (run: Run, frame: HTMLElement) => {
  const box = element("div", { class: "tip", "aria-hidden": "true" })
  box.hidden = true
  frame.append(box)
  return (transfer: number | undefined, chart: uPlot, left: number, top: number): void => {
    box.hidden = transfer === undefined
    if (transfer === undefined) {
      return
    }
    box.replaceChildren(...summaryLines(run, transfer).map((line) => element("p", {}, line)))
    const over = chart.over.getBoundingClientRect()
    const outer = frame.getBoundingClientRect()
    const x = over.left - outer.left + left
    const isRight = x > outer.width / 2
    box.style.left = isRight ? "auto" : `${x + 14}px`
    box.style.right = isRight ? `${outer.width - x + 14}px` : "auto"
    box.style.top = `${over.top - outer.top + top + 14}px`
  }
}

const summaryLines = (run: Run, transfer: number): ReadonlyArray<string> => {
  const { bytes, error, phase, retries } = run.data.transfers
  const reason = run.text(error[transfer])
  const failedIn = run.text(phase[transfer])
  const waited = run.longWait(transfer)
  const tries = retries[transfer] ?? 0
  return [
    run.name(transfer),
    `${run.words.outcomes[run.outcome(transfer)]} in ${Format.time(run.duration(transfer))}, ${Format.size(bytes[transfer] ?? 0)}`,
    ...(reason === "" ? [] : [`${reason}${failedIn === "" ? "" : ` (phase: ${failedIn})`}`]),
    ...(waited === undefined ? [] : [`waited: ${waited}`]),
    ...(tries === 0 ? [] : [`${Format.count(tries)} ${run.words.again[tries === 1 ? 0 : 1]}`])
  ]
}

/** Shows one shard with its attempts. */
export const shardDetail = ({ data, run }: Batch, shard: number): HTMLElement => {
  const [name = "", ...lines] = summaryLines(run, shard)
  const { delays } = data
  const earlier = run.delaysOf(shard)
  return element(
    "div",
    { class: "detail" },
    element("h3", {}, name),
    ...lines.map((line) => element("p", {}, line)),
    element(
      "p",
      {},
      `${Format.plural(data.files[shard] ?? 0, "file")}, of which ${Format.count(data.failed[shard] ?? 0)} failed; last attempt by ${run.origin(data.transfers.origin[shard])}`
    ),
    ...earlier.map((delay) =>
      element(
        "p",
        { class: "muted" },
        `Attempt ${delays.attempt[delay] ?? 0} began at ${Format.time(delays.began[delay] ?? 0)}. ${run.text(delays.error[delay])}. The next one began ${Format.time(delays.delay[delay] ?? 0)} later.`
      )
    )
  )
}

/** Shows one transfer with its requests. */
export const detail = (run: Run, transfer: number): HTMLElement => {
  const { began, file } = run.data.transfers
  const [name = "", ...lines] = summaryLines(run, transfer)
  const { data } = run
  const table = pagedTable({
    id: "requests",
    caption: "Its requests",
    rows: run.exchangesOf(transfer),
    columns: [
      { name: "Attempt", text: (row) => `${data.exchanges.attempt[row] ?? 0}`, isHeader: true },
      { name: "Origin", text: (row) => run.origin(data.exchanges.origin[row]), isCut: true, isOrigin: true },
      { name: "Began", text: (row) => Format.time(data.exchanges.began[row] ?? 0), isNumber: true },
      ...(["permit", "lookup", "connect", "tls", "firstByte", "body"] as const).map((phase) => ({
        name: Format.phaseNames[phase],
        text: (row: number) => Format.duration(data.exchanges[phase][row] ?? -1),
        isNumber: true
      })),
      { name: "Status", text: (row) => `${data.exchanges.status[row] || "–"}`, isNumber: true },
      { name: "Bytes", text: (row) => Format.size(data.exchanges.bytes[row] ?? 0), isNumber: true },
      { name: "Error", text: (row) => run.text(data.exchanges.error[row]), isReason: true }
    ]
  })
  return element(
    "div",
    { class: "detail" },
    element("h3", {}, name),
    ...lines.map((line) => element("p", {}, line)),
    element("p", { class: "muted" }, run.url(transfer)),
    element(
      "p",
      { class: "muted" },
      `saved as ${file[transfer] || "–"}; began at ${Format.time(began[transfer] ?? 0)}`
    ),
    ...(run.exchangesOf(transfer).length === 0 ? [] : [table])
  )
}
