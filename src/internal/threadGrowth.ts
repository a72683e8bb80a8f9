/**
 * When one more thread is worth it: after thousands of files, where everything that carries them is found busy several
 * times in a row.
 *
 * @internal
 */

// What a thread costs to start, mostly in compiling code, is what ten thousand small files cost. How many there will be is
// not known; many come more often where many have been.
const atLeast = 5000
// One is for the calling thread, which has a third of the work, and one for the server or the rest of the machine.
const leastParallelism = 3
const every = 250
const inARow = 4
const busy = 0.9

export class Growth {
  private count = 0
  private found = 0

  /** `utilization` is asked for how busy the least busy was since it was asked last. */
  constructor(
    private readonly parallelism: number,
    private readonly utilization: () => number
  ) {}

  /** To be called after each file; how many threads more there are to be than these. */
  after(threads: number): 0 | 1 {
    this.count++
    if (this.parallelism < leastParallelism || threads >= this.parallelism - 1) {
      return 0
    }
    if (this.count < atLeast || this.count % every !== 0) {
      return 0
    }
    this.found = this.utilization() > busy ? this.found + 1 : 0
    if (this.found < inARow) {
      return 0
    }
    this.found = 0
    return 1
  }
}
