/**
 * Keeps a client polite: how many transfers at a time in all and at one origin, how many requests and bytes a second, and
 * an origin left alone while it asked for that.
 *
 * A permit is held while an attempt is carried out and at no other time: not while a retry is waited for, not while an
 * origin cools down. What one origin asks for holds for everybody at that origin and for nobody elsewhere.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Origin, Permits, Ticket } from "./internal/permits.js"

/**
 * Limits. Each is none where it is left out.
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
   * Whether an origin's permits follow what it bears (default): halved when it answers 429 or 503, when it times out and
   * when it refuses or resets a connection before it answers. They grow by one at a time: after as many successes as there
   * are permits (a received MiB counts as one), while that makes it faster, and with time alone, after a second, and after
   * twice as long with each further overload. The number that was too many is tried again no earlier.
   */
  readonly adaptive?: boolean | undefined
  readonly requestsPerSecond?: number | undefined
  readonly requestsPerSecondPerOrigin?: number | undefined
  readonly bytesPerSecond?: number | undefined
  readonly bytesPerSecondPerOrigin?: number | undefined
}

/**
 * A limit that several users of a governor have for themselves (a run has one), or that one has along with others.
 *
 * @category models
 * @since 0.2.0
 */
export interface Gate {
  readonly limit: number
  /** How many permits are held through this gate. The governor's to change. */
  used: number
}

/**
 * What an attempt showed of its origin.
 *
 * @category models
 * @since 0.2.0
 */
export type Signal = "success" | "overload" | "neutral"

/**
 * How a permit is asked for.
 *
 * @category models
 * @since 0.2.0
 */
export interface Ask {
  readonly gate?: Gate | undefined
  /** Called when the origin makes this one wait, and again when it does not any more: others need not wait behind it. */
  readonly onParked?: ((parked: boolean) => void) | undefined
}

/**
 * What a governor can do without waiting.
 *
 * @category models
 * @since 0.2.0
 */
export interface AtOnce {
  /** A permit where there is one at this moment, as the function that gives it back; else undefined. */
  readonly permit: (origin: string, ask?: Ask) => (() => void) | undefined
  /**
   * The same for what can be done without: `onWanted` is called, once at most, when somebody else has to wait for a
   * permit and this one would do. It is to be given back soon then.
   */
  readonly spare?: (origin: string, onWanted: () => void, ask?: Ask) => (() => void) | undefined
  /**
   * Whether who holds a permit of this origin may send another request with it at this moment; counts it, if so. Not
   * while the origin is left alone, and not where it has more than it bears.
   */
  readonly again?: (origin: string) => boolean
  readonly report: (origin: string, signal: Signal, beganAtMillis?: number) => void
}

/**
 * Gives permits. An origin is a scheme, a host and a port (RFC 6454), as `URL.origin` writes it.
 *
 * A downloader takes it from the context of the program that asks for a download or a run, or else from the context in which
 * its layer was built. Without either it makes one of its own
 * from the limits in its options. With either, limits in its options have no effect, and a warning says so.
 *
 * @category tags
 * @since 0.2.0
 */
