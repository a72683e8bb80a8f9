/**
 * Time limits of all waits of a downloader, with one timer.
 *
 * A limit that expires is a call. A fiber and a timer for each attempt would cost more than the rest of a small transfer.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Phase, Wait } from "./wait.js"

/** Work with a time limit. */
export interface Timed {
  readonly wait: Wait
  /** Called once, when a limit expires. */
  readonly expire: (phase: Phase) => void
  /** Only `Deadlines` changes it; -1 if it is not added. */
  place: number
}

// A timer beyond this fires at once, or never.
const longestMillis = 2 ** 31 - 1

// With more waits than this, the timer combines the ends of several parts, so some are checked a little late.
const exactAtMost = 64

// A timer that is later than this shows that the process stood still (a job stopped with Ctrl-Z, a suspended machine).
export const standstillMillis = 5000

// A timer that is later than this shows that the event loop was blocked, or that the process stood still for a moment.
const blockedMillis = 250

// After a timer that is later than this, the event loop polls once before limits are checked.
const promptMillis = 5

export const nowMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6)
)

export class Deadlines {
  /** The total time for which this process stood still while there was something to wait for. */
  lostMillis = 0
  // An array, because the table of a `Set` that grows old keeps its former members from the young collector: that was a fifth
  // of the CPU of a small transfer.
  private readonly all: Array<Timed> = []
  // When the timer ends.
  private dueAt = Number.POSITIVE_INFINITY
  private sleptFrom = 0
  private hasPolled = false
  private isChanged = false
  private wake: (() => void) | undefined

  /** Starts the limits of `timed`. */
  add(timed: Timed): void {
    timed.place = this.all.length
    this.all.push(timed)
    if (timed.wait.nextCheckAt(timed.wait.windowAt, false) < this.dueAt) {
      this.change()
    }
  }

  /** Ends the limits of `timed`. May be called several times. */
  remove(timed: Timed): void {
    const { place } = timed
    if (place === -1) {
      return
    }
    timed.place = -1
    const last = this.all.pop()
    if (last !== undefined && last !== timed) {
      last.place = place
      this.all[place] = last
    }
    if (this.all.length === 0) {
      this.change()
    }
  }

  /**
   * Interrupts the effect if a limit of `wait` expires, and then fails. Both the effect and the wait for it are interruptible,
   * as far as the effect itself is.
   */
  readonly within =
    <E2>(wait: Wait, onExpired: (phase: Phase) => E2) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
      Effect.suspend(() => {
        let expire: (phase: Phase) => void = () => {}
        const timed: Timed = { wait, place: -1, expire: (phase) => expire(phase) }
        const expired = Effect.async<never, E2>((resume) => {
          expire = (phase) => resume(Effect.fail(onExpired(phase)))
          this.add(timed)
        })
        // A race does not wait for its loser if the race itself is interrupted.
        return Effect.uninterruptible(
          Effect.flatMap(Effect.fork(Effect.interruptible(effect)), (fiber) =>
            Effect.raceFirst(Fiber.join(fiber), expired).pipe(
              Effect.interruptible,
              Effect.ensuring(
                Effect.zipRight(
                  Fiber.interrupt(fiber),
                  Effect.sync(() => this.remove(timed))
                )
              )
            )
          )
        )
      })

  /** The timer. It sleeps only while there is something to wait for. */
  readonly timer: Effect.Effect<never> = Effect.flatMap(nowMillis, (now) => {
    this.isChanged = false
    const millis = this.all.length === 0 ? undefined : this.check(now)
    if (millis === undefined) {
      this.dueAt = Number.POSITIVE_INFINITY
      return Effect.zipRight(this.changed, this.timer)
    }
    this.sleptFrom = now
    this.dueAt = now + millis
    const sleep = Effect.zipRight(
      Effect.sleep(millis),
      Effect.sync(() => this.change())
    )
    return Effect.flatMap(Effect.fork(sleep), (sleeper) =>
      Effect.zipRight(Effect.zipRight(this.changed, Fiber.interrupt(sleeper)), this.timer)
    )
  })

  private change(): void {
    this.isChanged = true
    this.wake?.()
  }

  /** Waits until the sleep is over, nothing is left, or a limit comes earlier than the end of the sleep. */
  private readonly changed: Effect.Effect<void> = Effect.async((resume) => {
    if (this.isChanged) {
      resume(Effect.void)
    } else {
      this.wake = () => {
        this.wake = undefined
        resume(Effect.void)
      }
    }
  })

  /** Checks the limits. Returns how long to sleep until the next check; undefined if nothing is left. */
  private check(now: number): number | undefined {
    const lateMillis = now - this.dueAt
    if (lateMillis > blockedMillis) {
      this.excuse(lateMillis, now)
    }
    if (lateMillis > promptMillis && !this.hasPolled) {
      // The event loop serves timers before sockets, so received bytes are read first.
      this.hasPolled = true
      return 1
    }
    this.hasPolled = false
    for (const timed of this.all.slice()) {
      const phase = timed.place === -1 ? undefined : timed.wait.expired(now)
      if (phase !== undefined) {
        this.remove(timed)
        timed.expire(phase)
      }
    }
    return this.all.length === 0 ? undefined : Math.max(1, Math.ceil(Math.min(this.soonest(now) - now, longestMillis)))
  }

  private soonest(now: number): number {
    const isSparing = this.all.length > exactAtMost
    let at = Number.POSITIVE_INFINITY
    for (const { wait } of this.all) {
      at = Math.min(at, wait.nextCheckAt(now, isSparing))
    }
    return at
  }

  // A standstill extends all limits by all of the time since the timer was set. A shorter delay extends the limits of
  // attempts, but not the deadline, by itself and to twice their length at most: a busy process still ends its waits.
  private excuse(lateMillis: number, now: number): void {
    const stoodMillis = lateMillis > standstillMillis ? now - this.sleptFrom : 0
    this.lostMillis += stoodMillis
    for (const { wait } of this.all) {
      if (wait.beganAt <= now - lateMillis) {
        wait.excuse(lateMillis, stoodMillis)
      }
    }
  }
}

/** Its timer ends with the scope. */
export const make: Effect.Effect<Deadlines, never, Scope.Scope> = Effect.suspend(() => {
  const deadlines = new Deadlines()
  return Effect.as(Effect.forkScoped(Effect.interruptible(deadlines.timer)), deadlines)
})
