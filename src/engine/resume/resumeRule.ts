/**
 * When a part is kept for a later run, and how often its record is written.
 *
 * @internal
 */
export interface ResumeRule {
  /** A part with fewer bytes is not kept. A store keeps that many in memory. */
  readonly leastBytes: number
  /** A checkpoint is due after this number of received bytes. If the process is killed, it loses about twice as many at most. */
  readonly stepBytes: number
  /** A checkpoint is due after this number of bytes if the last one was long enough ago. */
  readonly earlyBytes: number
  /** The minimum time between a checkpoint and an early one. */
  readonly earlyMillis: number
}

export const resumeRule: ResumeRule = {
  leastBytes: 256 * 1024 + 1,
  stepBytes: 1024 * 1024,
  earlyBytes: 64 * 1024,
  earlyMillis: 25
}
