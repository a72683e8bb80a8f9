/**
 * What a run wants to know of the waits of its transfers, so that other transfers run meanwhile.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { matchExit } from "../internal/andThen.js"
import type { PermitOptions } from "../OriginGovernor.js"

export interface RunPermits extends PermitOptions {
  /**
   * Called with true when the transfer begins to wait for the disk to publish its file, and with false when that has ended. Returns
   * true if another transfer may run in its place.
   */
  readonly onPublishing?: ((isWaiting: boolean) => boolean) | undefined
}

/** Marks the caller as waiting for its origin, so that other transfers need not wait behind it. */
export const whileParked = <A, E>(
  permits: RunPermits | undefined,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  permits?.onParked?.(true)
  return Effect.ensuring(
    effect,
    Effect.sync(() => permits?.onParked?.(false))
  )
}

/**
 * Tells the run that the transfer waits for the disk. Calls `release` if another transfer may have its permit. Run it
 * uninterruptible.
 */
export const whilePublishing = <A, E>(
  permits: RunPermits | undefined,
  release: () => void,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  if (permits?.onPublishing?.(true) === true) {
    release()
  }
  return matchExit(effect, (exit) => {
    permits?.onPublishing?.(false)
    return exit
  })
}
