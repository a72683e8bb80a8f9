/**
 * Sends `Advanced` events of transfers, at most one in 200 ms for each transfer.
 *
 * A chunk that comes sooner than that waits for the end of its interval, so the last event has all bytes if the server falls silent.
 * All samplers of a downloader share one timer, because most transfers end before their first event.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { DownloadRequest } from "../Download.js"
import { Advanced } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { EventSink } from "./hooks.js"
import type { PartialFile } from "./partialFile.js"

const intervalMillis = 200

/** What a sampler reads of its transfer. */
interface SampledTransfer {
  readonly request: DownloadRequest
  readonly partial: PartialFile
  readonly events: EventSink | undefined
  readonly connections: number
  readonly atMillis: number
}

export class ProgressSampler {
  /** The index in the samplers that wait; -1 if it does not wait. Only `ProgressTimer` changes it. */
  place = -1
  private sentAt = 0

  constructor(
    private readonly timer: ProgressTimer,
    private readonly transfer: SampledTransfer
  ) {}

  /** Starts the interval when an attempt begins. */
  begin(): void {
    this.sentAt = this.transfer.events?.hasListener === true ? this.transfer.atMillis : 0
  }

  /** Sends an event after a chunk, if the interval is over. */
  sample(): void {
    if (this.transfer.events?.hasListener === true && this.place === -1) {
      if (this.transfer.atMillis < this.dueAt) {
        this.timer.add(this)
      } else {
        this.send()
      }
    }
  }

  /** Sends no more events. */
  end(): void {
    this.timer.remove(this)
  }

  /** The end of the interval. */
  get dueAt(): number {
    return this.sentAt + intervalMillis
  }

  send(): void {
    const { atMillis, connections, events, partial, request } = this.transfer
    const { bytes, totalBytes } = partial
    this.sentAt = atMillis
    events?.send(Unvalidated.make(Advanced, { request, atMillis, bytes, totalBytes, connections }))
  }
}

export class ProgressTimer {
  // An array, for the same reason as in `Deadlines`.
  private readonly waiting: Array<ProgressSampler> = []
  private wake: (() => void) | undefined

  constructor(private readonly clock: Clock.Clock) {}

  add(sampler: ProgressSampler): void {
    sampler.place = this.waiting.length
    this.waiting.push(sampler)
    this.wake?.()
  }

  remove(sampler: ProgressSampler): void {
    const { place } = sampler
    if (place === -1) {
      return
    }
    sampler.place = -1
    const last = this.waiting.pop()
    if (last !== undefined && last !== sampler) {
      last.place = place
      this.waiting[place] = last
    }
  }

  /** Sends the events that are due. It sleeps only while a sampler waits. */
  readonly run: Effect.Effect<never> = Effect.suspend(() => {
    const now = this.clock.unsafeCurrentTimeMillis()
    let nextAt = Number.POSITIVE_INFINITY
    for (const sampler of this.waiting.slice()) {
      if (sampler.dueAt <= now) {
        this.remove(sampler)
        sampler.send()
      } else {
        nextAt = Math.min(nextAt, sampler.dueAt)
      }
    }
    return Effect.zipRight(nextAt === Number.POSITIVE_INFINITY ? this.added : Effect.sleep(nextAt - now), this.run)
  })

  private readonly added: Effect.Effect<void> = Effect.async((resume) => {
    if (this.waiting.length > 0) {
      resume(Effect.void)
    } else {
      this.wake = () => {
        this.wake = undefined
        resume(Effect.void)
      }
    }
  })
}

/** Its timer ends with the scope. */
export const make: Effect.Effect<ProgressTimer, never, Scope.Scope> = Effect.flatMap(Effect.clock, (clock) => {
  const timer = new ProgressTimer(clock)
  return Effect.as(Effect.forkScoped(Effect.interruptible(timer.run)), timer)
})
