// Draws the waterfall of transfers on a canvas. What is drawn is bounded by the size of the canvas, whatever the number of transfers.
import type { ExchangeColumns, Phase } from "../src/RunRecord/data.js"
import { type Colors, colors } from "./colors.js"
import type { Run } from "./run.js"
import type { Range } from "./view.js"

export interface Area {
  readonly context: CanvasRenderingContext2D
  /** In pixels of the canvas. */
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  /** Pixels of the canvas in a pixel of the page. */
  readonly ratio: number
  readonly time: Range
  /** The rows that can be drawn, as positions in those of the run. */
  readonly list: ReadonlyArray<number>
  /** The positions in `list` at the top and at the bottom. */
  readonly rows: Range
}

type Paint = (from: number, to: number, phase: Phase | "unknown") => void

const requestPhases = ["permit", "lookup", "connect", "tls", "firstByte", "body"] as const

/** Calls `paint` for each phase of a transfer, in the order of time. */
const eachPhase = (run: Run, transfer: number, paint: Paint): void => {
  const { delays, exchanges, transfers } = run.data
  let last = transfers.began[transfer] ?? 0
  for (const exchange of run.exchangesOf(transfer)) {
    let at = exchanges.began[exchange] ?? 0
    for (const phase of requestPhases) {
      const duration = durationOf(exchanges, phase, exchange)
      if (duration > 0) {
        paint(at, at + duration, phase)
        at += duration
      }
    }
    last = Math.max(last, at)
  }
  for (const delay of run.delaysOf(transfer)) {
    const began = delays.began[delay] ?? 0
    const end = began + (delays.delay[delay] ?? 0)
    paint(began, Math.min(end, transfers.ended[transfer] ?? end), "delay")
    last = Math.max(last, end)
  }
  const ended = transfers.ended[transfer] ?? 0
  if (run.exchangesOf(transfer).length + run.delaysOf(transfer).length === 0) {
    paint(last, ended, "unknown")
  }
  if (ended > last && run.outcome(transfer) === "saved" && run.exchangesOf(transfer).length > 0) {
    paint(last, ended, "finish")
  }
}

const durationOf = (exchanges: ExchangeColumns, phase: (typeof requestPhases)[number], exchange: number): number =>
  exchanges[phase][exchange] ?? 0

/** The height of a row from which each transfer is drawn by itself, in pixels of the page. */
const rowAtLeast = 2.5
const textAtLeast = 11

/** Draws the rows, and returns the number of shapes that it has drawn. */
export const draw = (run: Run, area: Area, selected: number | undefined): number => {
  const rowHeight = area.height / (area.rows.max - area.rows.min)
  const { context, height, left, top, width } = area
  context.save()
  context.beginPath()
  context.rect(0, top, left + width, height)
  context.clip()
  const shapes =
    rowHeight / area.ratio >= rowAtLeast ? drawRows(run, area, rowHeight, selected) : drawBands(run, area, colors())
  const labels = drawLabels(run, area, rowHeight)
  context.restore()
  return shapes + labels
}

