// The charts: throughput and open requests over time, and the waterfall below them, on one axis of time.
import uPlot from "uplot"
import type { Timeline } from "../src/RunRecord/data.js"
import * as Colors from "./colors.js"
import { button, element, section, swatch } from "./dom.js"
import * as Format from "./format.js"
import type { Run } from "./run.js"
import { axisHeight, failuresHeight, Sizes, timelineHeight } from "./sizes.js"
import { tip } from "./tip.js"
import type { Range, View } from "./view.js"
import * as Waterfall from "./waterfall.js"
import * as Words from "./words.js"

const rowAtMost = 20

/** Adds the charts to the page. */
export const charts = (run: Run, view: View, detail: HTMLElement): HTMLElement => {
  const frame = element("div", {
    class: "charts",
    tabindex: "0",
    role: "group",
    "aria-label": run.words.charts,
    "aria-describedby": "keys chart-status"
  })
  const status = element("p", { class: "status", id: "chart-status", role: "status" })
  const say = (): void => {
    const last = run.transfersIn(view.list, Math.ceil(view.rows.max))
    const first = Math.min(last, run.transfersIn(view.list, Math.floor(view.rows.min)) + 1)
    const all = run.transfersIn(view.list, view.list.length)
    status.textContent = `Shown: ${Format.time(view.time.min)} to ${Format.time(view.time.max)}, ${run.words.many} ${Format.count(first)} to ${Format.count(last)} of ${Format.count(all)} in this time.`
  }
  const isBatch = run.words === Words.shards
  const made = section(
    "over-time",
    isBatch ? "The batch over time" : "The run over time",
    ...(isBatch ? [element("p", { class: "muted" }, batchNote)] : []),
    toolbar(view),
    frame,
    status,
    element(
      "p",
      { id: "keys", class: "muted" },
      `Drag over the charts to zoom, double-click to see everything. With the charts focused: + and − zoom the time, Shift with + and − the rows, arrow keys move, Enter and N or P show a ${run.words.one}, 0 resets. Ctrl and the wheel zoom.`
    ),
    legend(run),
    ...(run.data.phases.permit > 0
      ? [element("p", { class: "muted" }, `${Format.phaseNames.permit}: ${Format.permitNote}.`)]
      : []),
    detail
  )
  const draw = (): void => plot(run, view, frame)
  // Its size is known when it is in the page.
  requestAnimationFrame(() => {
    draw()
    say()
    view.onChange(say)
  })
  frame.addEventListener("keydown", (event) => onKey(event, run, view))
  frame.addEventListener("wheel", (event) => onWheel(event, frame, view), { passive: false })
  return made
}

const batchNote =
  "The database keeps the times and counts of each shard and the failed files, so the saved files and the requests are not shown, and the rates are those of shards that got their files evenly."

const toolbar = (view: View): HTMLElement => {
  const buttons: ReadonlyArray<readonly [string, string, () => void]> = [
    ["Zoom in", "+", () => view.zoomTime(0.5)],
    ["Zoom out", "−", () => view.zoomTime(2)],
    ["Earlier", "←", () => view.pan(-0.25, 0)],
    ["Later", "→", () => view.pan(0.25, 0)],
    ["Fewer rows", "fewer rows", () => view.zoomRows(0.5)],
    ["More rows", "more rows", () => view.zoomRows(2)],
    ["Rows above", "↑", () => view.pan(0, -0.25)],
    ["Rows below", "↓", () => view.pan(0, 0.25)],
    ["Reset", "reset", () => view.reset()]
  ]
  return element(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Zoom" },
    ...buttons.map(([name, text, action]) => button(text, action, { "aria-label": name, title: name }))
  )
}

