/**
 * Limits the transfers at a time, and the requests and bytes a second, in all and per origin. Pauses an origin that asks for
 * it with `Retry-After`.
 *
 * A transfer holds a permit only during an attempt, not while it waits for a retry or for a paused origin. A pause applies to
 * all transfers from that origin and to no other origin.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as DownloadEvent from "./DownloadEvent.js"
import { Permits } from "./OriginGovernor/permits.js"
import { type ConcurrencyLimit, type Report, type Signal, Ticket } from "./OriginGovernor/queues.js"

export type { ConcurrencyLimit, Report, Signal }

/**
 * Limits. A limit that is left out does not apply.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** Permits in all (N). */
  readonly concurrency?: number | undefined
  /** Permits at one origin (M). */
  readonly perOrigin?: number | undefined
  /**
   * If true, the limit of an origin adapts to its load. Default: true. The limit is halved when the origin answers 429 or 503,
   * times out, or refuses or resets a connection before it answers. It grows by one after as many successes as there are
   * permits, if a higher limit raises the rate. A received MiB counts as a success. It also grows by one after a second. Each further
   * overload doubles this time. The limit that was too high is not tried again before this time.
   */
  readonly adaptive?: boolean | undefined
  readonly requestsPerSecond?: number | undefined
  readonly requestsPerSecondPerOrigin?: number | undefined
  readonly bytesPerSecond?: number | undefined
  readonly bytesPerSecondPerOrigin?: number | undefined
}

/**
 * Options for acquiring a permit.
 *
 * @category models
 * @since 0.2.0
 */
export interface PermitOptions {
  /** A limit that the permit counts against, besides the governor's own. */
  readonly concurrencyLimit?: ConcurrencyLimit | undefined
  /**
   * Called with true when the caller has to wait because of its origin, and with false when this ends. In the meantime, callers for
   * other origins need not wait behind it.
   */
  readonly onParked?: ((isParked: boolean) => void) | undefined
}

/**
 * The right to have one request at an origin in flight.
 *
 * @category models
 * @since 0.2.0
 */
export interface Permit {
  /** Releases the permit. Safe to call more than once. */
  readonly release: () => void
  /**
   * True if the holder may send one more request to this origin now; the request is then counted. False while the origin is
   * paused, if more of its permits are held than its limit allows, if another caller waits for it, or after `release`.
   */
  readonly tryReuse: () => boolean
}

/**
 * The permits of a governor or of one origin.
 *
 * @category models
 * @since 0.2.0
 */
export interface Usage {
  /** The number of permits that are held. */
  readonly permits: number
  /** The limit at this moment. */
  readonly limit: number
  /** Why a caller that asks for a permit has to wait. Undefined if it gets one at once, or only waits for callers before it. */
  readonly obstacle: PermitObstacle | undefined
  /** The time until the end of the pause of the origin. 0 if there is none. */
  readonly pauseMillis: number
}

/**
 * Why a governor lets callers wait.
 *
 * @category models
 * @since 0.2.0
 */
export type PermitObstacle = Extract<DownloadEvent.Obstacle, "origin" | "overload" | "pause" | "rate" | "concurrency">

/**
 * Grants permits. An origin is a scheme, a host and a port (RFC 6454), as `URL.origin` writes it.
 *
 * `acquire` and `report` return an `Exit` (which is an `Effect`) if they have finished when the call returns. The caller then
 * continues without suspending. Otherwise they return any other `Effect`, which has not begun before it is run.
 *
 * A downloader takes it from the context of the program that calls `download` or `run`, or else from the context in which its
 * layer was built. If neither has one, the downloader makes its own from the limits in its options. Otherwise these limits have
 * no effect, and a warning is logged.
 *
 * @category tags
 * @since 0.2.0
 */
