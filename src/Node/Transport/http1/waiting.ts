/**
 * Who is pushed a response on behalf of a fiber that waits: for its head, or for a part of its body.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Receiver, TransportError } from "../../../Transport.js"

export type Step = "Ended" | "Paused"

export const ended: Effect.Effect<Step> = Effect.succeed("Ended" as const)
export const paused: Effect.Effect<Step> = Effect.succeed("Paused" as const)

/** The body waits for somebody else. */
export const untilHead = (stop: () => void): Receiver => ({
  onHead: () => {
    stop()
    return false
  },
  onChunk: () => false,
  onEnd: stop,
  onStop: stop
})

export const untilPause = (
  onChunk: (chunk: Uint8Array) => boolean,
  resume: (step: Effect.Effect<Step, TransportError>) => void,
  stopped: () => Effect.Effect<Step, TransportError>
): Receiver => ({
  onHead: () => false,
  onChunk: (chunk) => {
    const isMore = onChunk(chunk)
    if (!isMore) {
      resume(paused)
    }
    return isMore
  },
  onEnd: () => resume(ended),
  onStop: () => resume(stopped())
})
