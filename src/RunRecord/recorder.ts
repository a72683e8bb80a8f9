/**
 * Keeps the events of a run in tables and sums.
 *
 * A transfer has a row from its begin. When the tables are full, further transfers are only counted, but a failed one and one that
 * took long still have a row and their last request.
 *
 * @internal
 */
import { type DownloadOutcome, type DownloadRequest, isNotStarted } from "../Download.js"
import { reasonOf } from "../DownloadError/reason.js"
import type { DownloadError } from "../DownloadError.js"
import type { Advanced, Blocked, DownloadEvent, Exchanged, Finished, Retrying, Started } from "../DownloadEvent.js"
import { displayText, displayUrl, isHttp, parse } from "../internal/text/displayUrl.js"
import * as NormalizedUrl from "../internal/text/normalizedUrl.js"
import { type Outcome, outcomes, type Picture, type RunData } from "./data.js"
import { phaseOf } from "./failurePhase.js"
import { Leftovers } from "./leftovers.js"
import { LongWaits } from "./longWaits.js"
import { Rows } from "./rows.js"
import { Sums } from "./sums.js"
import { Texts } from "./texts.js"
import { Timeline } from "./timeline.js"

/** A transfer in flight. */
interface Active {
  /** -1 if the tables are full. */
  row: number
  readonly origin: number
  readonly began: number
  retries: number
  /** The reasons of its long waits, the last one at the end. */
  longWaits: ReadonlyArray<number>
  /** The size of the file at the last `Advanced`. */
  size: number | undefined
  sizeAt: number
  /** The first `Advanced` since the last request ended: a request is open. */
  openSince: number | undefined
  /** The bytes that are in the timeline. */
  counted: number
  /** The bytes of the requests that have ended. */
  received: number
  last: Exchanged | undefined
}

/** A transfer that has ended and for which the tables had no room. It may get a row at the end. */
interface OverflowTransfer {
  readonly request: DownloadRequest
  readonly active: Active
  readonly ended: number
  readonly outcome: DownloadOutcome
}

const noWaits: ReadonlyArray<number> = []

const originsAtMost = 1000
const textsAtMost = 10_000
const failureKindsAtMost = 200
const overflowFailuresAtMost = 1000
const overflowSlowestAtMost = 100

export class Recorder {
  private beganAt: number | undefined
  private elapsed = 0
  private readonly active = new Map<DownloadRequest, Active>()
  private readonly all = new Sums()
  private readonly origins = new Map<string, number>()
  private readonly originSums: Array<{ readonly origin: string; readonly sums: Sums }> = []
  private readonly failures = new Map<string, { readonly reason: string; readonly phase: string; count: number }>()
  private readonly longWaits = new LongWaits()
  private readonly leftovers = new Leftovers()
  private readonly timeline = new Timeline()
  private readonly texts = new Texts(textsAtMost)
  private readonly rows: Rows
  private expected = 0
  private savedBytes = 0
  private readonly overflowFailures: Array<OverflowTransfer> = []
  private overflowSlowest: Array<OverflowTransfer> = []

  constructor(transfersAtMost: number) {
    this.rows = new Rows(transfersAtMost)
  }

  receive(event: DownloadEvent): void {
    switch (event._tag) {
      case "Started":
        this.onStarted(event)
        break
      case "Advanced":
        this.onAdvanced(event)
        break
      case "Exchanged":
        this.onExchanged(event)
        break
      case "Retrying":
        this.onRetrying(event)
        break
      case "Blocked":
        this.onBlocked(event)
        break
      case "Finished":
        this.onFinished(event)
    }
  }

  expect(files: number): void {
    this.expected += files
  }

  /** Calls `take` with the saved files of the rows, in their order, until it returns false. */
  saved(take: (file: string, row: number) => boolean): void {
    this.rows.saved(take)
  }

  data(pictures: ReadonlyArray<Picture>, hasSecrets: boolean): Omit<RunData, "hasFailuresOnly" | "hints"> {
    this.addOverflow()
    this.addOpen()
    const { all } = this
    const unfinished = this.active.size
    const seen = outcomes.reduce((sum, outcome) => sum + all.counts[outcome], unfinished)
    const notStarted = all.counts.notStarted + Math.max(0, this.expected - seen)
    const show = hasSecrets ? (url: string) => url : displayUrl
    return {
      version: 1,
      beganAtMillis: this.beganAt ?? 0,
      elapsedMillis: this.elapsed,
      counts: { ...all.counts, notStarted, unfinished },
      phases: { ...all.phases },
      savedBytes: this.savedBytes,
      receivedBytes: all.bytes,
      requests: all.requests,
      retries: all.retries,
      openAtMost: Math.max(Math.min(1, all.requests), this.timeline.openAtMost),
      origins: this.originSums.map(({ origin, sums }) => sums.data(origin)),
      failures: Array.from(this.failures.values(), (kind) => ({ ...kind })).sort(
        (one, other) => other.count - one.count
      ),
      longWaits: this.longWaits.data(),
      leftovers: this.leftovers.data(),
      timeline: this.timeline.data(this.elapsed),
      texts: this.texts.all(),
      ...this.rows.columns((url, origin) => this.pathOf(show(url), origin), this.elapsed),
      pictures
    }
  }

