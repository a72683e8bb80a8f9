/**
 * A timer for events that come some time after their cause, if the transfer has not ended before. Most have.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** An entry of the timer. */
export interface Due {
  /** The index in the entries that wait; -1 if it does not wait. Only `EventTimer` changes it. */
  place: number
  /** The time by the `Clock`, in milliseconds. */
  readonly dueAt: number
  readonly send: () => void
}

/**
 * Entries must be due within about the same time after they are added: the timer sleeps until the first one is due, also if a later
 * one is due sooner.
 */
export class EventTimer {
  // An array, for the same reason as in `Deadlines`.
  private readonly waiting: Array<Due> = []
  private wake: (() => void) | undefined

  constructor(private readonly clock: Clock.Clock) {}

  add(entry: Due): void {
    entry.place = this.waiting.length
    this.waiting.push(entry)
    this.wake?.()
  }

  remove(entry: Due): void {
    const { place } = entry
    if (place === -1) {
      return
    }
    entry.place = -1
    const last = this.waiting.pop()
    if (last !== undefined && last !== entry) {
      last.place = place
      this.waiting[place] = last
    }
  }

  /** Sends the events that are due. It sleeps only while an entry waits. */
  readonly run: Effect.Effect<never> = Effect.suspend(() => {
    const now = this.clock.unsafeCurrentTimeMillis()
    let nextAt = Number.POSITIVE_INFINITY
    for (const entry of this.waiting.slice()) {
      if (entry.dueAt <= now) {
        this.remove(entry)
        entry.send()
      } else {
        nextAt = Math.min(nextAt, entry.dueAt)
      }
    }
    return Effect.zipRight(nextAt === Number.POSITIVE_INFINITY ? this.added : Effect.sleep(nextAt - now), this.run)
  })

  private readonly added: Effect.Effect<void> = Effect.async((resume) => {
    if (this.waiting.length > 0) {
      resume(Effect.void)
    } else {
      this.wake = () => {
        this.wake = undefined
        resume(Effect.void)
      }
    }
  })
}

/** The timer ends with the scope. */
export const make: Effect.Effect<EventTimer, never, Scope.Scope> = Effect.flatMap(Effect.clock, (clock) => {
  const timer = new EventTimer(clock)
  return Effect.as(Effect.forkScoped(Effect.interruptible(timer.run)), timer)
})
