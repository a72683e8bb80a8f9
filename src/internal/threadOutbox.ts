/**
 * Notes to the calling thread, many at a time.
 *
 * @internal
 */
import type { Caller } from "../Threads.js"
import { type FromThread, isOutcome } from "./threadNotes.js"

// As many are sent without waiting for more.
const full = 64

export class Outbox {
  private notes: Array<FromThread> = []
  private successes = new Map<string, number>()
  private isSoon = false
  private isLater = false

  constructor(private readonly caller: typeof Caller.Service) {}

  /** Sent with all else that is written in this turn of the event loop. */
  write(note: FromThread): void {
    const last = this.notes.at(-1)
    if (last?._tag === "Release" && isOutcome(note) && note.id === last.id) {
      // An outcome gives all permits back.
      this.notes.pop()
    }
    this.notes.push(note)
    this.sendSoon()
  }

  /** Sent along with others, or after a few milliseconds: nobody waits for it. */
  writeLater(note: FromThread): void {
    this.notes.push(note)
    if (this.notes.length >= full) {
      this.sendSoon()
    } else if (!this.isLater && !this.isSoon) {
      this.isLater = true
      this.caller.later(() => {
        this.isLater = false
        this.sendSoon()
      })
    }
  }

  /** Goes along with what comes of it. */
  succeeded(origin: string): void {
    this.successes.set(origin, (this.successes.get(origin) ?? 0) + 1)
  }

  private sendSoon(): void {
    if (!this.isSoon && this.notes.length > 0) {
      this.isSoon = true
      this.caller.soon(() => this.send())
    }
  }

  private send(): void {
    const { notes, successes } = this
    this.isSoon = false
    this.notes = []
    this.successes = new Map()
    // The successes first: they were seen while their permits were held.
    const counts = Array.from(successes, ([origin, count]): FromThread => ({ _tag: "Succeeded", origin, count }))
    this.caller.post(counts.length === 0 ? notes : [...counts, ...notes])
  }
}