  /** The time of an event since the begin of the run. */
  private timeOf(atMillis: number): number {
    this.beganAt ??= atMillis
    const time = Math.max(0, atMillis - this.beganAt)
    this.elapsed = Math.max(this.elapsed, time)
    return time
  }

  private onStarted({ atMillis, request }: Started): void {
    this.begin(request, this.timeOf(atMillis))
  }

  private begin(request: DownloadRequest, began: number): Active {
    const origin = this.originOf(request.url)
    const row = this.rows.isFull ? -1 : this.rows.addTransfer(request, origin, began)
    const active: Active = {
      row,
      origin,
      began,
      retries: 0,
      longWaits: noWaits,
      size: undefined,
      sizeAt: began,
      openSince: undefined,
      counted: 0,
      received: 0,
      last: undefined
    }
    this.active.set(request, active)
    return active
  }

  private onAdvanced({ atMillis, bytes, request }: Advanced): void {
    const at = this.timeOf(atMillis)
    const active = this.active.get(request)
    if (active === undefined) {
      return
    }
    // The first size may have the bytes of an earlier process.
    const gained = active.size === undefined ? 0 : Math.max(0, bytes - active.size)
    if (gained > 0) {
      this.timeline.receive(active.sizeAt, at, gained)
      active.counted += gained
    }
    active.size = bytes
    active.sizeAt = at
    active.openSince ??= at
  }

  private onExchanged(event: Exchanged): void {
    const at = this.timeOf(event.atMillis)
    const active = this.active.get(event.request)
    const origin = active !== undefined && event.url === event.request.url ? active.origin : this.originOf(event.url)
    if (event.isShared !== true) {
      this.all.exchange(event)
      this.originSums[origin]?.sums.exchange(event)
      const began = event.beganAtMillis - (this.beganAt ?? 0) + event.permitMillis
      this.timeline.open(Math.max(0, began), at)
    }
    if (active === undefined) {
      return
    }
    active.openSince = undefined
    active.received += event.bytes
    const rest = active.received - active.counted
    if (rest > 0) {
      this.timeline.receive(Math.max(0, at - (event.bodyMillis ?? 0)), at, rest)
      active.counted += rest
    }
    active.last = event
    if (active.row !== -1) {
      this.addExchange(event, active.row, origin)
    }
  }

  private addExchange(event: Exchanged, transfer: number, origin: number): void {
    const began = Math.max(0, event.beganAtMillis - (this.beganAt ?? 0))
    this.rows.addExchange(event, transfer, origin, began, event.error === undefined ? -1 : this.textOf(event.error))
  }

  private onRetrying({ atMillis, attempt, delayMillis, error, request }: Retrying): void {
    const began = this.timeOf(atMillis)
    const active = this.active.get(request)
    this.all.delay(delayMillis)
    if (active === undefined) {
      return
    }
    this.originSums[active.origin]?.sums.delay(delayMillis)
    active.retries++
    if (active.row !== -1) {
      this.rows.addDelay(active.row, began, delayMillis, attempt, this.textOf(error))
    }
  }

  private onBlocked(event: Blocked): void {
    this.timeOf(event.atMillis)
    const active = this.active.get(event.request)
    if (active === undefined) {
      return
    }
    const position = this.longWaits.add(event, active.longWaits)
    active.longWaits = [...active.longWaits.filter((before) => before !== position), position]
    if (active.row !== -1) {
      this.rows.setLongWait(active.row, position)
    }
  }

  private onFinished({ atMillis, outcome }: Finished): void {
    const ended = this.timeOf(atMillis)
    const { request } = outcome
    // A request that is cancelled at the end of a run has no `Started`.
    const active = this.active.get(request) ?? this.begin(request, ended)
    this.active.delete(request)
    this.timeline.end(ended, outcome._tag === "Failed")
    const name = nameOf(outcome)
    const sums = this.originSums[active.origin]?.sums
    this.all.count(name)
    this.leftovers.add(outcome)
    sums?.count(name)
    this.savedBytes += outcome._tag === "Saved" ? outcome.bytes : 0
    if (outcome._tag === "Saved" && active.last !== undefined) {
      const finish = Math.max(0, atMillis - active.last.atMillis)
      this.all.finish(finish)
      sums?.finish(finish)
    }
    if (outcome._tag === "Failed") {
      this.countFailure(outcome.error, active.last)
    }
    if (active.row === -1) {
      this.keepOverflow({ request, active, ended, outcome })
    } else {
      this.end(active, ended, outcome)
      // By now this is an old object for V8, which frees those rarely. Until then it would keep the event in memory.
      active.last = undefined
    }
  }

