/**
 * Adds up the events of a run. The state in a snapshot is kept as sums, so an event and a snapshot cost the same for any number of
 * transfers.
 *
 * @internal
 */
import type { DownloadOutcome, DownloadRequest } from "../Download.js"
import type { Advanced, DownloadEvent, Retrying } from "../DownloadEvent.js"
import { LongWaits } from "./longWaits.js"
import { SmoothedRate } from "./smoothedRate.js"
import type { Snapshot, Transfer } from "./snapshot.js"

// Small transfers end before their first `Advanced`. They have a place in two arrays, because the tables that a Map leaves behind
// would keep their requests in V8's old generation. Further ones are only counted.
const silentAtMost = 64

/** A slower rate gives no time left. */
const slowestBytesPerSecond = 1

/** A transfer that has received bytes or has failed once. */
interface Known {
  readonly request: DownloadRequest
  readonly startedAt: number
  readonly rate: SmoothedRate
  bytes: number
  totalBytes: number | undefined
  /** The bytes of the first `Advanced`. Those of an earlier process may be among them. */
  firstBytes: number | undefined
  /** The time of the last `Advanced`, or of the end of the last wait. */
  rateAt: number
  /** The time of the last sign of progress. */
  activeAt: number
  connections: number
  retries: number
  retry: { readonly event: Retrying; readonly until: number } | undefined
}

export class Tally {
  private readonly begin: number
  private started = 0
  private done = 0
  private failed = 0
  private retries = 0
  private savedBytes = 0
  // Sums over `known`.
  private knownBytes = 0
  private knownTotalBytes = 0
  private withTotal = 0
  private readonly known = new Map<DownloadRequest, Known>()
  private readonly longWaits = new LongWaits()
  private readonly waiting = new Set<Known>()
  // No wait ends before this time.
  private nextRetryAt = Number.POSITIVE_INFINITY
  private readonly silent: Array<DownloadRequest> = []
  private readonly silentSince: Array<number> = []
  private readonly rate = new SmoothedRate()
  private rateAt: number

  constructor(
    private readonly now: () => number,
    private expected: number | undefined
  ) {
    this.begin = now()
    this.rateAt = this.begin
  }

  expect(requests: number): void {
    this.expected = requests
  }

  receive(event: DownloadEvent): void {
    switch (event._tag) {
      case "Started":
        if (this.waiting.size > 0) {
          this.passTo(this.now())
        }
        this.started++
        if (this.silent.length < silentAtMost) {
          this.silent.push(event.request)
          this.silentSince.push(this.now())
        }
        break
      case "Advanced":
        this.onAdvanced(event)
        break
      case "Retrying":
        this.onRetrying(event)
        break
      case "Blocked":
        this.knownOf(event.request)
        this.longWaits.add(event, this.now())
        break
      case "Unblocked":
        this.longWaits.end(event.request)
        this.knownOf(event.request).activeAt = this.now()
        break
      case "Finished":
        this.onFinished(event.outcome)
    }
  }

  snapshot(transfersAtMost: number): Snapshot {
    const now = this.now()
    this.passTo(now)
    const inFlight = this.inFlight()
    const bytes = this.savedBytes + this.knownBytes
    const { isEstimate, totalBytes } = this.total(inFlight)
    const bytesPerSecond = this.rate.perSecond()
    const pause = inFlight > 0 && this.waiting.size === inFlight ? Math.max(0, this.firstRetryAt() - now) : 0
    return {
      done: this.done,
      failed: this.failed,
      inFlight,
      expected: this.expected,
      bytes,
      totalBytes,
      isEstimate,
      bytesPerSecond,
      remainingMillis: remaining(bytes, totalBytes, bytesPerSecond, pause),
      elapsedMillis: now - this.begin,
      retries: this.retries,
      waiting: this.waiting.size,
      longWaits: this.longWaits.groups(now),
      transfers: this.transfers(now, transfersAtMost)
    }
  }

  private inFlight(): number {
    // A request that is cancelled at the end of a run may have no `Started` event.
    return Math.max(0, this.started - this.done)
  }

