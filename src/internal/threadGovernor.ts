/**
 * The governor of a worker thread, which has no limits of its own: it asks the one in the calling thread for each permit
 * that does not come along with a request, and tells it what it sees.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Ask, OriginGovernor } from "../OriginGovernor.js"
import type { Carry } from "./threadNotes.js"
import type { Outbox } from "./threadOutbox.js"
import { keyOf, originOf } from "./threadReady.js"

/** A permit that the calling thread gave; it may serve several requests, one after the other. */
export interface Permit {
  readonly number: number
  /** The run and the origin that it is for. */
  readonly key: string
  readonly origin: string
  readonly epoch: number
  uses: number
}

export const permit = ({ run }: Carry, origin: string, number: number, epoch: number): Permit => ({
  number,
  key: keyOf(run, origin),
  origin,
  epoch,
  uses: 0
})

/** How a request of this thread asks for permits. */
export class Ticket implements Ask {
  private count = 0
  private readonly waiting = new Map<number, { readonly origin: string; readonly granted: (permit: Permit) => void }>()
  readonly id: number

  constructor(
    private readonly carry: Carry,
    /** The one that came along, until it is used. */
    private spare: Permit | undefined,
    private readonly outbox: Outbox,
    private readonly release: (permit: Permit, ticket: Ticket) => void
  ) {
    this.id = carry.id
  }

  readonly onParked = (is: boolean): void => this.outbox.write({ _tag: "Parked", id: this.id, is })

  use(origin: string): (() => void) | undefined {
    const permit = this.spare
    if (permit?.origin !== origin) {
      return undefined
    }
    this.spare = undefined
    return () => this.release(permit, this)
  }

  /** Runs the effect with a permit that the calling thread gives, and gives it back. */
  withPermit<A, E, R>(origin: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const release = this.use(origin)
      if (release !== undefined) {
        return Effect.ensuring(effect, Effect.sync(release))
      }
      const ask = ++this.count
      let permit: Permit | undefined
      let wake: (() => void) | undefined
      this.waiting.set(ask, {
        origin,
        granted: (given) => {
          permit = given
          wake?.()
        }
      })
      this.outbox.write({ _tag: "Ask", id: this.id, ask, origin })
      const granted = Effect.async<void>((resume) => {
        if (permit === undefined) {
          wake = () => resume(Effect.void)
        } else {
          resume(Effect.void)
        }
      })
      return Effect.ensuring(
        Effect.zipRight(granted, effect),
        Effect.sync(() => {
          this.waiting.delete(ask)
          if (permit === undefined) {
            this.outbox.write({ _tag: "AskNoMore", id: this.id, ask })
          } else {
            this.release(permit, this)
          }
        })
      )
    })
  }

  granted(ask: number, number: number, epoch: number): void {
    const waiting = this.waiting.get(ask)
    const given = permit(this.carry, waiting?.origin ?? originOf(this.carry), number, epoch)
    if (waiting === undefined) {
      this.release(given, this)
    } else {
      waiting.granted(given)
    }
  }
}

/** How long received bytes are to rest, as the calling thread answered. */
export class Rests {
  private readonly until = new Map<string, number>()
  // Until the first answer is there; what comes before it is counted all the same, and a moment's rest keeps it little.
  private isLimited = true

  constructor(private readonly now: () => number) {}

  answered(origin: string, millis: number): void {
    const now = this.now()
    if (this.until.size >= sweepAt) {
      for (const [other, until] of this.until) {
        if (until <= now) {
          this.until.delete(other)
        }
      }
    }
    if (millis > 0) {
      this.until.set(origin, now + millis)
      this.hasRested = true
    } else {
      this.until.delete(origin)
    }
    this.isLimited = this.hasRested
  }

  millis(origin: string): number {
    return Math.max(Math.ceil((this.until.get(origin) ?? 0) - this.now()), this.isLimited ? 1 : 0)
  }

  private hasRested = false
}

const sweepAt = 1024

/** `onOverload` is called where an origin had too much. */
export const make = (
  outbox: Outbox,
  rests: Rests | undefined,
  now: () => number,
  onOverload: () => void
): typeof OriginGovernor.Service => {
  const report = (origin: string, signal: "success" | "overload" | "neutral", beganAtMillis?: number): void => {
    if (signal === "success") {
      outbox.succeeded(origin)
      return
    }
    if (signal === "overload") {
      onOverload()
    }
    outbox.write({ _tag: "Report", origin, signal, ageMillis: now() - (beganAtMillis ?? now()) })
  }
  return {
    atOnce: { permit: (origin, ask) => (ask instanceof Ticket ? ask.use(origin) : undefined), report },
    withPermit: (origin, ask) => (effect) =>
      ask instanceof Ticket ? ask.withPermit(origin, effect) : Effect.dieMessage("every permit is a request's"),
    pause: (origin, duration) =>
      Effect.sync(() => {
        onOverload()
        outbox.write({ _tag: "Pause", origin, millis: Duration.toMillis(duration) })
      }),
    report: (origin, signal, beganAtMillis) => Effect.sync(() => report(origin, signal, beganAtMillis)),
    restMillis: (origin, bytes) => {
      if (rests === undefined) {
        return 0
      }
      outbox.write({ _tag: "Received", origin, bytes })
      return rests.millis(origin)
    },
    inUse: () => ({ permits: 0, limit: Number.POSITIVE_INFINITY })
  }
}
