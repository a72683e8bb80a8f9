/**
 * When one more thread is worth it: after thousands of files, where everything that carries them is found busy several
 * times in a row.
 *
 * @internal
 */

// What a thread costs to start is what some hundred small files cost.
const atLeast = 2000
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
    if (threads >= this.parallelism || this.parallelism < 2 || this.count < atLeast || this.count % every !== 0) {
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
