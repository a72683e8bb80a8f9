/**
 * Bounds on one attempt: absolute ones for its head and for the whole of it, and one on how slowly its body may come.
 *
 * One timer watches all attempts of a downloader. A bound that is reached interrupts the attempt's own fiber, inside a
 * region from which the fiber comes back: a fiber of its own for each attempt, and one for its timer, would cost more
 * than all the rest of a small transfer.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import type * as Scope from "effect/Scope"

/** Time limits of one attempt, in milliseconds. */
export interface Limits {
  /** Maximum time for a new connection. Default: the transport's own limit. */
  readonly connectMillis: number | undefined
  /** Maximum time from the request, its connection included, to the end of the response's head. */
  readonly headersMillis: number
  readonly stall: Stall
}

export interface Stall {
  /** The minimum number of bytes in `millis`. */
  readonly bytes: number
  /** The time in which fewer than `bytes` are a stall. A stall is detected up to a quarter of this time later. */
  readonly millis: number
}

/** Times are milliseconds of the Clock's nanoseconds, so changes of the wall clock do not affect them. */
export interface Wait {
  /** `permit`: before the request is sent. Only the deadline applies. */
  phase: "permit" | "headers" | "body"
  headersAt: number
  /** Maximum time for a head, from the request or from the latest informational response. */
  readonly headersMillis: number
  /** How many more informational responses may restart that time. */
  extensionsLeft: number
  /** The time limit of the attempt. */
  totalAt: number
  /** The deadline of the request with all its attempts. */
  deadlineAt: number
  readonly stall: Stall
  /** When the wait began, plus the time for which this process has stood still since. */
  beganAt: number
  /** Maximum time between two checks. A shorter standstill of this process may go unnoticed. */
  lookMillis: number
  /** How much longer the limits of this phase may get because the event loop was blocked. The deadline gets no longer. */
  spareMillis: number
  /** The same for the present part of a stall's time. */
  spareWindowMillis: number
  /** When the present part of a stall's time began, and the bytes received since. */
  windowAt: number
  windowBytes: number
  /** The bytes received in the earlier parts that count, the latest first. */
  earlierBytes: ReadonlyArray<number>
  /** True while the receiver pauses the sender. The time of a stall does not advance then. */
  resting: boolean
}

// The time of a stall is divided into this number of parts, and checked at the end of each part.
const parts = 5

// No stall is reported before the whole time of a stall has passed.
const unknownBytes: ReadonlyArray<number> = Array.from({ length: parts - 1 }, () => Number.POSITIVE_INFINITY)

/** A wait that has not begun. */
export const waitWithin = ({ headersMillis, stall }: Limits): Wait => ({
  phase: "headers",
  headersAt: Number.POSITIVE_INFINITY,
  headersMillis,
  extensionsLeft: extensionsAtMost,
  totalAt: Number.POSITIVE_INFINITY,
  deadlineAt: Number.POSITIVE_INFINITY,
  stall,
  beganAt: 0,
  lookMillis: Number.POSITIVE_INFINITY,
  spareMillis: 0,
  spareWindowMillis: 0,
  windowAt: 0,
  windowBytes: 0,
  earlierBytes: unknownBytes,
  resting: false
})

/** Starts the wait when a request is sent. */
export const beginWait = (wait: Wait, at: number, totalAt: number, deadlineAt: number): void => {
  wait.headersAt = at + wait.headersMillis
  wait.totalAt = totalAt
  wait.deadlineAt = deadlineAt
  wait.beganAt = at
  wait.lookMillis = Math.min(wait.headersMillis, totalAt - at, deadlineAt - at) / looks
  wait.spareMillis = looks * wait.lookMillis
  wait.windowAt = at
}

/** The wait for the response to a request that is sent now. */
export const waitFrom = (at: number, limits: Limits, totalAt: number, deadlineAt: number): Wait => {
  const wait = waitWithin(limits)
  beginWait(wait, at, totalAt, deadlineAt)
  return wait
}

