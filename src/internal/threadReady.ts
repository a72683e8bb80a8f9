/**
 * Requests that wait in a thread for a permit, by run and origin, in their order.
 *
 * @internal
 */
import type { Carry } from "./threadNotes.js"

export const keyOf = (run: number, origin: string): string => `${run} ${origin}`

export const originOf = ({ request }: Carry): string => new URL(request.url).origin

export class Ready {
  private readonly keys = new Map<number, string>()
  private readonly queues = new Map<string, Map<number, Carry>>()

  add(carry: Carry): void {
    const key = keyOf(carry.run, originOf(carry))
    const queue = this.queues.get(key) ?? new Map<number, Carry>()
    this.queues.set(key, queue.set(carry.id, carry))
    this.keys.set(carry.id, key)
  }

  /** Takes the first with this key. */
  next(key: string): Carry | undefined {
    for (const id of this.queues.get(key)?.keys() ?? []) {
      return this.take(id)
    }
    return undefined
  }

  /** Takes this one, if it waits. */
  take(id: number): Carry | undefined {
    const key = this.keys.get(id)
    if (key === undefined) {
      return undefined
    }
    this.keys.delete(id)
    const queue = this.queues.get(key)
    const carry = queue?.get(id)
    queue?.delete(id)
    if (queue?.size === 0) {
      this.queues.delete(key)
    }
    return carry
  }
}