  /** Takes a transfer out of the silent ones. Returns the time of its `Started`. */
  private takeSilent(request: DownloadRequest): number | undefined {
    const index = this.silent.indexOf(request)
    const last = this.silent.pop()
    const lastSince = this.silentSince.pop()
    if (index === -1 || last === undefined || lastSince === undefined) {
      if (last !== undefined && lastSince !== undefined) {
        this.silent.push(last)
        this.silentSince.push(lastSince)
      }
      return undefined
    }
    const since = this.silentSince[index] ?? lastSince
    if (index < this.silent.length) {
      this.silent[index] = last
      this.silentSince[index] = lastSince
    }
    return since
  }

  private knownOf(request: DownloadRequest): Known {
    const found = this.known.get(request)
    if (found !== undefined) {
      return found
    }
    const now = this.now()
    const startedAt = this.takeSilent(request) ?? now
    const added: Known = {
      request,
      startedAt,
      rate: new SmoothedRate(),
      bytes: 0,
      totalBytes: undefined,
      firstBytes: undefined,
      rateAt: now,
      activeAt: startedAt,
      connections: 0,
      retries: 0,
      retry: undefined
    }
    this.known.set(request, added)
    return added
  }

  private onAdvanced({ bytes, connections, request, totalBytes }: Advanced): void {
    const now = this.now()
    this.passTo(now)
    const known = this.knownOf(request)
    this.endWait(known, now)
    // A new attempt may start over, and what it receives until its first `Advanced` is not known.
    const gained = known.firstBytes === undefined ? 0 : Math.max(0, bytes - known.bytes)
    if (known.firstBytes === undefined) {
      known.firstBytes = bytes
    } else {
      known.rate.elapse(now - known.rateAt)
      known.rate.add(gained)
    }
    known.rateAt = now
    known.activeAt = now
    this.rate.add(gained)
    this.knownBytes += bytes - known.bytes
    known.bytes = bytes
    known.connections = connections
    this.setTotal(known, totalBytes)
  }

  private onRetrying(event: Retrying): void {
    const now = this.now()
    this.passTo(now)
    const known = this.knownOf(event.request)
    this.longWaits.end(event.request)
    known.connections = 0
    known.retries++
    this.retries++
    known.retry = { event, until: now + event.delayMillis }
    this.waiting.add(known)
    this.nextRetryAt = Math.min(this.nextRetryAt, known.retry.until)
  }

  private onFinished(outcome: DownloadOutcome): void {
    const { request } = outcome
    const known = this.known.get(request)
    this.longWaits.end(request)
    this.passTo(this.now())
    this.done++
    this.failed += outcome._tag === "Failed" ? 1 : 0
    if (outcome._tag === "Saved") {
      this.savedBytes += outcome.bytes
      // 206: an earlier process has received a part of the file, which counts for no rate.
      const isWhole = outcome.status !== 206
      const counted = known?.firstBytes === undefined ? 0 : known.bytes - (isWhole ? known.firstBytes : 0)
      this.rate.add(isWhole || counted > 0 ? Math.max(0, outcome.bytes - counted) : 0)
    }
    if (known === undefined) {
      this.takeSilent(request)
      return
    }
    this.known.delete(request)
    this.waiting.delete(known)
    this.knownBytes -= known.bytes
    this.setTotal(known, undefined)
  }

  private setTotal(known: Known, totalBytes: number | undefined): void {
    this.knownTotalBytes += (totalBytes ?? 0) - (known.totalBytes ?? 0)
    this.withTotal += (totalBytes === undefined ? 0 : 1) - (known.totalBytes === undefined ? 0 : 1)
    known.totalBytes = totalBytes
  }

  private endWait(known: Known, now: number): void {
    if (known.retry !== undefined) {
      this.waiting.delete(known)
      known.rateAt = Math.min(now, known.retry.until)
      known.activeAt = known.rateAt
      known.retry = undefined
    }
  }