  private end(active: Active, ended: number, outcome: DownloadOutcome): void {
    const { received, retries, row } = active
    const bytes = outcome._tag === "Saved" ? outcome.bytes : received
    this.rows.endTransfer(row, { ended, outcome: nameOf(outcome), retries, bytes })
    if (outcome._tag === "Saved") {
      this.rows.setFile(row, outcome.destination)
    } else if (outcome._tag === "Failed") {
      const phase = phaseOf(outcome.error, active.last)
      this.rows.setFailure(row, this.textOf(outcome.error), this.texts.add(phase, phase))
    }
  }

  private countFailure(error: DownloadError, last: Exchanged | undefined): void {
    const reason = reasonOf(error)
    const phase = phaseOf(error, last)
    const key = `${phase} ${reason}`
    const isKnown = this.failures.has(key) || this.failures.size < failureKindsAtMost
    const found = this.failures.get(isKnown ? key : "")
    if (found !== undefined) {
      found.count++
    } else {
      this.failures.set(
        isKnown ? key : "",
        isKnown ? { reason, phase, count: 1 } : { reason: "other reasons", phase: "", count: 1 }
      )
    }
  }

  private keepOverflow(transfer: OverflowTransfer): void {
    if (transfer.outcome._tag === "Failed" && this.overflowFailures.length < overflowFailuresAtMost) {
      this.overflowFailures.push(transfer)
      return
    }
    this.overflowSlowest.push(transfer)
    // Sorted rarely, so a transfer costs little.
    if (this.overflowSlowest.length >= 2 * overflowSlowestAtMost) {
      this.overflowSlowest = slowest(this.overflowSlowest)
    }
  }

  /** Gives rows to transfers that had none. */
  private addOverflow(): void {
    for (const { active, ended, outcome, request } of [
      ...this.overflowFailures.splice(0),
      ...slowest(this.overflowSlowest)
    ]) {
      active.row = this.rows.addTransfer(request, active.origin, active.began)
      this.rows.setLongWait(active.row, active.longWaits.at(-1) ?? -1)
      if (active.last !== undefined) {
        this.addExchange(active.last, active.row, this.originOf(active.last.url))
      }
      this.end(active, ended, outcome)
    }
    this.overflowSlowest = []
  }

  /** Counts the requests of a killed run, which have no end. They were open while bytes arrived. */
  private addOpen(): void {
    for (const active of this.active.values()) {
      if (active.openSince !== undefined) {
        this.timeline.open(active.openSince, active.sizeAt)
        active.openSince = undefined
      }
    }
  }

  private textOf(error: DownloadError): number {
    return this.texts.add(displayText(error.message), reasonOf(error))
  }

  private originOf(url: string): number {
    const origin = NormalizedUrl.originOf(url) ?? parsedOrigin(url)
    const known = this.origins.has(origin) || this.origins.size < originsAtMost ? origin : ""
    const found = this.origins.get(known)
    if (found !== undefined) {
      return found
    }
    const added = this.originSums.push({ origin: known, sums: new Sums() }) - 1
    this.origins.set(known, added)
    return added
  }

  private pathOf(url: string, origin: number): string {
    const { origin: text = "" } = this.originSums[origin] ?? {}
    return text !== "" && url.startsWith(text) ? url.slice(text.length) : url
  }
}

const parsedOrigin = (text: string): string => {
  const url = parse(text)
  return url !== undefined && isHttp(url) ? url.origin : ""
}

const slowest = (transfers: ReadonlyArray<OverflowTransfer>): Array<OverflowTransfer> =>
  transfers
    .slice()
    .sort((one, other) => other.ended - other.active.began - (one.ended - one.active.began))
    .slice(0, overflowSlowestAtMost)

const nameOf = (outcome: DownloadOutcome): Outcome => {
  switch (outcome._tag) {
    case "Saved":
      return "saved"
    case "Skipped":
      return "skipped"
    case "NotModified":
      return "notModified"
    case "Failed":
      return "failed"
    case "Cancelled":
      return isNotStarted(outcome) ? "notStarted" : "cancelled"
  }
}
