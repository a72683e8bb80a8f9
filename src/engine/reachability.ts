/**
 * Tracks which origins answer. An origin that has never answered and cannot be reached is in doubt: one transfer at a time
 * tries it, and the others wait. When that transfer gives up, the origin counts as unreachable for a while, and the others
 * fail with the same error. So a list with 600 URLs of a dead host costs the attempts of one URL.
 *
 * An origin that has answered is never in doubt, so that a short outage does not fail the rest of a list.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { Connection, type DownloadError, Timeout } from "../DownloadError.js"

type Unanswered = Connection | Timeout

/** An origin that has failed and has never answered. */
interface Doubt {
  /** Whether only one transfer at a time may try the origin. If it accepts connections, all may: one URL may be the cause. */
  isProbed: boolean
  since: number
  /** The transfer that tries the origin. */
  probe: object | undefined
  /** The number of transfers that have given up. */
  exhausted: number
  verdict: { readonly error: Unanswered; readonly until: number } | undefined
  readonly waiting: Set<() => void>
}

// The number of transfers that must give up before an origin that accepts connections but does not answer counts as
// unreachable. The cause may be their URLs.
const silentAtMost = 16

// An origin counts as unreachable for as long as the failed attempts took, within these limits.
const shortestVerdictMillis = 250
const longestVerdictMillis = 30_000

// Two sets of at most this many origins that answered are kept.
const rememberedAtMost = 8192

const fewDoubts = 1024

export class Reachability {
  private readonly doubts = new Map<string, Doubt>()
  private readonly probes = new Map<object, Set<string>>()
  private answered = new Set<string>()
  private answeredBefore = new Set<string>()
  private forgetAt = fewDoubts

  constructor(private readonly now: () => number) {}

  /** Whether the origin has ever answered, according to the kept sets. */
  hasAnswered(origin: string): boolean {
    return this.answered.has(origin) || this.answeredBefore.has(origin)
  }

  /** Call it when a head was received. */
  onAnswer(origin: string): void {
    if (!this.answered.has(origin)) {
      if (this.answered.size >= rememberedAtMost) {
        this.answeredBefore = this.answered
        this.answered = new Set()
      }
      this.answered.add(origin)
    }
    if (this.doubts.size > 0) {
      this.end(origin)
    }
  }

  /** Call it when an attempt has failed. */
  onFailure(origin: string, error: DownloadError): void {
    if (error._tag === "Protocol") {
      this.onAnswer(origin)
    }
    if (!isUnanswered(error) || this.hasAnswered(origin)) {
      return
    }
    const doubt = this.doubts.get(origin)
    if (doubt !== undefined) {
      if (doubt.verdict === undefined) {
        doubt.isProbed = isOfAddress(error) || doubt.exhausted >= silentAtMost
        wakeAll(doubt)
      }
      return
    }
    if (this.doubts.size >= this.forgetAt) {
      this.forget()
    }
    this.doubts.set(origin, {
      isProbed: isOfAddress(error),
      since: this.now(),
      probe: undefined,
      exhausted: 0,
      verdict: undefined,
      waiting: new Set()
    })
  }

  /** Call it when a transfer gives up. */
  onGivenUp(origin: string, error: DownloadError): void {
    const doubt = this.doubts.get(origin)
    if (doubt === undefined || !isUnanswered(error)) {
      return
    }
    doubt.exhausted++
    if (isOfAddress(error) || doubt.exhausted >= silentAtMost) {
      const now = this.now()
      const millis = Math.min(Math.max(now - doubt.since, shortestVerdictMillis), longestVerdictMillis)
      doubt.isProbed = true
      doubt.verdict = { error, until: now + millis }
      wakeAll(doubt)
    }
  }

  /** Whether the transfer may send a request now. Otherwise it must wait with `turn`. */
  mayTry(origin: string, transfer: object): boolean {
    const doubt = this.doubts.size === 0 ? undefined : this.doubts.get(origin)
    return doubt === undefined || !doubt.isProbed || this.take(origin, doubt, transfer)
  }