const drawRows = (run: Run, area: Area, rowHeight: number, selected: number | undefined): number => {
  const { context, left, list, ratio, rows, time, top, width } = area
  const { failed, phases, surface } = colors()
  const scale = width / (time.max - time.min)
  const gap = rowHeight / ratio >= 6 ? ratio : 0
  let shapes = 0
  for (let row = Math.floor(rows.min); row < Math.min(list.length, Math.ceil(rows.max)); row++) {
    const found = run.rows[list[row] ?? -1]
    const y = top + (row - rows.min) * rowHeight
    if (found === undefined || "origin" in found) {
      context.fillStyle = surface
      context.fillRect(left, y, width, rowHeight)
      shapes++
      continue
    }
    const { transfer } = found
    if (transfer === selected) {
      context.fillStyle = surface
      context.fillRect(left, y, width, rowHeight)
      shapes++
    }
    // Phases of the same kind that share a pixel are drawn once.
    const drawnTo = new Map<string, number>()
    eachPhase(run, transfer, (from, to, phase) => {
      const start = left + (Math.max(from, time.min) - time.min) * scale
      const end = left + (Math.min(to, time.max) - time.min) * scale
      if (to < time.min || from > time.max || end <= (drawnTo.get(phase) ?? -1)) {
        return
      }
      drawnTo.set(phase, Math.max(end, start + 1))
      context.fillStyle = phases[phase]
      const isThin = phase === "delay" || phase === "permit"
      const inset = isThin && rowHeight / ratio >= 6 ? rowHeight * 0.3 : gap
      context.fillRect(start, y + inset, Math.max(1, end - start), Math.max(1, rowHeight - 2 * inset))
      shapes++
    })
    if (run.outcome(transfer) === "failed") {
      const at = left + ((run.data.transfers.ended[transfer] ?? 0) - time.min) * scale
      context.fillStyle = failed
      context.fillRect(at, y, 3 * ratio, Math.max(1, rowHeight - gap))
      shapes++
    }
  }
  return shapes
}

const kinds = ["unknown", "permit", "lookup", "connect", "tls", "firstByte", "body", "delay", "finish"] as const

/** The colours of cells, each of which stands for a time of several transfers. */
class Cells {
  /** The time of each kind of phase in each cell. */
  private readonly times: Float32Array
  private readonly ends: Uint32Array
  private readonly failures: Uint32Array

  constructor(
    private readonly bins: number,
    bands: number,
    private readonly time: Range
  ) {
    this.times = new Float32Array(bins * bands * kinds.length)
    this.ends = new Uint32Array(bins * bands)
    this.failures = new Uint32Array(bins * bands)
  }

  private get binMillis(): number {
    return (this.time.max - this.time.min) / this.bins
  }

  add(band: number, from: number, to: number, kind: number): void {
    const start = (from - this.time.min) / this.binMillis
    const end = (to - this.time.min) / this.binMillis
    for (let bin = Math.max(0, Math.floor(start)); bin < Math.min(this.bins, end); bin++) {
      const index = (band * this.bins + bin) * kinds.length + kind
      this.times[index] = (this.times[index] ?? 0) + Math.min(end, bin + 1) - Math.max(start, bin)
    }
  }

  end(band: number, at: number, isFailed: boolean): void {
    const bin = Math.floor((at - this.time.min) / this.binMillis)
    if (bin >= 0 && bin < this.bins) {
      const index = band * this.bins + bin
      this.ends[index] = (this.ends[index] ?? 0) + 1
      this.failures[index] = (this.failures[index] ?? 0) + (isFailed ? 1 : 0)
    }
  }

  /** The kind of phase that takes most of the time of a cell, or `failed` if a fifth of the transfers that end in it fail. */
  of(band: number, bin: number): (typeof kinds)[number] | "failed" | undefined {
    const cell = band * this.bins + bin
    if ((this.failures[cell] ?? 0) * 5 > (this.ends[cell] ?? 0)) {
      return "failed"
    }
    let most = 0
    let found: (typeof kinds)[number] | undefined
    for (const [kind, name] of kinds.entries()) {
      const time = this.times[cell * kinds.length + kind] ?? 0
      if (time > most) {
        most = time
        found = name
      }
    }
    return found
  }
}