  /** Lets the time of the rate pass. Time in which all transfers wait for their next attempt does not count. */
  private passTo(now: number): void {
    if (this.waiting.size > 0) {
      const isPaused = this.waiting.size === this.inFlight()
      const until = now < this.nextRetryAt ? now : Math.min(now, this.firstRetryAt())
      if (isPaused) {
        this.rateAt = Math.max(this.rateAt, until)
      }
      if (now >= this.nextRetryAt) {
        this.endWaits(now)
      }
    }
    if (now > this.rateAt) {
      this.rate.elapse(now - this.rateAt)
      this.rateAt = now
    }
  }

  private endWaits(now: number): void {
    for (const known of this.waiting) {
      if (known.retry !== undefined && known.retry.until <= now) {
        this.endWait(known, now)
      }
    }
    this.nextRetryAt = this.firstRetryAt()
  }

  private firstRetryAt(): number {
    let first = Number.POSITIVE_INFINITY
    for (const { retry } of this.waiting) {
      first = Math.min(first, retry?.until ?? first)
    }
    return first
  }

  private total(inFlight: number): { readonly totalBytes: number | undefined; readonly isEstimate: boolean } {
    const unknown = (this.expected ?? this.done + inFlight) - this.done - this.withTotal
    const exact = this.savedBytes + this.knownTotalBytes
    if (this.expected === undefined || (unknown > 0 && this.done === 0)) {
      return { totalBytes: undefined, isEstimate: false }
    }
    return unknown > 0
      ? { totalBytes: exact + (exact / (this.done + this.withTotal)) * unknown, isEstimate: true }
      : { totalBytes: exact, isEstimate: false }
  }

  private transfers(now: number, atMost: number): ReadonlyArray<Transfer> {
    const chosen: Array<Known> = []
    for (const known of this.waiting) {
      if (chosen.length >= atMost) {
        break
      }
      if (!this.longWaits.has(known.request)) {
        chosen.push(known)
      }
    }
    const others: Array<Transfer> = this.silent.map((request, index) =>
      silentTransfer(request, now, this.silentSince[index])
    )
    // In the order of their first `Advanced`.
    for (const known of this.known.values()) {
      if (others.length >= silentAtMost + atMost) {
        break
      }
      if (known.retry === undefined && !this.longWaits.has(known.request)) {
        others.push(transferOf(known, now))
      }
    }
    others.sort((one, other) => other.elapsedMillis - one.elapsedMillis)
    return [...chosen.map((known) => transferOf(known, now)), ...others].slice(0, atMost)
  }
}

const remaining = (
  bytes: number,
  totalBytes: number | undefined,
  bytesPerSecond: number | undefined,
  pauseMillis: number
): number | undefined =>
  totalBytes === undefined || bytesPerSecond === undefined || bytesPerSecond < slowestBytesPerSecond
    ? undefined
    : (Math.max(0, totalBytes - bytes) / bytesPerSecond) * 1000 + pauseMillis

const silentTransfer = (request: DownloadRequest, now: number, since = now): Transfer => ({
  request,
  bytes: 0,
  totalBytes: undefined,
  bytesPerSecond: undefined,
  remainingMillis: undefined,
  elapsedMillis: now - since,
  idleMillis: now - since,
  connections: 0,
  retries: 0,
  waiting: undefined
})

const transferOf = (known: Known, now: number): Transfer => {
  const { activeAt, bytes, connections, rate, request, retries, retry, startedAt, totalBytes } = known
  if (retry === undefined) {
    rate.elapse(now - known.rateAt)
    known.rateAt = now
  }
  const bytesPerSecond = rate.perSecond()
  const waitMillis = retry === undefined ? 0 : Math.max(0, retry.until - now)
  return {
    request,
    bytes,
    totalBytes,
    bytesPerSecond,
    remainingMillis: remaining(bytes, totalBytes, bytesPerSecond, waitMillis),
    elapsedMillis: now - startedAt,
    idleMillis: Math.max(0, now - activeAt),
    connections,
    retries,
    waiting: retry === undefined ? undefined : { error: retry.event.error, remainingMillis: waitMillis }
  }
}
