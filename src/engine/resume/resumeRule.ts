/**
 * When a part is kept for a later run, and how often its record is written.
 *
 * @internal
 */
export interface ResumeRule {
  /** A part with fewer bytes is not kept. A store keeps that many in memory. */
  readonly leastBytes: number
  /** A checkpoint is due after this number of received bytes. */
  readonly stepBytes: number
  /** The first checkpoint of a part is due after this time, also with fewer bytes. */
  readonly firstMillis: number
  /** Each further one is due after this number of bytes if this time has passed since the one before. */
  readonly earlyBytes: number
  readonly earlyMillis: number
  /** The minimum time between two synced checkpoints. */
  readonly syncMillis: number
}

export const resumeRule: ResumeRule = {
  leastBytes: 64 * 1024 + 1,
  stepBytes: 1024 * 1024,
  firstMillis: 10,
  earlyBytes: 64 * 1024,
  earlyMillis: 10,
  syncMillis: 1000
}
