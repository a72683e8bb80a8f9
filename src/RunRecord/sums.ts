/**
 * Sums over transfers: of all, and of each origin.
 *
 * @internal
 */
import type { Exchanged } from "../DownloadEvent.js"
import type { OriginSums, Outcome, OutcomeCounts, PhaseMillis } from "./data.js"

type Mutable<A> = { -readonly [key in keyof A]: A[key] }

export class Sums {
  readonly counts: Mutable<OutcomeCounts> = {
    saved: 0,
    skipped: 0,
    notModified: 0,
    failed: 0,
    cancelled: 0,
    notStarted: 0,
    unfinished: 0
  }
  readonly phases: Mutable<PhaseMillis> = {
    permit: 0,
    lookup: 0,
    connect: 0,
    tls: 0,
    firstByte: 0,
    body: 0,
    delay: 0,
    finish: 0
  }
  bytes = 0
  requests = 0
  retries = 0

  count(outcome: Outcome): void {
    this.counts[outcome]++
  }

  exchange(exchange: Exchanged): void {
    const { phases } = this
    this.requests++
    this.bytes += exchange.bytes
    phases.permit += exchange.permitMillis
    phases.lookup += exchange.lookupMillis ?? 0
    phases.connect += exchange.connectMillis ?? 0
    phases.tls += exchange.tlsMillis ?? 0
    phases.firstByte += exchange.firstByteMillis ?? 0
    phases.body += exchange.bodyMillis ?? 0
  }

  delay(millis: number): void {
    this.retries++
    this.phases.delay += millis
  }

  finish(millis: number): void {
    this.phases.finish += millis
  }

  data(origin: string): OriginSums {
    const { bytes, counts, phases, requests, retries } = this
    return { origin, counts: { ...counts }, phases: { ...phases }, bytes, requests, retries }
  }
}
