/**
 * Lays a snapshot out as rows of text for a terminal.
 */

import { displaySize } from "../internal/text/displaySize.js"
import { displayTime } from "../internal/text/displayTime.js"
import { clip, clipMiddle, displayWidth } from "../internal/text/displayWidth.js"
import { lastSegment } from "../internal/text/fileNames.js"
import { longWaitTexts } from "../internal/text/longWaitText.js"
import * as Printable from "../internal/text/printable.js"
import type { LongWait, Snapshot, Transfer } from "./snapshot.js"

/**
 * The space for the rows.
 *
 * @category models
 * @since 0.2.0
 */
export interface RowOptions {
  /** The width of the rows in columns. */
  readonly columns: number
  /** Default: 8. */
  readonly rowsAtMost?: number | undefined
  /** The frame of a spinner, which stands for a length that is not known. Default: none. */
  readonly frame?: string | undefined
  /** False for text that is not redrawn, such as a log. Default: true. */
  readonly hasBar?: boolean | undefined
  /** True for green bars, red failures and yellow retries. Default: false. */
  readonly hasColors?: boolean | undefined
}

const gap = "  "
const nameWidthAtLeast = 8
// In a list, the numbers are near the names.
const nameWidthAtMost = 60
const barWidthAtLeast = 10
const barWidthAtMost = 40

/** The width of a rate and a time. */
const paceWidth = 23

// A transfer that ends within this time has no row.
const listedAfterMillis = 1000

// After this time without bytes, a row says so.
const silentAfterMillis = 3000

/**
 * Returns rows that are at most `columns` wide. A run of one request has its name, a bar, and the numbers. Another run has a row for
 * the whole, and rows for the transfers that wait for a retry or that were started more than a second ago.
 *
 * Transfers that have received nothing yet share a row, and so do those that wait long for the same reason. A transfer for which no
 * bytes arrive says so in place of its rate.
 *
 * In a narrow terminal the number of connections is left out first, then the bar, and then the name is clipped. If the numbers of a
 * run do not fit in one row, they take several. A row of a transfer in a list leaves out the bytes, and then the rate.
 *
 * @category rows
 * @since 0.2.0
 */
export const rows = (snapshot: Snapshot, options: RowOptions): ReadonlyArray<string> => {
  const { rowsAtMost = 8 } = options
  const [only] = snapshot.transfers
  const isSingle =
    snapshot.expected === 1 || (snapshot.expected === undefined && snapshot.done === 0 && snapshot.inFlight === 1)
  if (isSingle && only !== undefined && snapshot.done === 0) {
    return rowsOfOne(only, options).slice(0, rowsAtMost)
  }
  const head = rowsOfRun(snapshot, options)
  const listed = snapshot.transfers.filter(
    ({ elapsedMillis, waiting }) => waiting !== undefined || elapsedMillis >= listedAfterMillis
  )
  const silent = listed.filter(isSilent)
  const others = silent.length > 1 ? listed.filter((transfer) => !isSilent(transfer)) : listed
  const rest = [
    ...(silent.length > 1 ? [rowOfSilent(silent, options)] : []),
    ...snapshot.longWaits.slice(0, waitRowsAtMost).map((wait) => rowOfLongWait(wait, options))
  ]
  const room = Math.max(0, rowsAtMost - head.length - rest.length)
  return [...head, ...others.slice(0, room).map((transfer) => rowOfMany(transfer, options)), ...rest].slice(
    0,
    rowsAtMost
  )
}

const waitRowsAtMost = 2

const rowsOfOne = (transfer: Transfer, options: RowOptions): ReadonlyArray<string> => {
  const { columns, frame = "", hasBar = true } = options
  const { bytes, connections, retries, totalBytes, waiting } = transfer
  const silence = silenceOf(transfer)
  const least = [
    totalBytes === undefined ? frame : percent(bytes, totalBytes),
    totalBytes === undefined ? displaySize(bytes) : `${displaySize(bytes)}/${displaySize(totalBytes)}`,
    ...(silence === undefined ? [rateOf(transfer), waiting !== undefined ? "" : timeOf(transfer)] : [silence]),
    retriesOf(retries)
  ].filter((part) => part !== "")
  const name = nameOf(transfer)
  const all = connections > 1 ? [...least, `${connections} connections`] : least
  const barWidth = hasBar && totalBytes !== undefined ? gap.length + barWidthAtLeast + 2 : 0
  const isRoomy = displayWidth([name, ...all].join(gap)) + barWidth <= columns
  const done = hasBar ? fraction(bytes, totalBytes) : undefined
  const head = withNameAndBar(name, isRoomy ? all : least, options, done)
  return waiting === undefined ? head : [...head, paint(yellow, clip(retryOf(waiting), columns), options)]
}

