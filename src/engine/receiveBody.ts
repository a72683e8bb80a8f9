/**
 * From a response into the part: chunk by chunk, up to the end of a claim.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DownloadRequest } from "../Download.js"
import { type DownloadError, TooLarge } from "../DownloadError.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import type { Part } from "../Store.js"
import type { Wait } from "./deadlines.js"
import type { TransportResponse } from "./drive.js"
import type { Kept } from "./partialFile.js"
import type { Hop } from "./redirect.js"
import type { Claim } from "./segments/rangeMap.js"

/** Who receives, for which transfer. */
export interface Receiver {
  readonly request: DownloadRequest
  readonly hop: Hop
  readonly kept: Kept
  /** Maximum time for a new connection, in milliseconds. */
  readonly connectMillis: number | undefined
  /** In milliseconds, as a `Wait` counts. */
  readonly now: () => number
  /** For how many milliseconds to rest after so many bytes. */
  readonly restMillis: (bytes: number) => number
  /** What there is to tell after a chunk. */
  readonly advanced: () => void
}

/** What all who receive one file have received together, and for how long they kept the sender waiting. */
export interface Meter {
  bytes: number
  restedMillis: number
}

export interface Body {
  readonly part: Part
  readonly claim: Claim
  /** Where what the response has ends. */
  readonly endBytes: number
  readonly wait: Wait
  readonly meter?: Meter | undefined
}

export interface ResponseBody extends Body {
  readonly response: TransportResponse
}

export const receive = (self: Receiver, body: ResponseBody): Effect.Effect<void, DownloadError> =>
  new Receiving(self, body).goOn(body.response)

/** A body on its way into a part: by calls, as far as that goes, and else by `goOn`. */
export class Receiving {
  private isBeyond = false
  private pending: Effect.Effect<void, DownloadError> | undefined

  constructor(
    private readonly self: Receiver,
    private readonly body: Body
  ) {}

  /** Does not throw: a bug of a hasher, a store or a governor is the transfer's, and not the event loop's. */
  onChunk(chunk: Uint8Array): boolean {
    try {
      return this.take(chunk)
    } catch (defect) {
      this.pending = Effect.die(defect)
      return false
    }
  }

  private take(chunk: Uint8Array): boolean {
    const { self } = this
    const { claim, endBytes, meter, part, wait } = this.body
    const { limitBytes } = self.kept
    wait.windowBytes += chunk.length
    const leftBytes = this.leftFor(chunk.length)
    const taken = chunk.length > leftBytes ? chunk.subarray(0, leftBytes) : chunk
    if (claim.nextBytes + taken.length > limitBytes) {
      const bytes = claim.nextBytes + taken.length
      this.pending = new TooLarge({ url: displayUrl(self.hop.url.href), limitBytes, bytes })
      return false
    }
    this.also(taken.length === 0 ? undefined : self.kept.take(part, claim, taken))
    this.isBeyond = chunk.length > leftBytes || (claim.nextBytes === claim.endBytes && claim.endBytes < endBytes)
    if (meter !== undefined) {
      meter.bytes += taken.length
      claim.cameAt = self.now()
    }
    const millis = self.restMillis(chunk.length)
    this.also(millis === 0 ? undefined : Effect.sleep(Duration.millis(millis)))
    self.advanced()
    return this.pending === undefined && !this.isBeyond
  }

  /** What there is to do, and the rest of the body. */
  goOn(response: TransportResponse): Effect.Effect<void, DownloadError> {
    const settled = Effect.suspend(() => this.settle())
    const drive: Effect.Effect<void, DownloadError> = Effect.flatMap(
      response.drive((chunk) => this.onChunk(chunk)),
      (how) => {
        // What follows the end is not read, and its connection not used again.
        const isOver = how === "Ended" || this.isBeyond
        return this.pending === undefined
          ? isOver
            ? Effect.void
            : drive
          : isOver
            ? settled
            : Effect.zipRight(settled, drive)
      }
    )
    return this.pending === undefined && !this.isBeyond
      ? drive
      : Effect.zipRight(settled, this.isBeyond ? Effect.void : drive)
  }

  // Others may have taken the end of the claim meanwhile; or nobody wants what follows it.
  private leftFor(chunkBytes: number): number {
    const { claim, endBytes } = this.body
    const leftBytes = claim.endBytes - claim.nextBytes
    return chunkBytes >= leftBytes && claim.endBytes < endBytes && this.self.kept.extend(claim, endBytes)
      ? claim.endBytes - claim.nextBytes
      : leftBytes
  }

  private also(effect: Effect.Effect<void, DownloadError> | undefined): void {
    if (effect !== undefined) {
      this.pending = this.pending === undefined ? effect : Effect.zipRight(this.pending, effect)
    }
  }

  private settle(): Effect.Effect<void, DownloadError> {
    const { now } = this.self
    const { meter, wait } = this.body
    const due = this.pending ?? Effect.void
    this.pending = undefined
    const before = now()
    wait.resting = true
    return Effect.map(due, () => {
      wait.resting = false
      const restedMillis = now() - before
      wait.windowAt += restedMillis
      if (meter !== undefined) {
        meter.restedMillis += restedMillis
      }
    })
  }
}
