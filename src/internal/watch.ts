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

/** What one attempt may take, in milliseconds. */
export interface Limits {
  /** For a new connection. Default: the transport's own limit. */
  readonly connectMillis: number | undefined
  /** From the request, its connection included, to the end of the response's head. */
  readonly headersMillis: number
  readonly stall: Stall
}

export interface Stall {
  /** Fewer bytes than this … */
  readonly bytes: number
  /** … in this time are a stall. It is found out after a quarter of it more at the latest. */
  readonly millis: number
}

/** Times in milliseconds of the Clock's nanoseconds, which no change of the wall clock moves. */
export interface Wait {
  /** `permit`: before the request is sent. The deadline alone counts. */
  phase: "permit" | "headers" | "body"
  headersAt: number
  /** How long a head may take, from the request or from the latest informational response. */
  readonly headersMillis: number
  /** How often an informational response may still restart that time. */
  extensionsLeft: number
  /** When the attempt has to be over. */
  totalAt: number
  /** When the request has to be over, with all its attempts. */
  deadlineAt: number
  readonly stall: Stall
  /** When it began; later by the time for which this process stood still since. */
  beganAt: number
  /** It is looked at this often at least: a stop of this process that is shorter may go unnoticed. */
  lookMillis: number
  /** When the present part of a stall's time began, and what came since. */
  windowAt: number
  windowBytes: number
  /** What came in those before it that count, the latest first. */
  earlierBytes: ReadonlyArray<number>
  /** While the receiver keeps the sender waiting, slowness is its own, and the time of a stall stands still. */
  resting: boolean
}

// A stall's time goes on by a part of this many, so that silence is found out at most one part later.
const parts = 5

// Before a time has passed that is as long as a stall's, nothing is one.
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
  windowAt: 0,
  windowBytes: 0,
  earlierBytes: unknownBytes,
  resting: false
})

/** A request is sent. */
export const beginWait = (wait: Wait, at: number, totalAt: number, deadlineAt: number): void => {
  wait.headersAt = at + wait.headersMillis
  wait.totalAt = totalAt
  wait.deadlineAt = deadlineAt
  wait.beganAt = at
  wait.lookMillis = Math.min(wait.headersMillis, totalAt - at, deadlineAt - at) / looks
  wait.windowAt = at
}

/** The wait for a response to a request that is sent at this moment. */
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

// An origin that sends informational responses without end is not waited for without end.
const extensionsAtMost = 20

/** An informational response (1xx) has come: the origin is at work, and the time for its head starts again. */
export const extendHeaders = (wait: Wait, now: number): void => {
  if (wait.phase === "headers" && wait.extensionsLeft > 0) {
    wait.extensionsLeft--
    wait.headersAt = now + wait.headersMillis
  }
}

/** A head has come. */
export const beginBody = (wait: Wait, now: number): void => {
  wait.phase = "body"
  wait.lookMillis = Math.min(wait.totalAt - now, wait.deadlineAt - now) / looks
  wait.windowAt = now
  wait.windowBytes = 0
  wait.earlierBytes = unknownBytes
}

// A timer beyond this fires at once, or never.
const longestMillis = 2 ** 31 - 1

// With more than this the timer is not set for each one's part of a stall's time, but some are late together.
const exactAtMost = 64

// So often a limit is looked at, at least, before it is reached.
const looks = 8

// A busy process is late too, but seldom that late.
const standstillMillis = 250

// A timer that is later than this is no judge of what came meanwhile.
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
  /** For what is no effect: watched until it is removed or a bound is reached. To be run where it is not undefined. */
  readonly add: (watched: Watched) => Effect.Effect<void> | undefined
  /** As often as one likes. To be run where it is not undefined. */
  readonly remove: (watched: Watched) => Effect.Effect<void> | undefined
  /** For how long in all this process stood still while something was watched. */
  readonly lostMillis: () => number
  /** The same for one whose place another takes at once, or who is removed later. */
  readonly leave: (watched: Watched) => void
}

export interface Watched {
  readonly wait: Wait
  /** Called once, when a bound is reached. */
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
  // By whom a fiber is interrupted that comes back from it.
  const self = FiberId.unsafeMake()
  let timer: Fiber.RuntimeFiber<void> | undefined
  let starting = false
  // What the timer is set to, and what those need who have begun since.
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
    if (lateMillis > standstillMillis) {
      excuse(lateMillis, now)
    }
    if (lateMillis > promptMillis && !hasPolled) {
      // What has come is received first: the event loop serves its timers before its sockets.
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

  // This process stood still (a job stopped with Ctrl-Z, a suspended machine), for as long as the timer is late, and for
  // some of its time before: that was not the servers' time.
  const excuse = (lateMillis: number, now: number): void => {
    const stoodMillis = now - sleptFrom
    lostMillis += stoodMillis
    for (const { wait } of all.items) {
      if (wait.beganAt <= now - lateMillis) {
        wait.beganAt += stoodMillis
        wait.totalAt += stoodMillis
        wait.deadlineAt += stoodMillis
        wait.headersAt += stoodMillis
        wait.windowAt += wait.resting ? 0 : stoodMillis
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
      // Somebody may have begun meanwhile whose bound is nearer than what the timer was set to.
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

/** Has the fiber forget that it was interrupted by this one. */
const comeBack = (by: FiberId.FiberId): Effect.Effect<void> =>
  FiberRef.update(FiberRef.interruptedCause, (cause) =>
    Cause.filter(cause, (one) => !(Cause.isInterruptType(one) && Equal.equals(one.fiberId, by)))
  )

const isInterruptedBy = (by: FiberId.FiberId, cause: Cause.Cause<unknown>): boolean =>
  Cause.isInterruptedOnly(cause) && HashSet.every(Cause.interruptors(cause), (one) => Equal.equals(one, by))

/** The bound that is reached, if one is; else, where a part of a stall's time is over, the next one begins. */
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
  }
  return undefined
}

/** When there is something to look at, at the earliest. */
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