  /** Whether a new transfer would have to wait, or to try the origin for the others. */
  isInDoubt(origin: string): boolean {
    return this.doubts.size > 0 && this.doubts.get(origin)?.isProbed === true
  }

  /** Waits until the transfer may send a request; fails if the origin counts as unreachable. */
  turn(origin: string, transfer: object, url: string): Effect.Effect<void, DownloadError> {
    return Effect.suspend(() => {
      const doubt = this.doubts.get(origin)
      if (doubt?.verdict !== undefined && this.now() < doubt.verdict.until) {
        return errorFor(url, doubt.verdict.error)
      }
      if (this.mayTry(origin, transfer)) {
        return Effect.void
      }
      return Effect.zipRight(this.change(origin, transfer), this.turn(origin, transfer, url))
    })
  }

  /** Call it when the transfer has ended. */
  leave(transfer: object): void {
    for (const origin of this.probes.get(transfer) ?? []) {
      const doubt = this.doubts.get(origin)
      if (doubt?.probe === transfer) {
        doubt.probe = undefined
        // One waiting transfer takes its place. All are woken, because each of them may leave in the meantime.
        wakeAll(doubt)
      }
    }
    this.probes.delete(transfer)
  }

  private take(origin: string, doubt: Doubt, transfer: object): boolean {
    if (doubt.verdict !== undefined) {
      if (this.now() < doubt.verdict.until) {
        return false
      }
      doubt.verdict = undefined
      doubt.since = this.now()
    }
    if (doubt.probe === undefined) {
      doubt.probe = transfer
      const probed = this.probes.get(transfer)
      if (probed === undefined) {
        this.probes.set(transfer, new Set([origin]))
      } else {
        probed.add(origin)
      }
    }
    return doubt.probe === transfer
  }

  // The check and the wait are one synchronous step, so no change can be missed between them.
  private change(origin: string, transfer: object): Effect.Effect<void> {
    let wake: (() => void) | undefined
    let doubt: Doubt | undefined
    return Effect.ensuring(
      Effect.async<void>((resume) => {
        doubt = this.doubts.get(origin)
        const isOver = doubt === undefined || doubt.verdict !== undefined || this.mayTry(origin, transfer)
        if (isOver) {
          resume(Effect.void)
        } else {
          wake = () => resume(Effect.void)
          doubt?.waiting.add(wake)
        }
      }),
      Effect.sync(() => {
        if (wake !== undefined) {
          doubt?.waiting.delete(wake)
        }
      })
    )
  }

  private end(origin: string): void {
    const doubt = this.doubts.get(origin)
    if (doubt !== undefined) {
      this.doubts.delete(origin)
      wakeAll(doubt)
    }
  }

  /** Removes old entries, so that a million dead hosts do not take a million entries. */
  private forget(): void {
    const now = this.now()
    for (const [origin, { probe, verdict, waiting }] of this.doubts) {
      if (probe === undefined && waiting.size === 0 && (verdict === undefined || verdict.until <= now)) {
        this.doubts.delete(origin)
      }
    }
    this.forgetAt = Math.max(fewDoubts, 2 * this.doubts.size)
  }
}

const wakeAll = (doubt: Doubt): void => {
  const all = Array.from(doubt.waiting)
  doubt.waiting.clear()
  for (const wake of all) {
    wake()
  }
}

/** Whether an attempt ended before the origin answered. */
const isUnanswered = (error: DownloadError): error is Unanswered =>
  error._tag === "Connection" || (error._tag === "Timeout" && (error.phase === "connect" || error.phase === "headers"))

/** Whether every URL of the origin would fail in this way. */
const isOfAddress = (error: Unanswered): boolean =>
  error._tag === "Timeout" ? error.phase === "connect" : error.reason !== "reset" && error.reason !== "other"

const errorFor = (url: string, error: Unanswered): Unanswered =>
  error._tag === "Timeout"
    ? new Timeout({ url, phase: error.phase, limitMillis: error.limitMillis, receivedBytes: 0 })
    : new Connection({ url, reason: error.reason, receivedBytes: 0, detail: error.detail })
