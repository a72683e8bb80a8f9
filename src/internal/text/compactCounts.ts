/**
 * Maps millions of texts to numbers. Keeps a 58-bit hash of each text and not the text: 12 MiB for a million texts.
 *
 * Two texts with the same hash share one number. The probability is 1 in 500,000 for a million texts.
 */
export class CompactCounts {
  // Each table grows on its own, so the memory is never needed twice.
  private readonly tables = Array.from({ length: 64 }, () => new Table())

  /** Returns 0 if no number was set. */
  get(text: string): number {
    const { key, table } = this.place(text)
    return table?.get(key) ?? 0
  }

  set(text: string, value: number): void {
    const { key, table } = this.place(text)
    table?.set(key, value)
  }

  // Computes two multiplicative hashes of 32 bits. 6 bits choose the table, and 52 bits are the key in it.
  private place(text: string): { readonly table: Table | undefined; readonly key: number } {
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
    // A key of 0 marks an empty slot.
    return { table: this.tables[high >>> 26], key: ((high >>> 6) & 0xfffff) * 2 ** 32 + (low >>> 0 || 1) }
  }
}

/** An open-addressing hash table. */
class Table {
  private keys = new Float64Array(64)
  // Allocated when the first number other than 1 is set. Most texts have the number 1.
  private values: Uint32Array | undefined
  private size = 0

  get(key: number): number {
    const slot = this.slotOf(key)
    return this.keys[slot] === 0 ? 0 : (this.values?.[slot] ?? 1)
  }

  set(key: number, value: number): void {
    const slot = this.slotOf(key)
    if (value !== 1) {
      this.values ??= new Uint32Array(this.keys.length).fill(1)
    }
    if (this.values !== undefined) {
      this.values[slot] = value
    }
    if (this.keys[slot] === 0) {
      this.keys[slot] = key
      this.size++
      if (this.size > this.keys.length * 0.8) {
        this.grow()
      }
    }
  }

  // The slot of the key, or the empty slot for it.
  private slotOf(key: number): number {
    const { keys } = this
    for (let slot = (key >>> 0) % keys.length; ; slot = slot + 1 === keys.length ? 0 : slot + 1) {
      if (keys[slot] === 0 || keys[slot] === key) {
        return slot
      }
    }
  }

  private grow(): void {
    const { keys, values } = this
    const length = Math.ceil(keys.length * 1.25)
    this.keys = new Float64Array(length)
    this.values = values === undefined ? undefined : new Uint32Array(length)
    for (const [index, key] of keys.entries()) {
      if (key !== 0) {
        const slot = this.slotOf(key)
        this.keys[slot] = key
        if (this.values !== undefined) {
          this.values[slot] = values?.[index] ?? 1
        }
      }
    }
  }
}
