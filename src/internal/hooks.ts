/**
 * What a transfer is told besides its request, and whom it tells.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { Failed, Saved, Skipped } from "../Download.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import type { Ask } from "../OriginGovernor.js"

export interface Hooks {
  /**
   * Is told the outcome in the same uninterruptible step that publishes the file, or could not: a caller that is
   * interrupted a moment later still knows what stands there.
   */
  readonly decide: (outcome: Saved | Skipped | Failed) => void
  readonly ask?: Ask | undefined
  /** When the request's deadline is over, if it was waited with before the transfer began. */
  readonly deadlineAt?: number | undefined
  readonly event?: ((event: DownloadEvent) => Effect.Effect<void>) | undefined
}