const unlimited: Limits = {
  connectMillis: undefined,
  headersMillis: Number.POSITIVE_INFINITY,
  stall: { bytes: 0, millis: Number.POSITIVE_INFINITY }
}

/** The wait for a permit. */
export const permitWait = (at: number, deadlineAt: number): Wait => ({
  ...waitFrom(at, unlimited, Number.POSITIVE_INFINITY, deadlineAt),
  phase: "permit"
})

// A limit, because an origin may send informational responses without end.
const extensionsAtMost = 20

/** Restarts the time for the head after an informational response (1xx), which shows that the origin is working. */
export const extendHeaders = (wait: Wait, now: number): void => {
  if (wait.phase === "headers" && wait.extensionsLeft > 0) {
    wait.extensionsLeft--
    wait.headersAt = now + wait.headersMillis
  }
}

/** The request waits in this process, or goes on: until then the server is not asked, and its time has not begun. */
export const holdHeaders = (wait: Wait, isHeld: boolean, now: number): void => {
  if (wait.phase === "headers") {
    wait.headersAt = isHeld ? Number.POSITIVE_INFINITY : now + wait.headersMillis
  }
}

/** Starts the wait for the body when the head was received. */
export const beginBody = (wait: Wait, now: number): void => {
  wait.phase = "body"
  wait.lookMillis = Math.min(wait.totalAt - now, wait.deadlineAt - now) / looks
  wait.spareMillis = looks * wait.lookMillis
  wait.spareWindowMillis = wait.stall.millis / parts
  wait.windowAt = now
  wait.windowBytes = 0
  wait.earlierBytes = unknownBytes
}

// A timer beyond this fires at once, or never.
const longestMillis = 2 ** 31 - 1

// With more waits than this, the timer combines the ends of several parts, so some are checked a little late.
const exactAtMost = 64

// Minimum number of checks before a limit expires.
const looks = 8

// A timer that is later than this shows that the process stood still (a job stopped with Ctrl-Z, a suspended machine).
export const standstillMillis = 5000

// A timer that is later than this shows that the event loop was blocked, or that the process stood still for a moment.
const blockedMillis = 250

// After a timer that is later than this, the event loop polls once before limits are checked.
const promptMillis = 5

export const nowMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6)
)

export type Phase = "headers" | "stall" | "total" | "deadline"

export interface Watch {
  /**
   * Interrupts the effect, waits until it has ended, and fails, when a bound is reached. An effect that succeeds in that
   * moment has succeeded. To be run uninterruptible; the effect is not: a bound that cannot interrupt is none.
   */
  readonly watched: <E2>(
    wait: Wait,
    onTimeout: (phase: Phase) => E2
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | E2, R>
  /** Watches work that is not an effect, until it is removed or a limit expires. The caller must run the effect if it is not undefined. */
  readonly add: (watched: Watched) => Effect.Effect<void> | undefined
  /** May be called several times. The caller must run the effect if it is not undefined. */
  readonly remove: (watched: Watched) => Effect.Effect<void> | undefined
  /** The total time for which this process stood still while something was watched. */
  readonly lostMillis: () => number
  /** As `remove`, but keeps the timer: another wait follows at once, or `remove` is called later. */
  readonly leave: (watched: Watched) => void
}

export interface Watched {
  readonly wait: Wait
  /** Called once, when a limit expires. */
  readonly expire: (phase: Phase) => void
  /** The watch's own; -1 where it is not watched. */
  place: number
}

/**
 * No `Set`: each one that grows old keeps what it held from being collected with the young, through the table that takes
 * its place, and that was a fifth of the CPU of a small transfer.
 */
class All {
  readonly items: Array<Watched> = []

  add(watched: Watched): void {
    watched.place = this.items.length
    this.items.push(watched)
  }

