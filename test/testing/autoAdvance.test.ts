import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { autoAdvance, Deadlock } from "halyard/testing"

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

describe("autoAdvance", () => {
  it.effect("runs a program that sleeps, over and over and side by side, to its end", () =>
    Effect.gen(function* () {
      const sleeper = (count: number) => Effect.forEach(Array.from({ length: count }), () => Effect.sleep("1 hour"))
      yield* autoAdvance(Effect.all([sleeper(30), sleeper(5), Effect.sleep("90 minutes")], { concurrency: 3 }))
      assert.strictEqual(yield* now, 30 * 3_600_000)
    })
  )

  it.effect("gives what the program gives, a failure and a defect too", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* autoAdvance(Effect.as(Effect.sleep("1 second"), 42)), 42)
      assert.strictEqual(yield* Effect.flip(autoAdvance(Effect.delay(Effect.fail("no"), "1 second"))), "no")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(autoAdvance(Effect.die("a bug")))))
    })
  )

  it.effect("tells of a program that waits for nothing on the clock, and interrupts it", () =>
    Effect.gen(function* () {
      let interrupted = false
      const exit = yield* Effect.flatMap(Deferred.make<void>(), Deferred.await).pipe(
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            interrupted = true
          })
        ),
        autoAdvance,
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Deadlock)
      assert.isTrue(interrupted)
    })
  )

  const heartbeat = Effect.forever(Effect.sleep("1 second"))

  for (const [how, fork] of [
    ["fork", Effect.fork],
    ["forkDaemon", Effect.forkDaemon],
    ["forkScoped", Effect.forkScoped]
  ] as const) {
    it.scoped(`tells of a program that waits for good beside a heartbeat that it began by ${how}`, () =>
      Effect.gen(function* () {
        const waiting = Effect.zipRight(fork(heartbeat), Effect.flatMap(Deferred.make<void>(), Deferred.await))
        const exit = yield* Effect.exit(autoAdvance(waiting, { roundsAtMost: 50 }))
        assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Deadlock)
      })
    )
  }

  it.effect("reports a deadlock beside the heartbeat of another fiber", () =>
    Effect.gen(function* () {
      const beating = yield* Effect.fork(heartbeat)
      const exit = yield* Effect.exit(
        autoAdvance(Effect.flatMap(Deferred.make<void>(), Deferred.await), { roundsAtMost: 50 })
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Deadlock)
      yield* Fiber.interrupt(beating)
    })
  )

  it.effect("waits for a long sleep beside a heartbeat, and for a fiber that often wakes the program", () =>
    Effect.gen(function* () {
      const beating = yield* Effect.fork(heartbeat)
      const done = yield* Deferred.make<void>()
      yield* Effect.forkDaemon(Effect.delay(Deferred.succeed(done, undefined), "1 minute"))
      yield* autoAdvance(Deferred.await(done), { roundsAtMost: 1 })
      yield* autoAdvance(
        Effect.forEach(Array.from({ length: 20 }), () => Effect.sleep("1 second")),
        { roundsAtMost: 1 }
      )
      yield* Fiber.interrupt(beating)
    })
  )

  const often = Effect.forEach(Array.from({ length: 20 }), () => Effect.sleep("1 second"), { discard: true })

  for (const [how, program] of [
    ["joins", Effect.flatMap(Effect.fork(often), Fiber.join)],
    ["joins as a daemon", Effect.flatMap(Effect.forkDaemon(often), Fiber.join)],
    ["joins through another", Effect.flatMap(Effect.fork(Effect.flatMap(Effect.fork(often), Fiber.join)), Fiber.join)],
    ["runs side by side", Effect.all([often, often, often], { concurrency: 2 })],
    ["races", Effect.race(often, Effect.never)],
    ["limits by a timeout", Effect.timeout(often, "1 hour")]
  ] as const) {
    it.effect(`waits beside a heartbeat for a fiber that it ${how}, however often that one sleeps`, () =>
      Effect.gen(function* () {
        const beating = yield* Effect.fork(heartbeat)
        yield* autoAdvance(program, { roundsAtMost: 3 })
        yield* Fiber.interrupt(beating)
      })
    )
  }

  it.effect("tells of a program that joins a fiber that waits for good beside a heartbeat", () =>
    Effect.gen(function* () {
      const waiting = Effect.zipRight(Effect.fork(heartbeat), Effect.flatMap(Deferred.make<void>(), Deferred.await))
      const exit = yield* Effect.exit(
        autoAdvance(Effect.flatMap(Effect.fork(waiting), Fiber.join), { roundsAtMost: 50 })
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Deadlock)
    })
  )

  it.effect("interrupts the program when it is interrupted", () =>
    Effect.gen(function* () {
      let interrupted = false
      const fiber = yield* Effect.yieldNow().pipe(
        Effect.forever,
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            interrupted = true
          })
        ),
        autoAdvance,
        Effect.fork
      )
      yield* Effect.yieldNow()
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(interrupted)
    })
  )
})