const rowsOfRun = (snapshot: Snapshot, options: RowOptions): ReadonlyArray<string> => {
  const { columns, frame = "", hasBar = true } = options
  const { bytes, done, expected, failed, inFlight, isEstimate, longWaits, totalBytes, waiting } = snapshot
  // On a terminal, there is a row that says why.
  const held = hasBar ? 0 : longWaits.reduce((sum, { transfers }) => sum + transfers, 0)
  const left = done === expected ? "" : leftOf(snapshot)
  const numbers = [
    bytes > 0 || inFlight > 0 ? displaySize(bytes) : "",
    rateOf(snapshot),
    left === "" ? "" : `${isEstimate ? "~" : ""}${left}`,
    failed === 0 ? "" : paint(red, `${failed} failed`, options),
    waiting === 0 ? "" : paint(yellow, `${waiting} to retry`, options),
    held === 0 ? "" : `${held} waiting`
  ].filter((part) => part !== "")
  return expected === undefined
    ? wrapped([...(frame === "" ? [] : [frame]), `${done} done, ${inFlight} in flight`, ...numbers], columns)
    : withNameAndBar(
        `${done}/${expected}`,
        numbers,
        options,
        hasBar ? (fraction(bytes, totalBytes) ?? fraction(done, expected)) : undefined
      )
}

const isSilent = ({ bytes, totalBytes, waiting }: Transfer): boolean =>
  bytes === 0 && totalBytes === undefined && waiting === undefined

/** Several such rows would push others out. */
const rowOfSilent = (silent: ReadonlyArray<Transfer>, { columns }: RowOptions): string => {
  const idle = displayTime(Math.max(...silent.map(({ idleMillis }) => idleMillis)))
  const name = silent[0] === undefined ? "" : nameOf(silent[0])
  return named(name, `and others: nothing received in ${idle}`, columns)
}

const rowOfLongWait = (wait: LongWait, options: RowOptions): string => {
  const { columns } = options
  const others = wait.transfers - 1
  const start = others === 0 ? "" : others === 1 ? "and 1 other: " : `and ${others} others: `
  const [long, short] = longWaitTexts(wait)
  const name = nameOf(wait)
  const nameWidth = Math.min(nameWidthAtLeast, displayWidth(name))
  const isRoomy = nameWidth + gap.length + displayWidth(start + long) <= columns
  return paint(yellow, named(name, `${start}${isRoomy ? long : short}`, columns), options)
}

const rowOfMany = (transfer: Transfer, options: RowOptions): string => {
  const { columns, frame = "" } = options
  const { bytes, connections, retries, totalBytes, waiting } = transfer
  if (waiting !== undefined) {
    return paint(yellow, named(nameOf(transfer), retryOf(waiting), columns), options)
  }
  const share = (totalBytes === undefined ? frame : percent(bytes, totalBytes)).padStart(4)
  const size = (
    totalBytes === undefined ? displaySize(bytes) : `${displaySize(bytes)}/${displaySize(totalBytes)}`
  ).padStart(17)
  const silence = silenceOf(transfer)
  const pace =
    silence === undefined ? `${rateOf(transfer).padStart(10)}${gap}${timeOf(transfer).padStart(11)}` : silence
  const cells = [
    [share, size, pace.padStart(paceWidth)],
    [share, pace.padStart(paceWidth)],
    [share, silence === undefined ? shortTimeOf(transfer) : "0 B/s"]
  ].map((row) => row.join(gap))
  const fitting = cells.find((text) => displayWidth(text) + gap.length + nameWidthAtLeast <= columns)
  const text = fitting ?? cells.at(-1) ?? ""
  const room = Math.max(0, Math.min(nameWidthAtMost, columns - displayWidth(text) - gap.length))
  // The rest of the room for the name.
  const details = [retriesOf(retries), connections > 1 ? `${connections} connections` : ""].filter(
    (part) => part !== ""
  )
  const withDetails = [
    [nameOf(transfer), ...details],
    [nameOf(transfer), ...details.slice(0, 1)]
  ]
    .map((parts) => parts.join(gap))
    .find((candidate) => displayWidth(candidate) <= room)
  const name = withDetails ?? clipName(nameOf(transfer), room)
  return clip(`${name}${" ".repeat(room - displayWidth(name))}${gap}${text}`, columns)
}