/** Draws many transfers in each line of cells. */
const drawBands = (run: Run, area: Area, { failed, phases }: Colors): number => {
  const { context, left, list, ratio, rows, time, top } = area
  const cell = 2 * ratio
  const bands = Math.max(1, Math.floor(area.height / cell))
  const bins = Math.max(1, Math.floor(area.width / cell))
  const perBand = (rows.max - rows.min) / bands
  const cells = new Cells(bins, bands, time)
  for (let row = Math.max(0, Math.floor(rows.min)); row < Math.min(list.length, rows.max); row++) {
    const found = run.rows[list[row] ?? -1]
    const band = Math.min(bands - 1, Math.max(0, Math.floor((row - rows.min) / perBand)))
    if (found !== undefined && "transfer" in found) {
      eachPhase(run, found.transfer, (from, to, phase) => cells.add(band, from, to, kinds.indexOf(phase)))
      cells.end(band, run.data.transfers.ended[found.transfer] ?? 0, run.outcome(found.transfer) === "failed")
    }
  }
  let shapes = 0
  for (let band = 0; band < bands; band++) {
    for (let bin = 0; bin < bins; ) {
      const kind = cells.of(band, bin)
      let end = bin + 1
      while (end < bins && cells.of(band, end) === kind) {
        end++
      }
      if (kind !== undefined) {
        context.fillStyle = kind === "failed" ? failed : phases[kind]
        context.fillRect(left + bin * cell, top + band * cell, (end - bin) * cell, cell)
        shapes++
      }
      bin = end
    }
  }
  return shapes
}

/** Draws the names of transfers and origins beside the rows, if there is room. */
const drawLabels = (run: Run, area: Area, rowHeight: number): number => {
  const { context, left, list, ratio, rows, top } = area
  const { failed, muted, text } = colors()
  const size = Math.min(12, Math.max(10, rowHeight / ratio - 3)) * ratio
  context.textBaseline = "middle"
  const hasText = rowHeight / ratio >= textAtLeast
  let shapes = 0
  if (!hasText) {
    return drawOrigins(run, area, rowHeight)
  }
  for (let row = Math.floor(rows.min); row < Math.min(list.length, Math.ceil(rows.max)); row++) {
    const found = run.rows[list[row] ?? -1]
    if (found === undefined) {
      continue
    }
    const y = top + (row - rows.min + 0.5) * rowHeight
    const isHeading = "origin" in found
    context.font = `${isHeading ? "600 " : ""}${size}px system-ui, sans-serif`
    context.fillStyle = isHeading ? text : run.outcome(found.transfer) === "failed" ? failed : muted
    const label = isHeading ? run.origin(found.origin).replace(/^https?:\/\//, "") : run.name(found.transfer)
    context.textAlign = isHeading ? "left" : "right"
    const room = isHeading ? left + area.width - 16 * ratio : left - 14 * ratio
    context.fillText(fitted(context, label, room), isHeading ? 8 * ratio : left - 6 * ratio, y)
    shapes++
  }
  return shapes
}

/** Draws the name of each origin beside its rows, which are too low for names of their own. */
const drawOrigins = (run: Run, { height, list, rows, top, ...area }: Area, rowHeight: number): number => {
  const { context, left, ratio } = area
  context.font = `600 ${11 * ratio}px system-ui, sans-serif`
  context.fillStyle = colors().muted
  context.textAlign = "right"
  const half = 8 * ratio
  let bottom = top
  let shapes = 0
  for (let row = Math.floor(rows.min); row < Math.min(list.length, rows.max); row++) {
    const found = run.rows[list[row] ?? -1]
    const y = Math.max(bottom + half, top + (row - rows.min) * rowHeight + half)
    if (found !== undefined && "origin" in found && y + half < top + height) {
      const label = run.origin(found.origin).replace(/^https?:\/\//, "")
      context.fillText(fitted(context, label, left - 14 * ratio), left - 6 * ratio, y)
      bottom = y + half
      shapes++
    }
  }
  return shapes
}

/** The end of a text that fits into a width. */
const fitted = (context: CanvasRenderingContext2D, text: string, room: number): string => {
  const short = text.slice(-200)
  if (context.measureText(short).width <= room) {
    return short
  }
  const length = Math.max(1, Math.floor((short.length * room) / context.measureText(short).width) - 1)
  return `…${short.slice(-length)}`
}