const legend = (run: Run): HTMLElement =>
  element(
    "ul",
    { class: "plain legend", "aria-label": "Colours of the waterfall" },
    ...Format.phases
      .filter((phase) => run.data.phases[phase] > 0)
      .map((phase) => element("li", {}, swatch(phase), run.words.phases[phase])),
    ...(run.data.counts.failed > 0 ? [element("li", {}, swatch("failed"), run.words.outcomes.failed)] : [])
  )

const onKey = (event: KeyboardEvent, run: Run, view: View): void => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return
  }
  const zoom = event.shiftKey && event.key !== "=" ? "zoomRows" : "zoomTime"
  const actions: { readonly [key: string]: (() => void) | undefined } = {
    "+": () => view[event.code === "Equal" ? "zoomTime" : zoom](0.5),
    "*": () => view.zoomRows(0.5),
    "=": () => view.zoomTime(0.5),
    "-": () => view.zoomTime(2),
    _: () => view.zoomRows(2),
    ArrowLeft: () => view.pan(-0.25, 0),
    ArrowRight: () => view.pan(0.25, 0),
    ArrowUp: () => view.pan(0, -0.25),
    ArrowDown: () => view.pan(0, 0.25),
    PageUp: () => view.pan(0, -1),
    PageDown: () => view.pan(0, 1),
    "0": () => view.reset(),
    Home: () => view.reset(),
    Enter: () => step(run, view, 1),
    n: () => step(run, view, 1),
    p: () => step(run, view, -1),
    Escape: () => view.reset()
  }
  const action = actions[event.key]
  if (action !== undefined) {
    event.preventDefault()
    action()
  }
}

/** Shows the next transfer in detail. */
const step = (run: Run, view: View, by: number): void => {
  const from = view.selected === undefined ? undefined : run.rowOf[view.selected]
  let row = from ?? (view.list[Math.floor(view.rows.min)] ?? 0) - by
  for (row += by; row >= 0 && row < run.rows.length; row += by) {
    const found = run.rows[row]
    if (found !== undefined && "transfer" in found) {
      select(run, view, found.transfer)
      return
    }
  }
}

/** Shows a transfer in detail, and brings it into the picture. */
export const select = (run: Run, view: View, transfer: number): void => {
  const { began, ended } = run.data.transfers
  view.select(transfer, run.rowOf[transfer] ?? 0, { min: began[transfer] ?? 0, max: ended[transfer] ?? 0 })
}

const onWheel = (event: WheelEvent, frame: HTMLElement, view: View): void => {
  const over = frame.querySelector(".u-over")?.getBoundingClientRect()
  if (over === undefined) {
    return
  }
  const point = Math.min(1, Math.max(0, (event.clientX - over.left) / over.width))
  const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)
  if (event.ctrlKey) {
    event.preventDefault()
    view.zoomTime(event.deltaY < 0 ? 0.8 : 1.25, point)
  } else if (isSideways) {
    event.preventDefault()
    view.pan(Math.sign(event.deltaX || event.deltaY) * 0.1, 0)
  } else if (view.canPanRows(event.deltaY)) {
    event.preventDefault()
    view.pan(0, Math.sign(event.deltaY) * 0.1)
  }
}

/** Makes the charts, and makes them anew when the page gets another width. */
const plot = (run: Run, view: View, frame: HTMLElement): void => {
  const sizes = new Sizes(frame, run.rows.length)
  const bytes = timeline(run, view, "bytes", sizes)
  const ended = run.words === Words.shards ? timeline(run, view, "ended", sizes) : undefined
  const open = timeline(run, view, "open", sizes)
  const failed = run.data.counts.failed === 0 ? undefined : timeline(run, view, "failed", sizes)
  const falls = waterfall(run, view, sizes, frame)
  frame.append(
    element("div", { class: "chart-title" }, "Bytes per second"),
    bytes.root,
    ...(ended === undefined ? [] : [element("div", { class: "chart-title" }, "Files per second"), ended.root]),
    element("div", { class: "chart-title" }, run.words.open),
    open.root,
    ...(failed === undefined ? [] : [element("div", { class: "chart-title" }, "Failures per second"), failed.root]),
    element("div", { class: "chart-title" }, run.words.rows),
    falls.root
  )
  const all = [bytes, ended, open, failed, falls].flatMap((chart) => chart ?? [])
  const redraw = (): void => {
    for (const one of all) {
      one.update()
    }
  }
  view.onChange(redraw)
  Colors.onChange(redraw)
  sizes.onChange(() => {
    for (const one of all) {
      one.resize()
    }
  })
}

