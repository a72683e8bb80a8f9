/**
 * Runs a program to its end under `TestClock`.
 *
 * @since 0.2.0
 */
import * as Chunk from "effect/Chunk"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberStatus from "effect/FiberStatus"
import * as Option from "effect/Option"
import * as Supervisor from "effect/Supervisor"
import * as TestClock from "effect/TestClock"

/**
 * The program waits, and no sleep on the clock will ever wake it.
 *
 * @category errors
 * @since 0.2.0
 */
export class Deadlock extends Error {
  readonly _tag = "Deadlock"
  override readonly name = "Deadlock"

  constructor(atMillis: number, rounds?: number) {
    super(
      rounds === undefined
        ? `the program waits at ${atMillis} ms of the test clock, and no sleep is pending. Does it wait for a Deferred, a socket or a fiber that never ends?`
        : `the program waits at ${atMillis} ms of the test clock, and ${rounds} rounds of sleeps of other fibers have not woken it. Does it wait for a Deferred, a socket or a fiber that never ends? If it must wait longer for other fibers, raise roundsAtMost.`
    )
  }
}

/**
 * Limits of a program under `autoAdvance`.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /**
   * Maximum number of rounds of sleeps in which neither the program's own fiber continues nor a fiber that it joins or runs
   * (`Fiber.join`, `Effect.all`, `Effect.race`). A round ends when all sleeps that were pending at its start have ended. With a
   * heartbeat of one second, each second is a round, unless another fiber sleeps longer. Default 1000, which take about ten
   * seconds of real time.
   */
  readonly roundsAtMost?: number | undefined
}

const defaults = { roundsAtMost: 1000 }

// How often to check whether a program without a pending sleep continues by itself.
const looksAtMost = 20

/**
 * Runs the program to its end. Whenever it waits, `autoAdvance` moves the `TestClock` to the next sleep. A program that waits
 * without a sleep is interrupted and dies with `Deadlock`. So does a program that waits while only fibers that it does not join,
 * such as a heartbeat, sleep in a loop. The program must not wait for real I/O.
 *
 * An interruption interrupts the program.
 *
 * @category running
 * @since 0.2.0
 */
export const autoAdvance = <A, E, R>(program: Effect.Effect<A, E, R>, options?: Options): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const resumes = new Resumes()
    return Effect.acquireUseRelease(
      Effect.interruptible(program).pipe(Effect.supervised(resumes), Effect.fork),
      (fiber) =>
        Effect.zipRight(advance(fiber, resumes, options?.roundsAtMost ?? defaults.roundsAtMost), Fiber.join(fiber)),
      (fiber) => Fiber.interrupt(fiber)
    )
  })

/** Counts the resumptions of each fiber. */
class Resumes extends Supervisor.AbstractSupervisor<void> {
  private readonly counts = new WeakMap<object, number>()
  private readonly fibers = new Map<number, Member>()
  override readonly value: Effect.Effect<void> = Effect.void

  override onStart<A, E, R>(
    _context: Context.Context<R>,
    _effect: Effect.Effect<A, E, R>,
    parent: Option.Option<Fiber.RuntimeFiber<unknown, unknown>>,
    fiber: Fiber.RuntimeFiber<A, E>
  ): void {
    this.fibers.set(fiber.id().id, { fiber, parent: Option.getOrUndefined(parent)?.id().id })
  }

  override onEnd<A, E>(_value: Exit.Exit<A, E>, fiber: Fiber.RuntimeFiber<A, E>): void {
    this.fibers.delete(fiber.id().id)
  }

  override onResume<A, E>(fiber: Fiber.RuntimeFiber<A, E>): void {
    this.counts.set(fiber, this.of(fiber) + 1)
  }

  of(fiber: object): number {
    return this.counts.get(fiber) ?? 0
  }

  /** Returns the number of resumptions of the fibers that this fiber waits for, directly or indirectly. */
  awaitedBy(fiber: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<number> {
    return Effect.gen(this, function* () {
      const seen = new Set([fiber.id().id])
      const left = Array.from(yield* awaited(fiber))
      let count = 0
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const member = this.fibers.get(id)
        if (member === undefined || seen.has(id)) {
          continue
        }
        seen.add(id)
        count += this.of(member.fiber)
        const next = yield* awaited(member.fiber)
        left.push(...(next.length === 0 ? this.startedBy(id, member) : next))
      }
      return count
    })
  }

  // `Effect.all` waits in a fiber of its own, without names, for the fibers that it starts next: children of the same parent.
  private startedBy(id: number, { parent }: Member): ReadonlyArray<number> {
    return Array.from(this.fibers)
      .filter(([other, member]) => member.parent === id || (member.parent === parent && other > id))
      .map(([other]) => other)
  }
}

interface Member {
  readonly fiber: Fiber.RuntimeFiber<unknown, unknown>
  readonly parent: number | undefined
}

/** Returns the fibers that this fiber waits for. For a sleep or a `Deferred` that it made, this is the fiber itself. */
const awaited = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<ReadonlyArray<number>> =>
  Effect.map(Fiber.status(fiber), (status) =>
    FiberStatus.isSuspended(status) ? Array.from(FiberId.ids(status.blockingOn)) : []
  )

const advance = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, resumes: Resumes, roundsAtMost: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    let looks = 0
    let rounds = 0
    let roundEndsAt = Number.NEGATIVE_INFINITY
    let resumed = 0
    let awaitedResumed = 0
    for (;;) {
      // Lets all fibers run until they wait.
      yield* TestClock.adjust(0)
      if (Option.isSome(yield* Fiber.poll(fiber))) {
        return
      }
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const later = Chunk.filter(yield* TestClock.sleeps(), (atMillis) => atMillis > now)
      if (Chunk.isEmpty(later)) {
        if (looks >= looksAtMost) {
          return yield* Effect.die(new Deadlock(now))
        }
        looks++
        continue
      }
      looks = 0
      if (resumes.of(fiber) > resumed) {
        resumed = resumes.of(fiber)
        rounds = 0
        roundEndsAt = Chunk.reduce(later, now, Math.max)
      } else if (now >= roundEndsAt) {
        const count = yield* resumes.awaitedBy(fiber)
        rounds = count === awaitedResumed ? rounds + 1 : 0
        awaitedResumed = count
        roundEndsAt = Chunk.reduce(later, now, Math.max)
      }
      if (rounds > roundsAtMost) {
        return yield* Effect.die(new Deadlock(now, roundsAtMost))
      }
      yield* TestClock.setTime(Chunk.reduce(later, Number.POSITIVE_INFINITY, (a, b) => Math.min(a, b)))
    }
  })
