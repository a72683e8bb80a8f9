/**
 * The origins of a governor by their names. Origins in their initial state are forgotten, so that a million origins do not take
 * a million entries.
 */
import { Origin, type OriginLimits } from "./queues.js"

const fewOrigins = 1024

export class Origins {
  private readonly byName = new Map<string, Origin>()
  private forgetAt = fewOrigins

  constructor(private readonly limits: OriginLimits) {}

  find(name: string): Origin | undefined {
    return this.byName.get(name)
  }

  get(name: string, now: number): Origin {
    const found = this.byName.get(name)
    if (found !== undefined) {
      return found
    }
    if (this.byName.size >= this.forgetAt) {
      this.forgetInitial(now)
    }
    const made = new Origin(name, this.limits)
    this.byName.set(name, made)
    return made
  }

  private forgetInitial(now: number): void {
    for (const origin of this.byName.values()) {
      if (origin.isInitial(now)) {
        this.byName.delete(origin.name)
      }
    }
    // The next check comes after as many new origins, so that the cost for each origin is small.
    this.forgetAt = Math.max(fewOrigins, 2 * this.byName.size)
  }
}
