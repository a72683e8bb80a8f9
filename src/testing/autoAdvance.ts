/**
 * Runs a program to its end under `TestClock`.
 *
 * @since 0.2.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"

/**
 * The program waits, and nothing on the clock will ever wake it.
 *
 * @category errors
 * @since 0.2.0
 */
export class Deadlock extends Error {
  readonly _tag = "Deadlock"
  override readonly name = "Deadlock"

  constructor(atMillis: number) {
    super(
      `the program waits at ${atMillis} ms of the test clock, and no sleep of it is left: for a Deferred, a socket or a fiber that nobody wakes?`
    )
  }
}

// So often it is looked again whether a program that sleeps nowhere goes on by itself.
const looksAtMost = 20

/**
 * Runs the program, and moves the `TestClock` straight to its next sleep whenever it waits, until it is done. A
 * program that waits without a sleep is interrupted, and dies with `Deadlock`. It must not wait for real I/O.
 *
 * An interruption interrupts the program.
 *
 * @category running
 * @since 0.2.0
 */
export const autoAdvance = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.interruptible(program).pipe(Effect.fork),
    (fiber) => Effect.zipRight(advance(fiber, 0), Fiber.join(fiber)),
    (fiber) => Fiber.interrupt(fiber)
  )

const advance = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, looks: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    // Lets everything run that can.
    yield* TestClock.adjust(0)
    if (Option.isSome(yield* Fiber.poll(fiber))) {
      return
    }
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    const later = Chunk.filter(yield* TestClock.sleeps(), (atMillis) => atMillis > now)
    if (Chunk.isEmpty(later)) {
      return yield* looks < looksAtMost ? advance(fiber, looks + 1) : Effect.die(new Deadlock(now))
    }
    yield* TestClock.setTime(Chunk.reduce(later, Number.POSITIVE_INFINITY, (a, b) => Math.min(a, b)))
    yield* advance(fiber, 0)
  })