export class OriginGovernor extends Context.Tag("halyard/OriginGovernor")<
  OriginGovernor,
  {
    /**
     * Acquires a permit: an `Exit` if one is free at once. Waiting callers are served in order, except that a caller whose origin
     * or `concurrencyLimit` has no room does not block the others.
     *
     * Run it as an acquisition: uninterruptible. The wait itself is interruptible, and an interrupted wait leaves nothing behind.
     */
    readonly acquire: (origin: string, options?: PermitOptions) => Effect.Effect<Permit>
    /**
     * A permit for optional work, only if one is free now. `onWanted` is called at most once, when another caller waits for a
     * permit that this one could replace. The holder should then release it soon.
     */
    readonly tryAcquireIdle: (origin: string, onWanted: () => void, options?: PermitOptions) => Permit | undefined
    /** Reports how an attempt went, to adapt the limit of its origin and to pause the origin. */
    readonly report: (origin: string, report: Report) => Effect.Effect<void>
    /** Counts received bytes, and returns for how many milliseconds the receiver must pause to keep the byte rates. */
    readonly restMillis: (origin: string, bytes: number) => number
    /** The permits that are held at this moment, in all or at one origin. */
    readonly inUse: (origin?: string) => Usage
  }
>() {}

/**
 * Makes a governor on the clock in the context. Dies with a `RangeError` if a limit is out of range, such as `NaN` or a negative
 * number.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options?: Options): Effect.Effect<typeof OriginGovernor.Service> =>
  Effect.map(makeShared(options), ({ governor }) => governor)

/**
 * A governor with a part of the limits of each origin.
 *
 * @internal
 */
export interface SharedGovernor {
  readonly governor: typeof OriginGovernor.Service
  /**
   * Sets the number of processes that keep the limits together, the place of this one among them, from 0, and the number of the turn:
   * permits that are fewer than the processes pass to others with each turn.
   */
  readonly setShare: (members: number, place: number, turn: number) => void
}

/**
 * Makes a governor that has all of its limits until `setShare` is called.
 *
 * @internal
 */
