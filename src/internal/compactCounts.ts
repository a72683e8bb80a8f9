/**
 * Numbers by text, for millions of texts: of a text no more is kept than 53 bits of a hash, so 24 bytes at most in place
 * of a hundred and more.
 *
 * Two texts of a million can have one hash (one time in ten thousand), and then have one number.
 *
 * @internal
 */
export class CompactCounts {
  private keys = new Float64Array(1024)
  private values = new Uint32Array(1024)
  private size = 0

  /** 0 where nothing was set. */
  get(text: string): number {
    return this.values[this.slotOf(hashOf(text))] ?? 0
  }

  set(text: string, value: number): void {
    const key = hashOf(text)
    const slot = this.slotOf(key)
    if (this.keys[slot] === 0) {
      this.keys[slot] = key
      this.size++
    }
    this.values[slot] = value
    if (this.size > this.keys.length / 2) {
      this.grow()
    }
  }

  // Where the key is, or is to be.
  private slotOf(key: number): number {
    const mask = this.keys.length - 1
    // The lower bits alone: `&` drops the others.
    let slot = key & mask
    while (this.keys[slot] !== 0 && this.keys[slot] !== key) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  private grow(): void {
    const [keys, values] = [this.keys, this.values]
    this.keys = new Float64Array(keys.length * 2)
    this.values = new Uint32Array(keys.length * 2)
    for (const [index, key] of keys.entries()) {
      if (key !== 0) {
        const slot = this.slotOf(key)
        this.keys[slot] = key
        this.values[slot] = values[index] ?? 0
      }
    }
  }
}

// Two multiplicative hashes side by side, of which one gives 32 bits and the other 21; never 0, which is an empty slot.
const hashOf = (text: string): number => {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x85ebca6b)
    high ^= high >>> 13
  }
  low ^= low >>> 15
  return (high >>> 11) * 2 ** 32 + (Math.imul(low, 0x2c1b3c6d) >>> 0) || 1
}
