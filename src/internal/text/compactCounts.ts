/**
 * Numbers by text, for millions of texts: of a text no more is kept than 54 bits of a hash, in 6 bytes and the room
 * between them: 9 MiB for a million.
 *
 * Two texts of a million can have one hash (one time in thirty thousand), and then have one number.
 *
 * @internal
 */
export class CompactCounts {
  // Each grows by itself, so that there is never all of it twice.
  private readonly parts = Array.from({ length: 64 }, () => new Part())

  /** 0 where nothing was set. */
  get(text: string): number {
    const { low, middle, part } = this.placeOf(text)
    return part?.get(low, middle) ?? 0
  }

  set(text: string, value: number): void {
    const { low, middle, part } = this.placeOf(text)
    part?.set(low, middle, value)
  }

  private placeOf(text: string): { readonly part: Part | undefined; readonly low: number; readonly middle: number } {
    // Two multiplicative hashes side by side.
    let low = 0x811c9dc5
    let high = 0x9e3779b9
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x85ebca6b)
      high ^= high >>> 13
    }
    low = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d)
    low ^= low >>> 13
    // Never 0, which is an empty slot.
    return { part: this.parts[high >>> 26], low: low >>> 0 || 1, middle: (high >>> 10) & 0xffff }
  }
}

class Part {
  private lows = new Uint32Array(64)
  private middles = new Uint16Array(64)
  // 1 for all that are there, as long as nothing else was set.
  private values: Uint32Array | undefined
  private size = 0

  get(low: number, middle: number): number {
    const slot = this.slotOf(low, middle)
    return this.lows[slot] === 0 ? 0 : (this.values?.[slot] ?? 1)
  }

  set(low: number, middle: number, value: number): void {
    const slot = this.slotOf(low, middle)
    if (value !== 1) {
      this.values ??= new Uint32Array(this.lows.length).fill(1)
    }
    if (this.values !== undefined) {
      this.values[slot] = value
    }
    if (this.lows[slot] === 0) {
      this.lows[slot] = low
      this.middles[slot] = middle
      this.size++
      if (this.size > this.lows.length * 0.8) {
        this.grow()
      }
    }
  }

  // Where it is, or is to be.
  private slotOf(low: number, middle: number): number {
    const { lows, middles } = this
    for (let slot = low % lows.length; ; slot = slot + 1 === lows.length ? 0 : slot + 1) {
      if (lows[slot] === 0 || (lows[slot] === low && middles[slot] === middle)) {
        return slot
      }
    }
  }

  private grow(): void {
    const { lows, middles, values } = this
    const length = Math.ceil(lows.length * 1.5)
    this.lows = new Uint32Array(length)
    this.middles = new Uint16Array(length)
    this.values = values === undefined ? undefined : new Uint32Array(length).fill(1)
    for (const [index, low] of lows.entries()) {
      if (low !== 0) {
        const middle = middles[index] ?? 0
        const slot = this.slotOf(low, middle)
        this.lows[slot] = low
        this.middles[slot] = middle
        if (this.values !== undefined) {
          this.values[slot] = values?.[index] ?? 1
        }
      }
    }
  }
}
