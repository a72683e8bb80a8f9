/**
 * From a response into the part: chunk by chunk, up to the end of a claim.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DownloadRequest } from "../Download.js"
import { type DownloadError, TooLarge } from "../DownloadError.js"
import type { Part } from "../Store.js"
import type { TransportResponse } from "../Transport.js"
import type { Claim } from "./coverage.js"
import { displayUrl } from "./displayUrl.js"
import type { Kept } from "./kept.js"
import type { Hop } from "./redirect.js"
import type { Wait } from "./watch.js"

/** Who receives, for which transfer. */
export interface Receiver {
  readonly request: DownloadRequest
  readonly hop: Hop
  readonly kept: Kept
  /** In milliseconds, as a `Wait` counts. */
  readonly now: () => number
  /** For how many milliseconds to rest after so many bytes. */
  readonly restMillis: (bytes: number) => number
  /** What there is to tell after a chunk. */
  readonly advanced: () => Effect.Effect<void> | undefined
}

/** What all who receive one file have received together, and for how long they kept the sender waiting. */
export interface Meter {
  bytes: number
  restedMillis: number
}

export interface Body {
  readonly response: TransportResponse
  readonly part: Part
  readonly claim: Claim
  /** Where what the response has ends. */
  readonly endBytes: number
  readonly wait: Wait
  readonly meter?: Meter | undefined
}

export const receive = (self: Receiver, body: Body): Effect.Effect<void, DownloadError> => {
  const { hop, kept, request } = self
  const { claim, endBytes, meter, part, response, wait } = body
  const limitBytes = request.limitBytes ?? Number.POSITIVE_INFINITY
  let isBeyond = false
  let pending: Effect.Effect<void, DownloadError> | undefined
  const also = (effect: Effect.Effect<void, DownloadError> | undefined): void => {
    pending = effect === undefined ? pending : pending === undefined ? effect : Effect.zipRight(pending, effect)
  }
  // Others may have taken the end of the claim meanwhile; or nobody wants what follows it.
  const leftFor = (chunkBytes: number): number => {
    const leftBytes = claim.endBytes - claim.nextBytes
    return chunkBytes >= leftBytes && claim.endBytes < endBytes && kept.extend(claim, endBytes)
      ? claim.endBytes - claim.nextBytes
      : leftBytes
  }
  const onChunk = (chunk: Uint8Array): boolean => {
    wait.windowBytes += chunk.length
    const leftBytes = leftFor(chunk.length)
    const taken = chunk.length > leftBytes ? chunk.subarray(0, leftBytes) : chunk
    if (claim.nextBytes + taken.length > limitBytes) {
      const bytes = claim.nextBytes + taken.length
      pending = new TooLarge({ url: displayUrl(hop.url.href), limitBytes, bytes })
      return false
    }
    also(taken.length === 0 ? undefined : kept.take(part, claim, taken))
    isBeyond = chunk.length > leftBytes || (claim.nextBytes === claim.endBytes && claim.endBytes < endBytes)
    if (meter !== undefined) {
      meter.bytes += taken.length
      claim.cameAt = self.now()
    }
    const millis = self.restMillis(chunk.length)
    also(millis === 0 ? undefined : Effect.sleep(Duration.millis(millis)))
    also(self.advanced())
    return pending === undefined && !isBeyond
  }
  const settled = Effect.suspend(() => {
    const due = pending ?? Effect.void
    pending = undefined
    const before = self.now()
    wait.resting = true
    return Effect.map(due, () => {
      wait.resting = false
      const restedMillis = self.now() - before
      wait.windowAt += restedMillis
      if (meter !== undefined) {
        meter.restedMillis += restedMillis
      }
    })
  })
  const goOn: Effect.Effect<void, DownloadError> = Effect.flatMap(response.drive(onChunk), (how) => {
    // What follows the end is not read, and its connection not used again.
    const isOver = how === "Ended" || isBeyond
    return pending === undefined ? (isOver ? Effect.void : goOn) : isOver ? settled : Effect.zipRight(settled, goOn)
  })
  return goOn
}
