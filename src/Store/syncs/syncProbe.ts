/**
 * Decides whether a sync of a small file is fast enough to be made on the event loop.
 *
 * On a file system in memory, and on a device with a protected cache, a sync takes less time than the two switches to a thread of
 * the pool and back. On a disk it takes milliseconds. So the first syncs run on threads. If several of them in a row end soon, one
 * is made on the event loop and measured.
 *
 * @internal
 */
// A switch to a thread and back takes a third of this.
const fastMillis = 0.1

// A sync on the event loop that takes longer is the last one for a while. A frame of a spinner takes 20 times as long.
const slowMillis = 5

// The syncs in a row that must end within `slowMillis` on threads before one is made on the event loop. A busy event loop hears late
// of the end of a sync, so more than a few would never be seen.
const quickSyncs = 4

// The syncs on threads after one that was slow. Doubles with each slow one.
const minPause = 256
const maxPause = 65_536

// The weight of one sync in the moving average.
const weight = 1 / 8

export class SyncProbe {
  private averageMillis = 0
  private isOnLoop = false
  private quick = 0
  private pause = minPause / 2
  private left = 0

  constructor(private readonly nowMillis: () => number) {}

  /** True if the next sync may block the event loop. */
  get isFast(): boolean {
    return this.isOnLoop || (this.quick >= quickSyncs && this.left <= 0)
  }

  /** Makes a sync on the event loop, and measures it. */
  measure<A>(sync: () => A): A {
    const before = this.nowMillis()
    try {
      return sync()
    } finally {
      this.onLoop(this.nowMillis() - before)
    }
  }

  private onLoop(millis: number): void {
    this.averageMillis = this.isOnLoop ? this.averageMillis + (millis - this.averageMillis) * weight : millis
    this.isOnLoop = this.averageMillis <= fastMillis && millis <= slowMillis
    if (!this.isOnLoop) {
      this.quick = 0
      this.pause = Math.min(maxPause, this.pause * 2)
      this.left = this.pause
    }
  }

  /** Counts a sync that has run on a thread. */
  onThread(millis: number): void {
    this.left--
    this.quick = millis <= slowMillis ? this.quick + 1 : 0
  }
}
