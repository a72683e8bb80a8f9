/**
 * What a transfer is told besides its request, and whom it tells.
 *
 * @internal
 */
import type { Failed, Saved, Skipped } from "../Download.js"
import type { Advanced, Retrying } from "../DownloadEvent.js"
import type { PermitOptions } from "../OriginGovernor.js"

export interface Hooks {
  /**
   * Is told the outcome in the same uninterruptible step that publishes the file, or could not: a caller that is
   * interrupted a moment later still knows what stands there.
   */
  readonly decide: (outcome: Saved | Skipped | Failed) => void
  readonly ask?: PermitOptions | undefined
  /** When the request's deadline expires, if it started before the transfer. */
  readonly deadlineAt?: number | undefined
  readonly audience?: Audience | undefined
}

/** Receives the events of a transfer. */
export interface Audience {
  /** False if there is no listener, so events need not be created. Another caller of the same file may add one. */
  readonly isListening: boolean
  /** Neither suspends nor throws. */
  readonly tell: (event: Advanced | Retrying) => void
}
