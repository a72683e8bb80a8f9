// The report page. It shows the run that is in it, and requests nothing.
import { charts, select } from "./charts.js"
import { byId, element } from "./dom.js"
import * as Lists from "./lists.js"
import { Run, read } from "./run.js"
import * as Shards from "./shards.js"
import * as Summary from "./summary.js"
import { detail, shardDetail } from "./tip.js"
import { View } from "./view.js"
import * as Words from "./words.js"

const run = read()
const { shards } = run.data
const batch = shards && { run: new Run(shards, Words.shards), data: shards }
/** What the charts show. */
const shown = batch?.run ?? run
const view = new View(shown.data.elapsedMillis, (time) => shown.rowsIn(time))
const details = element("div", {
  id: "details",
  role: "region",
  "aria-live": "polite",
  "aria-label": `One ${shown.words.one}`
})

let selected: number | undefined
view.onChange(() => {
  if (view.selected !== undefined && view.selected !== selected) {
    selected = view.selected
    details.replaceChildren(batch === undefined ? detail(run, selected) : shardDetail(batch, selected))
  }
})

/** Shows a row of a table in the waterfall. */
const open = (row: number): void => {
  select(shown, view, row)
  byId("over-time").scrollIntoView()
}

byId("head").append(...Summary.head(run))
const parts: ReadonlyArray<HTMLElement | undefined> = [
  element(
    "div",
    { class: "columns" },
    element("div", {}, ...[Summary.failures(run), Summary.outcomeBar(run)].flatMap((part) => part ?? [])),
    Summary.whereTimeWent(shown)
  ),
  charts(shown, view, details),
  ...(batch === undefined
    ? [
        Lists.failed(run, open),
        Lists.slowest(run, open),
        Lists.origins(run),
        Lists.pictures(run),
        Lists.transfers(run, open)
      ]
    : [
        Lists.failed(run, undefined),
        Shards.failedOrigins(run),
        Shards.slowest(batch, open),
        Shards.runners(batch),
        Shards.all(batch, open)
      ])
]
byId("main").append(...parts.flatMap((part) => part ?? []))
byId("foot").append(
  element(
    "p",
    {},
    "Written by halyard. This file has all of its data in it, and requests nothing. Charts by uPlot (MIT licence)."
  )
)
