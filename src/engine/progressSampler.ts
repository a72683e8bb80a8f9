/**
 * Sends `Advanced` events of transfers, at most one in 200 ms for each transfer, and one at the end of a failed attempt.
 *
 * A chunk that comes sooner than that waits for the end of its interval, so the last event has all bytes if the server falls silent.
 * All samplers of a downloader share one timer.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import { Advanced } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { Due, EventTimer } from "./eventTimer.js"
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

export class ProgressSampler implements Due {
  place = -1
  private sentAt = 0

  constructor(
    private readonly timer: EventTimer,
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

  /** Sends the event that waits for the end of its interval, if there is one. */
  flush(): void {
    if (this.place !== -1) {
      this.timer.remove(this)
      this.send()
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