export const makeShared = (options: Options = {}): Effect.Effect<SharedGovernor> =>
  Effect.map(Effect.clock, (clock) => {
    const concurrency = limitOf(options.concurrency, "concurrency")
    const perOrigin = limitOf(options.perOrigin, "perOrigin")
    const permits = new Permits({ ...options, concurrency, perOrigin })
    // One of the waiting fibers sleeps until the next time at which a permit may become free. The others have no timer.
    let timekeeper: Ticket | undefined
    let sleepsUntil = Number.POSITIVE_INFINITY

    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

    /** Makes a waiting fiber the timekeeper if there is none, and wakes the timekeeper if it would sleep too long. */
    const keepTime = (): void => {
      const { dueAt, lastWaiting } = permits
      if (dueAt === Number.POSITIVE_INFINITY) {
        return
      }
      if (timekeeper?.queue === undefined) {
        // The last ticket will wait longest.
        timekeeper = lastWaiting
        sleepsUntil = Number.POSITIVE_INFINITY
      }
      if (dueAt < sleepsUntil) {
        timekeeper?.wake()
      }
    }

    const act = <A>(use: (at: number) => A): A => {
      const result = use(now())
      keepTime()
      return result
    }

    const awaitGrant = (ticket: Ticket): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (ticket.isGranted) {
          return Effect.void
        }
        ticket.isWoken = false
        if (timekeeper !== ticket) {
          return Effect.zipRight(awaitWake(ticket), awaitGrant(ticket))
        }
        const at = now()
        if (permits.dueAt <= at) {
          permits.tick(at)
          keepTime()
          return awaitGrant(ticket)
        }
        sleepsUntil = permits.dueAt
        const woken =
          sleepsUntil === Number.POSITIVE_INFINITY
            ? awaitWake(ticket)
            : Effect.raceFirst(
                Effect.sleep(Math.min(Math.ceil(sleepsUntil - at), longestSleepMillis)),
                awaitWake(ticket)
              )
        return Effect.zipRight(woken, awaitGrant(ticket))
      })

    const permitOf = (ticket: Ticket): Permit => ({
      release: () => {
        if (ticket.isGranted) {
          act((at) => permits.leave(ticket, at))
        }
      },
      tryReuse: () => permits.tryReuse(ticket, now())
    })

    const tryAcquire = (name: string, options?: PermitOptions, onWanted?: () => void): Permit | undefined => {
      const at = now()
      const ticket = new Ticket(permits.origins.get(name, at), options?.concurrencyLimit, undefined, onWanted)
      return permits.tryGrant(ticket, at) ? permitOf(ticket) : undefined
    }

    const awaitPermit = (name: string, options?: PermitOptions): Effect.Effect<Permit> =>
      Effect.uninterruptible(
        Effect.suspend(() => {
          const ticket = act((at) => {
            const made = new Ticket(permits.origins.get(name, at), options?.concurrencyLimit, options?.onParked)
            permits.enqueue(made, at)
            return made
          })
          return Effect.matchCauseEffect(Effect.interruptible(awaitGrant(ticket)), {
            onSuccess: () => Effect.succeed(permitOf(ticket)),
            // A permit can be granted at the moment at which the wait is interrupted.
            onFailure: (cause) => {
              ticket.park(false)
              act((at) => permits.leave(ticket, at))
              return Effect.failCause(cause)
            }
          })
        })
      )

    const governor = OriginGovernor.of({
      acquire: (name, options) => {
        const permit = tryAcquire(name, options)
        return permit === undefined ? awaitPermit(name, options) : Exit.succeed(permit)
      },
      tryAcquireIdle: (name, onWanted, options) => tryAcquire(name, options, onWanted),
      report: (name, report) => {
        act((at) => permits.report(permits.origins.get(name, at), report, at))
        return Exit.void
      },
      restMillis: (name, count) => {
        const at = now()
        const rest = permits.receive(permits.origins.get(name, at), count, at) - at
        keepTime()
        return rest < shortestRestMillis ? 0 : Math.ceil(rest)
      },
      inUse: (name) => {
        const at = now()
        const origin = name === undefined ? undefined : permits.origins.find(name)
        const obstacle = permits.obstacle(origin, at)
        return name === undefined
          ? { permits: permits.used, limit: concurrency, obstacle, pauseMillis: 0 }
          : {
              permits: origin?.used ?? 0,
              limit: Math.min(concurrency, origin?.permits(at) ?? perOrigin),
              obstacle,
              pauseMillis: Math.max(0, (origin?.pausedUntil ?? 0) - at)
            }
      }
    })
    return { governor, setShare: (members, place, turn) => act((at) => permits.setShare(members, place, turn, at)) }
  })

/**
 * A governor with these limits. Each call makes a new layer, and so a new governor. To share a governor between downloaders, provide
 * one constant layer to both in one composition.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options?: Options): Layer.Layer<OriginGovernor> => Layer.effect(OriginGovernor, make(options))

/**
 * Acquires a permit, runs the effect, and releases the permit however the effect ends.
 *
 * @category combinators
 * @since 0.2.0
 */
export const withPermit =
  (origin: string, options?: PermitOptions) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | OriginGovernor> =>
    Effect.flatMap(OriginGovernor, (governor) =>
      Effect.acquireUseRelease(
        Effect.suspend(() => governor.acquire(origin, options)),
        () => effect,
        ({ release }) => Effect.sync(release)
      )
    )

// The check and the wait are one synchronous step, so no call of `wake` can be lost between them.
const awaitWake = (ticket: Ticket): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (ticket.isWoken) {
      resume(Effect.void)
    } else {
      ticket.onWake = () => resume(Effect.void)
    }
  })

// The longest delay of a JavaScript timer.
const longestSleepMillis = 2 ** 31 - 1

// A receiver does not pause for less time, because many short pauses take longer than their sum.
const shortestRestMillis = 10

const limitOf = (limit: number | undefined, name: string): number => {
  if (limit === undefined) {
    return Number.POSITIVE_INFINITY
  }
  if (!(limit >= 1)) {
    throw new RangeError(`${name} must be a number from 1 on, not ${limit}`)
  }
  return Math.trunc(limit)
}