interface Chart {
  readonly root: HTMLElement
  readonly update: () => void
  readonly resize: () => void
}

const axisOf = (): uPlot.Axis => ({
  stroke: () => Colors.colors().muted,
  grid: { stroke: () => Colors.colors().line, width: 1 },
  ticks: { stroke: () => Colors.colors().line, width: 1 },
  font: "11px system-ui, sans-serif"
})

const timeAxis = (hasLabels: boolean): uPlot.Axis => ({
  ...axisOf(),
  size: hasLabels ? axisHeight : 6,
  values: (_, splits) => (hasLabels ? splits.map(Format.time) : splits.map(() => "")),
  space: 90
})

/** The options that all charts have: they zoom by a drag, and share a cursor. */
const common = (view: View, isRows: boolean): Pick<uPlot.Options, "legend" | "cursor" | "padding"> => ({
  legend: { show: false },
  // Half of the label of the last tick is on the right of the plot.
  padding: [6, 24, 0, 0],
  cursor: {
    sync: { key: "run", scales: ["x", null], setSeries: false },
    drag: { x: true, y: isRows, setScale: false, uni: 20 },
    points: { show: false },
    y: isRows,
    bind: {
      dblclick: () => () => {
        view.reset()
        return null
      }
    }
  }
})

/** Shows what was selected by a drag. */
const onSelect =
  (view: View, isRows: boolean) =>
  (chart: uPlot): void => {
    const { height, left, top, width } = chart.select
    if (width > 3 || (isRows && height > 3)) {
      const isWholeTime = width <= 3
      const time = isWholeTime ? view.time : { min: chart.posToVal(left, "x"), max: chart.posToVal(left + width, "x") }
      const isWholeRows = !isRows || height <= 3 || height >= chart.over.clientHeight - 1
      const rows = isWholeRows ? view.rows : { min: chart.posToVal(top, "y"), max: chart.posToVal(top + height, "y") }
      chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
      view.show(time, rows)
    }
  }

const pointsAtMost = 240

/** The timeline between two times, in at most `pointsAtMost` steps. */
const steps = (timeline: Timeline, view: View, values: ReadonlyArray<number>): [Array<number>, Array<number>] => {
  const { intervalMillis } = timeline
  const length = (view.time.max - view.time.min) / intervalMillis
  const each = Math.max(1, Math.ceil(length / pointsAtMost))
  const first = Math.max(0, Math.floor(view.time.min / intervalMillis / each) * each)
  const last = Math.min(values.length, Math.ceil(view.time.max / intervalMillis))
  const times: Array<number> = []
  const found: Array<number> = []
  for (let from = first; from < last; from += each) {
    let sum = 0
    const to = Math.min(from + each, values.length)
    for (let index = from; index < to; index++) {
      sum += values[index] ?? 0
    }
    times.push(from * intervalMillis)
    found.push(sum / ((to - from) * intervalMillis))
  }
  times.push(last * intervalMillis)
  found.push(found[found.length - 1] ?? 0)
  return [times, found]
}

type Kind = "bytes" | "ended" | "open" | "failed"

const valuesOf = (timeline: Timeline, kind: Kind): ReadonlyArray<number> =>
  kind === "open" ? timeline.openMillis : timeline[kind].map((value) => value * 1000)

