// The report page. It shows the run that is in it, and requests nothing.
import { charts, select } from "./charts.js"
import { byId, element } from "./dom.js"
import * as Lists from "./lists.js"
import { read } from "./run.js"
import * as Summary from "./summary.js"
import { detail } from "./tip.js"
import { View } from "./view.js"

const run = read()
const view = new View(run.data.elapsedMillis, (time) => run.rowsIn(time))
const details = element("div", { id: "details", role: "region", "aria-live": "polite", "aria-label": "One transfer" })

let shown: number | undefined
view.onChange(() => {
  if (view.selected !== undefined && view.selected !== shown) {
    shown = view.selected
    details.replaceChildren(detail(run, view.selected))
  }
})

/** Shows a transfer of a table in the waterfall. */
const open = (transfer: number): void => {
  select(run, view, transfer)
  byId("over-time").scrollIntoView()
}

byId("head").append(...Summary.head(run))
const parts: ReadonlyArray<HTMLElement | undefined> = [
  element(
    "div",
    { class: "columns" },
    element("div", {}, ...[Summary.failures(run), Summary.outcomeBar(run)].flatMap((part) => part ?? [])),
    Summary.whereTimeWent(run)
  ),
  charts(run, view, details),
  Lists.failed(run, open),
  Lists.slowest(run, open),
  Lists.origins(run),
  Lists.pictures(run),
  Lists.transfers(run, open)
]
byId("main").append(...parts.flatMap((part) => part ?? []))
byId("foot").append(
  element(
    "p",
    {},
    "Written by halyard. This file has all of its data in it, and requests nothing. Charts by uPlot (MIT licence)."
  )
)
