/**
 * Sends `Advanced` events of a transfer, at most one in 200 ms.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type { DownloadRequest } from "../Download.js"
import { Advanced } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { EventSink } from "./hooks.js"
import type { PartialFile } from "./partialFile.js"

const intervalMillis = 200

export class ProgressSampler {
  private sentAt = 0

  constructor(
    private readonly clock: Clock.Clock,
    private readonly request: DownloadRequest,
    private readonly partial: PartialFile,
    private readonly events: EventSink | undefined
  ) {}

  /** Starts the interval when an attempt begins. */
  begin(): void {
    this.sentAt = this.events?.hasListener === true ? this.clock.unsafeCurrentTimeMillis() : 0
  }

  /** Sends an event after a chunk, if the interval is over. */
  sample(): void {
    const { events, partial, request } = this
    if (events?.hasListener !== true) {
      return
    }
    const at = this.clock.unsafeCurrentTimeMillis()
    if (at - this.sentAt >= intervalMillis) {
      this.sentAt = at
      events.send(Unvalidated.make(Advanced, { request, bytes: partial.bytes, totalBytes: partial.totalBytes }))
    }
  }
}
