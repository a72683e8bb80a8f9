/**
 * What a transfer is told besides its request, and whom it tells.
 *
 * @internal
 */
import type { Failed, Saved, Skipped } from "../Download.js"
import type { Advanced, Retrying } from "../DownloadEvent.js"
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
  readonly audience?: Audience | undefined
}

/** Where the events of a transfer go. */
export interface Audience {
  /** False while no listener is there: events need not be made. Another caller of the same file may bring one. */
  readonly isListening: boolean
  /** Neither suspends nor throws. */
  readonly tell: (event: Advanced | Retrying) => void
}
