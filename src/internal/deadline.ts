/**
 * A bound on a wait.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

// A timer beyond this fires at once, or never.
const longestMillis = 2 ** 31 - 1

// A busy process is late too, but not that late.
const standstillMillis = 1000

/**
 * Interrupts the effect, waits until it has ended, and fails, when it takes longer than this. An effect that succeeds in
 * that moment has succeeded.
 */
export const within =
  <E2>(duration: Duration.Duration, onTimeout: () => E2) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        let over = false
        // Interruptible also where the caller is not: a limit that cannot interrupt is none. An interruption of the
        // caller reaches the work through `onInterrupt` alone.
        const work = yield* Effect.fork(Effect.interruptible(effect))
        const self = yield* Effect.fiberId
        const watch = yield* expiry(Math.min(Duration.toMillis(duration), longestMillis)).pipe(
          Effect.zipRight(
            Effect.suspend(() => {
              over = true
              return Fiber.interruptAsFork(work, self)
            })
          ),
          Effect.interruptible,
          Effect.fork
        )
        const exit = yield* restore(Fiber.await(work)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(work)),
          Effect.ensuring(Fiber.interrupt(watch))
        )
        return yield* over && Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
          ? Effect.fail(onTimeout())
          : exit
      })
    )

/**
 * Waits that long, and again as long as this process stood still where it did (a laptop asleep, a job stopped with
 * Ctrl-Z): an answer may have come that nobody has looked at.
 */
const expiry = (millis: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)
    const before = yield* now
    yield* Effect.sleep(millis)
    const late = (yield* now) - before - millis
    if (late > standstillMillis) {
      yield* Effect.sleep(Math.min(late, millis))
    }
  })