const timeline = (run: Run, view: View, kind: Kind, sizes: Sizes): Chart => {
  const { timeline } = run.data
  const values = valuesOf(timeline, kind)
  const height = kind === "failed" ? failuresHeight : timelineHeight
  const color = (): string => {
    const { failed, phases } = Colors.colors()
    return kind === "failed" ? failed : phases[kind === "open" ? "firstByte" : "body"]
  }
  const chart = new uPlot(
    {
      ...common(view, false),
      width: sizes.width,
      height,
      scales: {
        x: { time: false, range: () => [view.time.min, view.time.max] },
        y: { range: (_, __, max) => [0, Math.max(1, max * 1.08)] }
      },
      axes: [
        timeAxis(false),
        {
          ...axisOf(),
          size: () => sizes.gutter,
          space: 28,
          values: (_, splits) =>
            splits.map((value) =>
              kind === "bytes" ? `${Format.size(value)}/s` : Number.isInteger(value) ? Format.count(value) : ""
            )
        }
      ],
      series: [
        {},
        {
          stroke: color,
          fill: () => `color-mix(in srgb, ${color()} 25%, transparent)`,
          width: 1.25,
          ...(uPlot.paths.stepped === undefined ? {} : { paths: uPlot.paths.stepped({ align: 1 }) }),
          points: { show: false }
        }
      ],
      hooks: { setSelect: [onSelect(view, false)] }
    },
    steps(timeline, view, values)
  )
  return {
    root: chart.root,
    update: () => chart.setData(steps(timeline, view, values)),
    resize: () => chart.setSize({ width: sizes.width, height })
  }
}

const waterfall = (run: Run, view: View, sizes: Sizes, frame: HTMLElement): Chart => {
  const show = tip(run, frame)
  // Few rows do not become higher than their text needs.
  const rows = (): Range => ({
    min: view.rows.min,
    max: view.rows.min + Math.max(view.rows.max - view.rows.min, (sizes.waterfallHeight - axisHeight) / rowAtMost)
  })
  const rowAt = (chart: uPlot, top: number) => run.rows[view.list[Math.floor(chart.posToVal(top, "y"))] ?? -1]
  const chart: uPlot = new uPlot(
    {
      ...common(view, true),
      width: sizes.width,
      height: sizes.waterfallHeight,
      scales: {
        x: { time: false, range: () => [view.time.min, view.time.max] },
        y: { dir: -1, range: () => [rows().min, rows().max] }
      },
      axes: [
        timeAxis(true),
        { ...axisOf(), size: () => sizes.gutter, grid: { show: false }, ticks: { show: false }, values: () => [] }
      ],
      // A series without points, so that there is a scale.
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: {
        setSelect: [onSelect(view, true)],
        draw: [
          ({ bbox, ctx }) => {
            const shapes = Waterfall.draw(
              run,
              { context: ctx, ...bbox, ratio: devicePixelRatio, time: view.time, list: view.list, rows: rows() },
              view.selected
            )
            frame.dataset["shapes"] = `${shapes}`
          }
        ],
        setCursor: [
          (drawn) => {
            const { left = -1, top = -1 } = drawn.cursor
            const found = left < 0 || top < 0 || drawn.cursor.event === null ? undefined : rowAt(drawn, top)
            show(found !== undefined && "transfer" in found ? found.transfer : undefined, drawn, left, top)
          }
        ],
        ready: [
          (ready) => {
            ready.over.addEventListener("click", ({ offsetY }) => {
              const found = rowAt(ready, offsetY)
              if (found !== undefined && "transfer" in found) {
                select(run, view, found.transfer)
              }
            })
          }
        ]
      }
    },
    [
      [0, Math.max(1, run.data.elapsedMillis)],
      [0, run.rows.length]
    ]
  )
  return {
    root: chart.root,
    update: () => chart.redraw(true, true),
    resize: () => chart.setSize({ width: sizes.width, height: sizes.waterfallHeight })
  }
}