export class OriginGovernor extends Context.Tag("halyard/OriginGovernor")<
  OriginGovernor,
  {
    /**
     * Runs the effect with a permit of this origin: waits until there is one, first come first served among those that
     * can go, and gives it back however the effect ends. An interruption while it waits leaves nothing behind.
     */
    readonly withPermit: (
      origin: string,
      ask?: Ask
    ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Gives no permit of this origin to anybody for that long. */
    readonly pause: (origin: string, duration: Duration.DurationInput) => Effect.Effect<void>
    /**
     * Tells how an attempt went, for the adaptive limit, and when it began, in milliseconds of the clock's nanoseconds:
     * what began before the limit was lowered last says nothing against the lowered one.
     */
    readonly report: (origin: string, signal: Signal, beganAtMillis?: number) => Effect.Effect<void>
    /**
     * Counts received bytes, and says for how many milliseconds their receiver is to rest for the sake of the byte rates.
     */
    readonly restMillis: (origin: string, bytes: number) => number
    /** What is held at this moment, in all and at one origin, and the limit that the origin has now. */
    readonly inUse: (origin?: string) => { readonly permits: number; readonly limit: number }
    /**
     * `withPermit` and `report` without an Effect, for a caller that gives the permit back whatever happens. Optional:
     * a governor that waits, or asks somebody else, does without.
     */
    readonly atOnce?: AtOnce | undefined
  }
>() {}

/**
 * Makes a governor on the clock in the context. Limits that make no sense (`NaN`, a negative number) are refused: it dies
 * with a `RangeError`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options = {}): Effect.Effect<typeof OriginGovernor.Service> =>
  Effect.map(Effect.clock, (clock) => {
    const concurrency = limitOf(options.concurrency, "concurrency")
    const perOrigin = limitOf(options.perOrigin, "perOrigin")
    const permits = new Permits({
      concurrency,
      perOrigin,
      isAdaptive: options.adaptive ?? true,
      requestsPerSecond: options.requestsPerSecond,
      requestsPerSecondPerOrigin: options.requestsPerSecondPerOrigin,
      bytesPerSecond: options.bytesPerSecond,
      bytesPerSecondPerOrigin: options.bytesPerSecondPerOrigin
    })
    // One of the waiting fibers sleeps until the next time at which there is something to do; the others have no timer.
    let timekeeper: Waiting | undefined

    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

    /** Has a waiting fiber keep the time from now on, if none does or if it would sleep too long. */
    const keepTime = (): void => {
      const { dueAt, lastWaiting } = permits
      if (dueAt === Number.POSITIVE_INFINITY) {
        return
      }
      if (timekeeper === undefined && lastWaiting instanceof Waiting) {
        // The one that will wait for longest.
        timekeeper = lastWaiting
        timekeeper.sleepsUntil = Number.POSITIVE_INFINITY
      }
      if (timekeeper !== undefined && dueAt < timekeeper.sleepsUntil) {
        timekeeper.isCalled = true
        timekeeper.wake?.()
      }
    }

    const stopKeeping = (ticket: Waiting): void => {
      if (timekeeper === ticket) {
        timekeeper = undefined
      }
    }

    const obtain = (ticket: Waiting): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (ticket.isGranted) {
          return Effect.void
        }
        ticket.isCalled = false
        if (timekeeper !== ticket) {
          return Effect.zipRight(called(ticket), obtain(ticket))
        }
        const { dueAt } = permits
        const at = now()
        if (dueAt <= at) {
          permits.tick(at)
          keepTime()
          return obtain(ticket)
        }
        ticket.sleepsUntil = dueAt
        const sleep =
          dueAt === Number.POSITIVE_INFINITY
            ? called(ticket)
            : Effect.raceFirst(Effect.sleep(Math.min(Math.ceil(dueAt - at), longestSleep)), called(ticket))
        return Effect.zipRight(sleep, obtain(ticket))
      })

    const act = <A>(use: (at: number) => A): A => {
      const result = use(now())
      keepTime()
      return result
    }

    const report = (name: string, signal: Signal, beganAtMillis?: number): void =>
      act((at) => permits.report(permits.originOf(name, at), signal, at, beganAtMillis))

    const leave = (ticket: Ticket): void => act((at) => permits.leave(ticket, at))

    const atOnce = (name: string, ask?: Ask, onWanted?: () => void): (() => void) | undefined => {
      const at = now()
      const ticket = new Ticket(permits.originOf(name, at), ask?.gate, undefined, onWanted)
      return permits.tryGrant(ticket, at) ? () => leave(ticket) : undefined
    }

    return OriginGovernor.of({
      atOnce: {
        permit: (name, ask) => atOnce(name, ask),
        spare: (name, onWanted, ask) => atOnce(name, ask, onWanted),
        again: (name) => {
          const at = now()
          return permits.tryAgain(permits.originOf(name, at), at)
        },
        report
      },
      withPermit: (name, ask) => (effect) =>
        Effect.suspend(() => {
          const ticket = act((at) => {
            const made: Waiting = new Waiting(permits.originOf(name, at), ask, () => stopKeeping(made))
            permits.enqueue(made, at)
            return made
          })
          // Around the wait as well: a permit can be given in the very moment in which the wait is interrupted.
          return Effect.ensuring(
            Effect.zipRight(obtain(ticket), effect),
            Effect.sync(() => {
              stopKeeping(ticket)
              ticket.park(false)
              leave(ticket)
            })
          )
        }),
      pause: (name, duration) =>
        Effect.sync(() => act((at) => permits.pause(permits.originOf(name, at), at + Duration.toMillis(duration), at))),
      report: (name, signal, beganAtMillis) => Effect.sync(() => report(name, signal, beganAtMillis)),
      restMillis: (name, count) => {
        const at = now()
        const rest = permits.receive(permits.originOf(name, at), count, at) - at
        if (permits.lastWaiting !== undefined) {
          keepTime()
        }
        return rest < shortestRestMillis ? 0 : Math.ceil(rest)
      },
      inUse: (name) => {
        const origin = name === undefined ? undefined : permits.find(name)
        return name === undefined
          ? { permits: permits.used, limit: concurrency }
          : { permits: origin?.used ?? 0, limit: Math.min(concurrency, origin?.limit.current(now()) ?? perOrigin) }
      }
    })
  })

/**
 * A governor with these limits. Each call makes a layer, and so a governor, of its own: downloaders that are to share one are
 * given the same layer (a constant), in one composition.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options?: Options): Layer.Layer<OriginGovernor> => Layer.effect(OriginGovernor, make(options))

/** A ticket whose fiber waits. */
class Waiting extends Ticket {
  /** Whether it has to look at what is due. */
  isCalled = false
  sleepsUntil = Number.POSITIVE_INFINITY
  wake: (() => void) | undefined

  constructor(origin: Origin, ask: Ask | undefined, onGranted: () => void) {
    super(origin, ask?.gate, ask?.onParked)
    this.onGranted = () => {
      onGranted()
      this.wake?.()
    }
  }
}

// The look and the wait are one step: a call that comes in between is not lost.
const called = (ticket: Waiting): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (ticket.isGranted || ticket.isCalled) {
      resume(Effect.void)
    } else {
      ticket.wake = () => resume(Effect.void)
    }
  })

// A timer beyond this fires at once, or never.
const longestSleep = 2 ** 31 - 1

// A receiver does not rest for less: short rests together cost more time than they are long.
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