  delete(watched: Watched): void {
    const { place } = watched
    if (place === -1) {
      return
    }
    watched.place = -1
    const last = this.items.pop()
    if (last !== undefined && last !== watched) {
      last.place = place
      this.items[place] = last
    }
  }
}

/** Its timer runs while something is watched, and ends with the scope. */
export const make: Effect.Effect<Watch, never, Scope.Scope> = Effect.map(Effect.scope, (scope) => {
  const all = new All()
  // The interruptor of fibers that recover from the interruption.
  const self = FiberId.unsafeMake()
  let timer: Fiber.RuntimeFiber<void> | undefined
  let starting = false
  // The time of the timer, and the time that waits need which began since it was set.
  let dueAt = Number.POSITIVE_INFINITY
  let sleptFrom = 0
  let hasPolled = false
  let lostMillis = 0
  let neededAt = Number.POSITIVE_INFINITY

  const expire = (now: number): void => {
    for (const watched of all.items.slice()) {
      const over = overdue(watched.wait, now)
      if (over !== undefined) {
        all.delete(watched)
        watched.expire(over)
      }
    }
  }

  const tick: Effect.Effect<void> = Effect.flatMap(nowMillis, (now) => {
    const lateMillis = now - dueAt
    if (lateMillis > blockedMillis) {
      excuse(lateMillis, now)
    }
    if (lateMillis > promptMillis && !hasPolled) {
      // The event loop serves timers before sockets, so received bytes are read first.
      hasPolled = true
      return sleep(now, 1)
    }
    hasPolled = false
    expire(now)
    if (all.items.length === 0) {
      timer = undefined
      dueAt = Number.POSITIVE_INFINITY
      return Effect.void
    }
    return sleep(now, Math.max(1, Math.ceil(Math.min(soonest(now) - now, longestMillis))))
  })

  const sleep = (now: number, millis: number): Effect.Effect<void> => {
    sleptFrom = now
    dueAt = now + millis
    return Effect.zipRight(Effect.sleep(millis), tick)
  }

  const soonest = (now: number): number => {
    const isSparing = all.items.length > exactAtMost
    let at = Number.POSITIVE_INFINITY
    for (const { wait } of all.items) {
      at = Math.min(at, nextAt(wait, now, isSparing))
    }
    return at
  }

  // A standstill extends all limits by all of the time since the timer was set. A shorter delay extends the limits of
  // attempts, but not the deadline, by itself and to twice their length at most: a busy process still ends its waits.
  const excuse = (lateMillis: number, now: number): void => {
    const isStandstill = lateMillis > standstillMillis
    const stoodMillis = isStandstill ? now - sleptFrom : 0
    lostMillis += stoodMillis
    for (const { wait } of all.items) {
      if (wait.beganAt <= now - lateMillis) {
        const millis = isStandstill ? stoodMillis : Math.min(lateMillis, wait.spareMillis)
        const windowMillis = isStandstill ? stoodMillis : Math.min(lateMillis, wait.spareWindowMillis)
        wait.spareMillis -= isStandstill ? 0 : millis
        wait.spareWindowMillis -= isStandstill ? 0 : windowMillis
        wait.beganAt += stoodMillis
        wait.deadlineAt += stoodMillis
        wait.totalAt += millis
        wait.headersAt += millis
        wait.windowAt += wait.resting ? 0 : windowMillis
      }
    }
  }

  const startTimer: Effect.Effect<void> = Effect.suspend(() => {
    if (starting || (timer !== undefined && neededAt >= dueAt)) {
      return Effect.void
    }
    starting = true
    neededAt = Number.POSITIVE_INFINITY
    return Effect.flatMap(Effect.forkIn(Effect.interruptible(tick), scope), (fiber) => {
      starting = false
      timer?.unsafeInterruptAsFork(self)
      timer = fiber
      // A wait with an earlier limit than the timer's may have begun in the meantime.
      return neededAt < dueAt ? startTimer : Effect.void
    })
  })

  const add = (watched: Watched): Effect.Effect<void> | undefined => {
    const { wait } = watched
    all.add(watched)
    neededAt = Math.min(neededAt, nextAt(wait, wait.windowAt))
    return timer !== undefined && neededAt >= dueAt ? undefined : startTimer
  }

  const remove = (watched: Watched): Effect.Effect<void> | undefined => {
    all.delete(watched)
    const idle = timer
    if (all.items.length > 0 || idle === undefined) {
      return undefined
    }
    timer = undefined
    dueAt = Number.POSITIVE_INFINITY
    return Effect.asVoid(Fiber.interrupt(idle))
  }

  return {
    lostMillis: () => lostMillis,
    add,
    remove,
    leave: (watched) => {
      all.delete(watched)
    },
    watched:
      <E2>(wait: Wait, onTimeout: (phase: Phase) => E2) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
        Effect.withFiberRuntime((fiber) => {
          let over: Phase | undefined
          const watched: Watched = {
            place: -1,
            wait,
            expire: (phase) => {
              over = phase
              fiber.unsafeInterruptAsFork(self)
            }
          }
          const end = (): Effect.Effect<void> | undefined => {
            const idle = remove(watched)
            return over === undefined ? idle : Effect.zipRight(comeBack(self), idle ?? Effect.void)
          }
          const work = Effect.matchCauseEffect(Effect.interruptible(effect), {
            onSuccess: (value) => {
              const rest = end()
              return rest === undefined ? Effect.succeed(value) : Effect.as(rest, value)
            },
            onFailure: (cause) =>
              Effect.zipRight(
                end() ?? Effect.void,
                Effect.failCause<E | E2>(
                  over !== undefined && isInterruptedBy(self, cause) ? Cause.fail(onTimeout(over)) : cause
                )
              )
          })
          const first = add(watched)
          return first === undefined ? work : Effect.zipRight(first, work)
        })
  }
})

/** Clears the interruption by this interruptor from the fiber. */
const comeBack = (by: FiberId.FiberId): Effect.Effect<void> =>
  FiberRef.update(FiberRef.interruptedCause, (cause) =>
    Cause.filter(cause, (one) => !(Cause.isInterruptType(one) && Equal.equals(one.fiberId, by)))
  )

const isInterruptedBy = (by: FiberId.FiberId, cause: Cause.Cause<unknown>): boolean =>
  Cause.isInterruptedOnly(cause) && HashSet.every(Cause.interruptors(cause), (one) => Equal.equals(one, by))

/** Returns the limit that has expired, if any. Otherwise begins the next part of a stall's time if the present part is over. */
const overdue = (wait: Wait, now: number): Phase | undefined => {
  const { stall } = wait
  if (wait.deadlineAt <= now) {
    return "deadline"
  }
  if (wait.totalAt <= now) {
    return "total"
  }
  if (wait.phase === "headers") {
    return wait.headersAt <= now ? "headers" : undefined
  }
  if (wait.phase === "body" && !wait.resting && now - wait.windowAt >= stall.millis / parts) {
    const { earlierBytes, windowBytes } = wait
    if (earlierBytes.reduce((sum, bytes) => sum + bytes, windowBytes) < stall.bytes) {
      return "stall"
    }
    wait.earlierBytes = [windowBytes, ...earlierBytes.slice(0, -1)]
    wait.windowAt = now
    wait.windowBytes = 0
    wait.spareWindowMillis = stall.millis / parts
  }
  return undefined
}

/** The time of the next check. */
const nextAt = (wait: Wait, now: number, isSparing = false): number => {
  const partMillis = wait.stall.millis / parts
  return Math.min(
    wait.deadlineAt,
    wait.totalAt,
    wait.phase === "headers"
      ? wait.headersAt
      : wait.phase === "permit" || wait.resting
        ? Number.POSITIVE_INFINITY
        : Math.max(wait.windowAt + partMillis, now + (isSparing ? partMillis / 64 : 0)),
    // Of a body that begins or goes on meanwhile, no part ends earlier than one from now on.
    now + partMillis,
    now + wait.lookMillis
  )
}
