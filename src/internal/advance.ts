/**
 * What a transfer tells of how far it is: not more often than somebody can look.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type { DownloadRequest } from "../Download.js"
import { Advanced, type DownloadEvent } from "../DownloadEvent.js"
import type { Kept } from "./kept.js"
import * as Unchecked from "./unchecked.js"

const tellMillis = 200

export class Advance {
  private toldAt = 0

  constructor(
    private readonly clock: Clock.Clock,
    private readonly request: DownloadRequest,
    private readonly kept: Kept,
    private readonly event: ((event: DownloadEvent) => Effect.Effect<void>) | undefined
  ) {
    this.begin()
  }

  /** An attempt begins. */
  begin(): void {
    this.toldAt = this.event === undefined ? 0 : this.clock.unsafeCurrentTimeMillis()
  }

  /** What there is to tell after a chunk. */
  after(): Effect.Effect<void> | undefined {
    const { event, kept, request } = this
    if (event === undefined) {
      return undefined
    }
    const at = this.clock.unsafeCurrentTimeMillis()
    if (at - this.toldAt < tellMillis) {
      return undefined
    }
    this.toldAt = at
    return event(Unchecked.make(Advanced, { request, bytes: kept.bytes, totalBytes: kept.totalBytes }))
  }
}
