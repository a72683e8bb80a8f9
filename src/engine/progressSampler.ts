/**
 * What a transfer tells of how far it is: not more often than somebody can look.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type { DownloadRequest } from "../Download.js"
import { Advanced } from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { Audience } from "./hooks.js"
import type { Kept } from "./partialFile.js"

const tellMillis = 200

export class Advance {
  private toldAt = 0

  constructor(
    private readonly clock: Clock.Clock,
    private readonly request: DownloadRequest,
    private readonly kept: Kept,
    private readonly audience: Audience | undefined
  ) {
    this.begin()
  }

  /** An attempt begins. */
  begin(): void {
    this.toldAt = this.audience?.isListening === true ? this.clock.unsafeCurrentTimeMillis() : 0
  }

  /** Tells after a chunk, if it is time to. */
  after(): void {
    const { audience, kept, request } = this
    if (audience?.isListening !== true) {
      return
    }
    const at = this.clock.unsafeCurrentTimeMillis()
    if (at - this.toldAt >= tellMillis) {
      this.toldAt = at
      audience.tell(Unvalidated.make(Advanced, { request, bytes: kept.bytes, totalBytes: kept.totalBytes }))
    }
  }
}
