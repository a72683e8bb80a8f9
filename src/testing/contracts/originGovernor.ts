/**
 * The contract of `OriginGovernor`.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestContext from "effect/TestContext"
import type { ConcurrencyLimit, OriginGovernor, Permit, PermitOptions, Report } from "../../OriginGovernor.js"
import { autoAdvance } from "../autoAdvance.js"
import { type Case, expect } from "./Case.js"

type Governor = typeof OriginGovernor.Service

/** The limits of a governor under test. A limit that is left out does not apply. */
export interface GovernorLimits {
  /** Permits in all. */
  readonly concurrency?: number | undefined
  /** Permits at one origin. */
  readonly perOrigin?: number | undefined
}

/** A call of `acquire`, and its permit as soon as it has one. */
interface Caller {
  permit: Permit | undefined
  readonly fiber: Fiber.RuntimeFiber<unknown>
}

const [a, b] = ["http://a.test", "http://b.test"] as const

// Much more than a governor needs to give out a permit, also if it asks another process. The clock is virtual.
const settle = Effect.sleep("1 second")

const report = (governor: Governor, origin: string, options: Omit<Report, "beganAtMillis">): Effect.Effect<void> =>
  Effect.clockWith((clock) =>
    Effect.suspend(() =>
      governor.report(origin, { beganAtMillis: Number(clock.unsafeCurrentTimeNanos()) / 1e6, ...options })
    )
  )

const hasPermit = (caller: Caller, expected: string) => expect(caller.permit !== undefined, expected, "no permit")

const waits = (caller: Caller, expected: string) => expect(caller.permit === undefined, expected, "a permit")

const isInUse = (governor: Governor, permits: number, origin?: string) =>
  Effect.suspend(() => {
    const found = governor.inUse(origin)
    return expect(
      found.permits === permits,
      `inUse(${origin === undefined ? "" : `"${origin}"`}) to count ${permits} permits`,
      found.permits
    )
  })

/**
 * The contract of `OriginGovernor`. `make` gives a governor with these limits, on the clock in its context, which is virtual. It is
 * run for each case.
 *
 * @category contracts
 * @since 0.2.0
 */