/** A name, which is clipped, and a text after it, which is clipped only if the name has its least width. */
const named = (name: string, text: string, columns: number): string => {
  const room = Math.max(nameWidthAtLeast, Math.min(displayWidth(name), columns - gap.length - displayWidth(text)))
  return clip(`${clipName(name, room)}${gap}${text}`, columns)
}

/** Names of one list often differ in their ends only. */
const clipName = (name: string, columns: number): string =>
  columns < nameWidthAtLeast ? clip(name, columns) : clipMiddle(name, columns)

/** One row if the numbers leave room for the least width of the name. */
const withNameAndBar = (
  name: string,
  numbers: ReadonlyArray<string>,
  options: RowOptions,
  done: number | undefined
): ReadonlyArray<string> => {
  const { columns } = options
  const tail = numbers.join(gap)
  const room = columns - displayWidth(tail) - gap.length
  const nameWidth = displayWidth(name)
  if (room < Math.min(nameWidth, nameWidthAtLeast)) {
    const first = displayWidth(numbers[0] ?? "") + gap.length
    return wrapped([clip(name, Math.max(nameWidthAtLeast, columns - first)), ...numbers], columns)
  }
  // A long name leaves half of the room to the bar.
  const half = Math.floor(room / 2)
  const forBar = gap.length + barWidthAtLeast + 2
  const nameRoom = done !== undefined && half >= forBar ? Math.max(room - forBar - barWidthAtMost, half) : room
  const shown = clip(name, nameRoom)
  const barWidth = Math.min(barWidthAtMost, room - displayWidth(shown) - gap.length - 2)
  const bar = done === undefined || barWidth < barWidthAtLeast ? [] : [barOf(done, barWidth, options)]
  return [[shown, ...bar, tail].filter((part) => part !== "").join(gap)]
}

/** Puts parts in as few rows as they need, in their order. */
const wrapped = (parts: ReadonlyArray<string>, columns: number): ReadonlyArray<string> => {
  const all: Array<string> = []
  for (const part of parts) {
    const last = all.at(-1)
    if (last !== undefined && displayWidth(last) + gap.length + displayWidth(part) <= columns) {
      all[all.length - 1] = `${last}${gap}${part}`
    } else {
      all.push(clip(part, columns))
    }
  }
  return all
}

const barOf = (done: number, width: number, options: RowOptions): string => {
  const filled = Math.floor(done * width)
  const bar = `${"=".repeat(filled)}${filled < width ? ">" : ""}`
  return `[${paint(green, bar, options)}${" ".repeat(width - bar.length)}]`
}

// SGR parameters (ECMA-48 §8.3.117).
const red = 31
const green = 32
const yellow = 33

const paint = (color: number, text: string, { hasColors = false }: RowOptions): string =>
  hasColors ? `\u001b[${color}m${text}\u001b[39m` : text

const fraction = (part: number, whole: number | undefined): number | undefined =>
  whole === undefined || whole <= 0 ? undefined : Math.min(1, part / whole)

const percent = (bytes: number, totalBytes: number): string =>
  `${Math.floor((fraction(bytes, totalBytes) ?? 1) * 100)}%`

const retriesOf = (retries: number): string => (retries === 0 ? "" : retries === 1 ? "1 retry" : `${retries} retries`)

const rateOf = ({ bytesPerSecond }: Pick<Transfer, "bytesPerSecond">): string =>
  bytesPerSecond === undefined ? "" : `${displaySize(bytesPerSecond)}/s`

/** Undefined if bytes have arrived a moment ago, or if none are expected. */
const silenceOf = ({ idleMillis, waiting }: Transfer): string | undefined =>
  waiting === undefined && idleMillis >= silentAfterMillis ? `no bytes for ${displayTime(idleMillis)}` : undefined

/** The time that is left, or else the time so far. */
const timeOf = (transfer: Transfer): string =>
  leftOf(transfer) || (transfer.totalBytes === undefined ? `after ${displayTime(transfer.elapsedMillis)}` : "")

const shortTimeOf = (transfer: Transfer): string => leftOf(transfer) || displayTime(transfer.elapsedMillis)

const leftOf = ({ remainingMillis }: Pick<Transfer, "remainingMillis">): string =>
  remainingMillis === undefined ? "" : `${displayTime(remainingMillis)} left`

const retryOf = ({ error, remainingMillis }: NonNullable<Transfer["waiting"]>): string =>
  `retry in ${displayTime(remainingMillis)}: ${Printable.line(error.message)}`

const nameOf = ({ request }: Pick<Transfer, "request">): string => Printable.line(lastSegment(request.destination))
