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
import * as Adaptive from "./internal/adaptive.js"
import * as Pace from "./internal/pace.js"

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
   * when it refuses or resets a connection before it answers; one more at a time after as many successes as there are,
   * while that makes it faster, and short of the number that was too many, which is tried again after a while.
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

interface OriginState {
  readonly name: string
  used: number
  /** Permits asked for and not given back, waiting ones included. */
  known: number
  pausedUntil: number
  readonly limit: Adaptive.Adaptive
  readonly requests: Pace.Pace
  readonly bytes: Pace.Pace
}

interface Ticket {
  readonly origin: OriginState
  readonly gate: Gate | undefined
  granted: boolean
  wake: ((again: boolean) => void) | undefined
  /** Tells who holds it that somebody else has to wait. */
  onWanted?: (() => void) | undefined
}

/**
 * Makes a governor on the clock in the context.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options = {}): Effect.Effect<typeof OriginGovernor.Service> =>
  Effect.map(Effect.clock, (clock) => {
    const all = limitOf(options.concurrency)
    const perOrigin = limitOf(options.perOrigin)
    const origins = new Map<string, OriginState>()
    // In the order in which they came.
    const waiting = new Set<Ticket>()
    // Permits that can be done without, oldest first.
    const spares = new Set<Ticket>()
    const requests = Pace.make(options.requestsPerSecond)
    const bytes = Pace.make(options.bytesPerSecond)
    let used = 0

    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

    const stateOf = (name: string): OriginState => {
      const found = origins.get(name)
      if (found !== undefined) {
        return found
      }
      if (origins.size >= sweepAt) {
        forgetIdle()
      }
      const state: OriginState = {
        name,
        used: 0,
        known: 0,
        pausedUntil: 0,
        limit: Adaptive.make(perOrigin, options.adaptive ?? true),
        requests: Pace.make(options.requestsPerSecondPerOrigin),
        bytes: Pace.make(options.bytesPerSecondPerOrigin)
      }
      origins.set(name, state)
      return state
    }

    // A million origins are no million entries.
    const forgetIdle = (): void => {
      const at = now()
      for (const state of origins.values()) {
        if (state.known === 0 && state.pausedUntil <= at && state.requests.nextAt <= at && state.bytes.nextAt <= at) {
          origins.delete(state.name)
        }
      }
    }

    const opensAt = (origin: OriginState): number =>
      Math.max(origin.pausedUntil, origin.requests.nextAt, requests.nextAt)

    const canGo = ({ gate, origin }: Ticket): boolean =>
      used < all && origin.used < origin.limit.current() && (gate === undefined || gate.used < gate.limit)

    const grant = (ticket: Ticket, at: number): void => {
      ticket.granted = true
      used++
      ticket.origin.used++
      if (ticket.gate !== undefined) {
        ticket.gate.used++
      }
      requests.take(1, at)
      ticket.origin.requests.take(1, at)
    }

    const pump = (): void => {
      if (waiting.size === 0 || used >= all) {
        return
      }
      const at = now()
      for (const ticket of waiting) {
        if (opensAt(ticket.origin) > at) {
          // It waits for a time now, and not for a permit.
          waiting.delete(ticket)
          ticket.wake?.(true)
        } else if (canGo(ticket)) {
          waiting.delete(ticket)
          grant(ticket, at)
          ticket.wake?.(false)
          if (used >= all) {
            return
          }
        }
      }
    }

    // The newest, which has the least to lose.
    const wantOne = (ticket: Ticket): void => {
      if (spares.size === 0) {
        return
      }
      const { gate, origin } = ticket
      const isOriginFull = origin.used >= origin.limit.current()
      const isGateFull = gate !== undefined && gate.used >= gate.limit
      const found = Array.from(spares).findLast(
        (spare) => !(isOriginFull && spare.origin !== origin) && !(isGateFull && spare.gate !== gate)
      )
      if (found !== undefined && spares.delete(found)) {
        found.onWanted?.()
      }
    }

    const leave = (ticket: Ticket): void => {
      waiting.delete(ticket)
      spares.delete(ticket)
      ticket.origin.known--
      if (ticket.granted) {
        used--
        ticket.origin.used--
        if (ticket.gate !== undefined) {
          ticket.gate.used--
        }
        pump()
      }
    }

    const obtain = (ticket: Ticket, onParked: (parked: boolean) => void): Effect.Effect<void> =>
      Effect.suspend(() => {
        const at = now()
        const opens = opensAt(ticket.origin)
        if (opens > at) {
          onParked(true)
          return Effect.zipRight(Effect.sleep(Math.min(Math.ceil(opens - at), longestSleep)), obtain(ticket, onParked))
        }
        if (canGo(ticket)) {
          onParked(false)
          grant(ticket, at)
          return Effect.void
        }
        onParked(ticket.origin.used >= ticket.origin.limit.current())
        return Effect.flatMap(
          Effect.async<boolean>((resume) => {
            ticket.wake = (again) => resume(Effect.succeed(again))
            waiting.add(ticket)
            wantOne(ticket)
          }),
          (again) => {
            if (again) {
              return obtain(ticket, onParked)
            }
            onParked(false)
            return Effect.void
          }
        )
      })

    const report = (name: string, signal: Signal, beganAtMillis?: number): void => {
      const origin = stateOf(name)
      origin.limit.report(signal, origin.used, now(), beganAtMillis)
      pump()
    }

    const atOnce = (name: string, ask?: Ask, onWanted?: () => void): (() => void) | undefined => {
      const ticket: Ticket = { origin: stateOf(name), gate: ask?.gate, granted: false, wake: undefined, onWanted }
      const at = now()
      if (opensAt(ticket.origin) > at || !canGo(ticket)) {
        return undefined
      }
      ticket.origin.known++
      grant(ticket, at)
      if (onWanted !== undefined) {
        spares.add(ticket)
      }
      return () => leave(ticket)
    }

    return OriginGovernor.of({
      atOnce: {
        permit: (name, ask) => atOnce(name, ask),
        spare: (name, onWanted, ask) => atOnce(name, ask, onWanted),
        again: (name) => {
          const origin = stateOf(name)
          const at = now()
          if (opensAt(origin) > at || origin.used > origin.limit.current()) {
            return false
          }
          requests.take(1, at)
          origin.requests.take(1, at)
          return true
        },
        report
      },
      withPermit: (name, ask) => (effect) =>
        Effect.suspend(() => {
          const origin = stateOf(name)
          const ticket: Ticket = { origin, gate: ask?.gate, granted: false, wake: undefined }
          origin.known++
          let parked = false
          const onParked = (is: boolean): void => {
            if (is !== parked) {
              parked = is
              ask?.onParked?.(is)
            }
          }
          // Around the wait as well: a permit can be given in the very moment in which the wait is interrupted.
          return Effect.ensuring(
            Effect.zipRight(obtain(ticket, onParked), effect),
            Effect.sync(() => {
              onParked(false)
              leave(ticket)
            })
          )
        }),
      pause: (name, duration) =>
        Effect.sync(() => {
          const origin = stateOf(name)
          origin.pausedUntil = Math.max(origin.pausedUntil, now() + Duration.toMillis(duration))
          pump()
        }),
      report: (name, signal, beganAtMillis) => Effect.sync(() => report(name, signal, beganAtMillis)),
      restMillis: (name, count) => {
        const at = now()
        const until = Math.max(bytes.take(count, at), stateOf(name).bytes.take(count, at))
        return until > at ? Math.ceil(until - at) : 0
      },
      inUse: (name) => {
        const state = name === undefined ? undefined : origins.get(name)
        return name === undefined
          ? { permits: used, limit: all }
          : { permits: state?.used ?? 0, limit: Math.min(all, state?.limit.current() ?? perOrigin) }
      }
    })
  })

/**
 * A governor with these limits.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options?: Options): Layer.Layer<OriginGovernor> => Layer.effect(OriginGovernor, make(options))

const sweepAt = 1024

// A timer beyond this fires at once, or never.
const longestSleep = 2 ** 31 - 1

const limitOf = (limit: number | undefined): number => {
  if (limit === undefined) {
    return Number.POSITIVE_INFINITY
  }
  if (Number.isNaN(limit)) {
    throw new RangeError("a limit must be a number from 1 on")
  }
  return Math.max(1, Math.trunc(limit))
}
