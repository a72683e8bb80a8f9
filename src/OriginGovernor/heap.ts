/**
 * A binary heap: the entry with the least key first.
 */
export class Heap<A> {
  private readonly entries: Array<{ readonly key: number; readonly value: A }> = []

  get size(): number {
    return this.entries.length
  }

  /** The least key; infinity if the heap is empty. */
  get leastKey(): number {
    return this.entries[0]?.key ?? Number.POSITIVE_INFINITY
  }

  push(key: number, value: A): void {
    const { entries } = this
    const entry = { key, value }
    let at = entries.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = entries[above]
      if (parent === undefined || parent.key <= key) {
        break
      }
      entries[at] = parent
      at = above
    }
    entries[at] = entry
  }

  pop(): { readonly key: number; readonly value: A } | undefined {
    const { entries } = this
    const [first] = entries
    const last = entries.pop()
    if (last === undefined || last === first) {
      return first
    }
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      const leftKey = entries[left]?.key ?? Number.POSITIVE_INFINITY
      const rightKey = entries[right]?.key ?? Number.POSITIVE_INFINITY
      const below = rightKey < leftKey ? right : left
      const child = entries[below]
      if (child === undefined || child.key >= last.key) {
        break
      }
      entries[at] = child
      at = below
    }
    entries[at] = last
    return first
  }
}