export const originGovernor = (
  make: (limits: GovernorLimits) => Effect.Effect<Governor, unknown, Scope.Scope>
): ReadonlyArray<Case> => {
  type Acquire = (origin: string, options?: PermitOptions) => Effect.Effect<Caller, never, Scope.Scope>
  const at = (
    title: string,
    limits: GovernorLimits,
    body: (governor: Governor, acquire: Acquire) => Effect.Effect<void, unknown, Scope.Scope>
  ): Case => ({
    title,
    check: Effect.gen(function* () {
      const governor = yield* make(limits)
      const callers: Array<Caller> = []
      const acquire: Acquire = (origin, options) =>
        Effect.gen(function* () {
          const asking = Effect.map(
            Effect.suspend(() => governor.acquire(origin, options)),
            (permit) => {
              caller.permit = permit
            }
          )
          const caller: Caller = { permit: undefined, fiber: yield* Effect.forkScoped(Effect.uninterruptible(asking)) }
          callers.push(caller)
          yield* settle
          return caller
        })
      // Before the scope ends the callers: a wait that cannot be interrupted ends only with a permit.
      const releaseAll = Effect.forEach(
        callers,
        (caller) =>
          Effect.zipRight(
            Effect.sync(() => caller.permit?.release()),
            settle
          ),
        { discard: true }
      )
      yield* Effect.ensuring(body(governor, acquire), releaseAll)
    }).pipe(Effect.scoped, autoAdvance, Effect.provide(TestContext.TestContext))
  })

  return [
    at("gives a free permit at once, and counts it until it is released", {}, (governor, acquire) =>
      Effect.gen(function* () {
        yield* isInUse(governor, 0)
        const first = yield* acquire(a)
        const second = yield* acquire(b)
        yield* hasPermit(first, "a permit for a caller, without a limit")
        yield* hasPermit(second, "a permit for a second caller, without a limit")
        yield* isInUse(governor, 2)
        yield* isInUse(governor, 1, a)
        first.permit?.release()
        yield* isInUse(governor, 1)
        yield* isInUse(governor, 0, a)
        second.permit?.release()
        yield* isInUse(governor, 0)
      })
    ),
    at("keeps the limit of permits in all, over all origins", { concurrency: 2 }, (governor, acquire) =>
      Effect.gen(function* () {
        const first = yield* acquire(a)
        yield* acquire(b)
        const third = yield* acquire("http://c.test")
        yield* waits(third, "a third caller to wait, because the limit in all is 2 permits")
        yield* isInUse(governor, 2)
        const { limit } = governor.inUse()
        yield* expect(limit === 2, "inUse() to tell the limit 2", limit)
        const { obstacle } = governor.inUse()
        yield* expect(obstacle === "concurrency", 'inUse() to tell the obstacle "concurrency"', obstacle)
        first.permit?.release()
        yield* settle
        yield* hasPermit(third, "a permit for the waiting caller after another permit was released")
      })
    ),
    at(
      "keeps the limit of permits at one origin, and gives other origins theirs",
      { perOrigin: 1 },
      (governor, acquire) =>
        Effect.gen(function* () {
          const first = yield* acquire(a)
          const second = yield* acquire(a)
          yield* waits(second, "a second caller of an origin to wait, because the limit of an origin is 1 permit")
          yield* hasPermit(yield* acquire(b), "a permit of another origin while a caller waits for its own")
          const { limit } = governor.inUse(a)
          yield* expect(limit === 1, "inUse(origin) to tell the limit 1", limit)
          const { obstacle } = governor.inUse(a)
          yield* expect(obstacle === "origin", 'inUse(origin) to tell the obstacle "origin"', obstacle)
          first.permit?.release()
          yield* settle
          yield* hasPermit(second, "a permit for the waiting caller after the permit of its origin was released")
        })
    ),
    at("keeps the `concurrencyLimit` of callers, and no other caller waits for it", {}, (_, acquire) =>
      Effect.gen(function* () {
        const concurrencyLimit: ConcurrencyLimit = { limit: 1, used: 0 }
        const first = yield* acquire(a, { concurrencyLimit })
        yield* expect(concurrencyLimit.used === 1, "`used` to be 1 while one permit is held", concurrencyLimit.used)
        const second = yield* acquire(b, { concurrencyLimit })
        yield* waits(second, "a second caller with the same `concurrencyLimit` of 1 to wait")
        yield* hasPermit(yield* acquire(b), "a permit for a caller without that `concurrencyLimit`")
        first.permit?.release()
        yield* settle
        yield* hasPermit(second, "a permit for the caller that waited for its `concurrencyLimit`")
        second.permit?.release()
        yield* settle
        yield* expect(
          concurrencyLimit.used === 0,
          "`used` to be 0 after all permits were released",
          concurrencyLimit.used
        )
      })
    ),
    at("serves waiting callers in the order in which they came", { concurrency: 1 }, (_, acquire) =>
      Effect.gen(function* () {
        const callers = [yield* acquire(a), yield* acquire(b), yield* acquire(a), yield* acquire(b)]
        for (const [index, caller] of callers.entries()) {
          yield* hasPermit(caller, `the permit for caller ${index + 1} of ${callers.length}, which came next`)
          for (const later of callers.slice(index + 1)) {
            yield* waits(later, `a later caller to wait while caller ${index + 1} holds the only permit`)
          }
          caller.permit?.release()
          yield* settle
        }
      })
    ),
    at("lets a wait be interrupted, which leaves nothing behind", { concurrency: 1 }, (governor, acquire) =>
      Effect.gen(function* () {
        const holder = yield* acquire(a)
        const interrupted = yield* acquire(a)
        const next = yield* acquire(a)
        yield* Fiber.interruptFork(interrupted.fiber)
        yield* settle
        yield* expect(interrupted.fiber.unsafePoll() !== null, "an interrupted wait to end", "a fiber that still waits")
        holder.permit?.release()
        yield* settle
        yield* waits(interrupted, "no permit for a caller that was interrupted")
        yield* hasPermit(next, "the permit for the caller after the one that was interrupted")
        next.permit?.release()
        yield* settle
        yield* isInUse(governor, 0)
      })
    ),
    at("loses no permit that is granted as its wait is interrupted", { concurrency: 1 }, (governor, acquire) =>
      Effect.gen(function* () {
        for (const isReleasedFirst of [true, false]) {
          const holder = yield* acquire(a)
          const waiting = yield* acquire(a)
          const release = Effect.sync(() => holder.permit?.release())
          const interrupt = Fiber.interruptFork(waiting.fiber)
          yield* isReleasedFirst ? Effect.zipRight(release, interrupt) : Effect.zipRight(interrupt, release)
          yield* settle
          waiting.permit?.release()
          yield* settle
          yield* isInUse(governor, 0)
          const next = yield* acquire(a)
          yield* hasPermit(next, "a permit after a release and an interruption in the same moment")
          next.permit?.release()
          yield* settle
        }
      })
    ),
    at("releases a permit once, however often `release` is called", { concurrency: 1 }, (governor, acquire) =>
      Effect.gen(function* () {
        const first = yield* acquire(a)
        first.permit?.release()
        const second = yield* acquire(a)
        first.permit?.release()
        yield* settle
        yield* isInUse(governor, 1)
        yield* waits(
          yield* acquire(a),
          "a caller to wait: the only permit is held, and the one before was released twice"
        )
        second.permit?.release()
      })
    ),
    at(
      "allows another request under a permit, but not while another caller waits, or after its release",
      { perOrigin: 1 },
      (governor, acquire) =>
        Effect.gen(function* () {
          const holder = yield* acquire(a)
          yield* expect(holder.permit?.tryReuse() === true, "tryReuse() to be true while no other caller waits", false)
          const waiting = yield* acquire(a)
          yield* expect(holder.permit?.tryReuse() === false, "tryReuse() to be false while another caller waits", true)
          holder.permit?.release()
          yield* settle
          yield* expect(holder.permit?.tryReuse() === false, "tryReuse() to be false after the release", true)
          yield* report(governor, a, { signal: "neutral", pauseMillis: 60_000 })
          yield* expect(waiting.permit?.tryReuse() === false, "tryReuse() to be false while the origin is paused", true)
          yield* Effect.sleep("61 seconds")
          yield* expect(waiting.permit?.tryReuse() === true, "tryReuse() to be true after the pause", false)
        })
    ),
    at(
      "gives an idle permit only if one is free, and counts it",
      { concurrency: 2, perOrigin: 1 },
      (governor, acquire) =>
        Effect.gen(function* () {
          const idle = governor.tryAcquireIdle(a, () => {})
          yield* expect(idle !== undefined, "an idle permit while all permits are free", "undefined")
          yield* isInUse(governor, 1, a)
          const second = governor.tryAcquireIdle(a, () => {})
          yield* expect(second === undefined, "no idle permit of an origin that has none left", "a permit")
          yield* acquire(b)
          const third = governor.tryAcquireIdle("http://c.test", () => {})
          yield* expect(third === undefined, "no idle permit if all permits are in use", "a permit")
          idle?.release()
          yield* settle
          yield* isInUse(governor, 0, a)
          const concurrencyLimit: ConcurrencyLimit = { limit: 1, used: 1 }
          const fourth = governor.tryAcquireIdle(a, () => {}, { concurrencyLimit })
          yield* expect(fourth === undefined, "no idle permit if its `concurrencyLimit` has none left", "a permit")
        })
    ),
    at(
      "asks once for an idle permit when a caller waits for it",
      { concurrency: 2, perOrigin: 1 },
      (governor, acquire) =>
        Effect.gen(function* () {
          let wanted = 0
          const idle = governor.tryAcquireIdle(a, () => {
            wanted++
          })
          const other = yield* acquire(b)
          const useless = yield* acquire(b)
          yield* expect(
            wanted === 0,
            "no call of `onWanted` for a caller that needs a permit of another origin",
            wanted
          )
          const caller = yield* acquire(a)
          yield* waits(caller, "a caller to wait until the idle permit is released")
          const later = yield* acquire(a)
          yield* expect(wanted === 1, "one call of `onWanted` while callers wait for the idle permit", wanted)
          idle?.release()
          yield* settle
          yield* hasPermit(caller, "a permit for the caller that waited for the idle one")
          caller.permit?.release()
          other.permit?.release()
          yield* settle
          yield* hasPermit(useless, "a permit for the caller of the other origin")
          yield* hasPermit(later, "a permit for the last caller")
          yield* expect(wanted === 1, "no call of `onWanted` after the idle permit was released", wanted)
        })
    ),
    at(
      "pauses an origin for all its callers, and no other origin",
      { concurrency: 2, perOrigin: 1 },
      (governor, acquire) =>
        Effect.gen(function* () {
          const parked: Array<boolean> = []
          const holder = yield* acquire(a)
          const earlier = yield* acquire(a, { onParked: (isParked) => parked.push(isParked) })
          yield* report(governor, a, { signal: "neutral", pauseMillis: 60_000 })
          yield* report(governor, a, { signal: "neutral", pauseMillis: 1000 })
          holder.permit?.release()
          yield* Effect.sleep("30 seconds")
          yield* waits(earlier, "a caller that waited before the pause to wait until it ends")
          const idle = governor.tryAcquireIdle(a, () => {})
          yield* expect(idle === undefined, "no idle permit of a paused origin", "a permit")
          const other = yield* acquire(b)
          yield* hasPermit(other, "a permit of another origin during the pause")
          other.permit?.release()
          yield* expect(
            parked.join() === "true",
            "`onParked` to be called once, with true, during the pause",
            parked.join()
          )
          yield* Effect.sleep("60 seconds")
          yield* hasPermit(earlier, "a permit after the pause")
          yield* expect(
            parked.join() === "true,false",
            "`onParked` to be called with false when the wait for the origin ends",
            parked.join()
          )
        })
    ),
    at("takes reports of every kind, and gives permits after them", { perOrigin: 4 }, (governor, acquire) =>
      Effect.gen(function* () {
        const holder = yield* acquire(a)
        for (const signal of ["success", "neutral", "overload"] as const) {
          yield* report(governor, a, { signal })
        }
        yield* report(governor, "http://unknown.test", { signal: "overload", pauseMillis: 0 })
        const { limit } = governor.inUse(a)
        yield* expect(limit >= 1 && limit <= 4, "a limit from 1 to 4 permits after an overload", limit)
        holder.permit?.release()
        yield* Effect.sleep("1 hour")
        yield* hasPermit(yield* acquire(a), "a permit of the origin, an hour after its overload")
        yield* hasPermit(
          yield* acquire("http://unknown.test"),
          "a permit of an origin after a report of no known attempt"
        )
      })
    ),
    at("tells how long a receiver must rest, as a number of milliseconds", {}, (governor) =>
      Effect.gen(function* () {
        for (const bytes of [0, 1, 65_536]) {
          const rest = governor.restMillis(a, bytes)
          yield* expect(rest >= 0 && Number.isFinite(rest), "a finite number of milliseconds from 0 on", rest)
        }
      })
    )
  ]
}
