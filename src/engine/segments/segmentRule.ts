/**
 * When a file is divided into segments.
 *
 * @internal
 */
export interface SegmentRule {
  /** Maximum number of connections for one file. */
  readonly connectionsAtMost: number
  /** Minimum size of a segment when it begins. */
  readonly leastBytes: number
  /** Minimum size of a share that a worker takes of another segment when its own has ended. */
  readonly leastTakenBytes: number
  /** The time of the first measurement of a connection. Each further one takes twice as long, up to eight times this. */
  readonly measureMillis: number
  /** A rest that would arrive within this time is not divided. */
  readonly worthMillis: number
}

export const segmentRule = (connectionsAtMost: number): SegmentRule => ({
  connectionsAtMost,
  leastBytes: 1024 * 1024,
  leastTakenBytes: 64 * 1024,
  measureMillis: 100,
  worthMillis: 1000
})
