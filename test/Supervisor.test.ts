import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Supervisor from "../src/Supervisor.js"

/** A companion that counts how often it began and how often it ended by interruption. */
const makeCompanion = Effect.map(Ref.make({ begun: 0, interrupted: 0 }), (counts) => ({
  counts: Ref.get(counts),
  effect: Ref.update(counts, (before) => ({ ...before, begun: before.begun + 1 })).pipe(
    Effect.zipRight(Effect.sleep("1 hour")),
    Effect.onInterrupt(() => Ref.update(counts, (before) => ({ ...before, interrupted: before.interrupted + 1 })))
  )
}))

describe("Supervisor", () => {
  it.effect("interrupts the companion when the work succeeds, and returns the value of the work", () =>
    Effect.gen(function* () {
      const companion = yield* makeCompanion
      const fiber = yield* Effect.fork(
        Supervisor.supervise(Effect.as(Effect.sleep("3 seconds"), 42), { companions: { companion: companion.effect } })
      )
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 42)
      assert.deepStrictEqual(yield* companion.counts, { begun: 1, interrupted: 1 })
    })
  )

  it.effect("interrupts the companion when the work fails, and fails with its error", () =>
    Effect.gen(function* () {
      const companion = yield* makeCompanion
      const error = yield* Effect.yieldNow().pipe(
        Effect.zipRight(Effect.fail("broken")),
        Supervisor.supervise({ companions: { companion: companion.effect } }),
        Effect.flip
      )
      assert.strictEqual(error, "broken")
      assert.deepStrictEqual(yield* companion.counts, { begun: 1, interrupted: 1 })
    })
  )

  it.effect("interrupts the companion when the work dies", () =>
    Effect.gen(function* () {
      const companion = yield* makeCompanion
      const exit = yield* Effect.yieldNow().pipe(
        Effect.zipRight(Effect.die("bug")),
        Supervisor.supervise({ companions: { companion: companion.effect } }),
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* companion.counts, { begun: 1, interrupted: 1 })
    })
  )

  it.effect("interrupts work and companions when the caller is interrupted, and waits for their finalizers", () =>
    Effect.gen(function* () {
      const companion = yield* makeCompanion
      const finalized = yield* Ref.make(false)
      const work = Effect.never.pipe(
        Effect.onInterrupt(() => Effect.zipRight(Effect.yieldNow(), Ref.set(finalized, true)))
      )
      const fiber = yield* Effect.fork(Supervisor.supervise(work, { companions: { companion: companion.effect } }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* Ref.get(finalized))
      assert.deepStrictEqual(yield* companion.counts, { begun: 1, interrupted: 1 })
    })
  )

  it.effect("lets an uninterruptible step of the work end before the caller's finalizers run", () =>
    Effect.gen(function* () {
      const steps = yield* Ref.make<ReadonlyArray<string>>([])
      const step = (name: string) => Ref.update(steps, (before) => [...before, name])
      const entered = yield* Deferred.make<void>()
      const work = Effect.uninterruptible(
        Deferred.succeed(entered, undefined).pipe(
          Effect.zipRight(Effect.sleep("1 second")),
          Effect.zipRight(step("published"))
        )
      )
      const fiber = yield* Supervisor.supervise(work, { companions: { companion: Effect.never } }).pipe(
        Effect.ensuring(step("finalized")),
        Effect.fork
      )
      yield* Deferred.await(entered)
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(yield* Ref.get(steps), ["published", "finalized"])
    })
  )

  it.effect("passes its children to onStart before the work begins", () =>
    Effect.gen(function* () {
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      yield* Supervisor.supervise(
        Ref.update(seen, (before) => [...before, "work"]),
        {
          companions: { spinner: Effect.never },
          onStart: (children) =>
            Effect.forEach(
              children,
              (child) =>
                Effect.flatMap(Supervisor.describe(child), (text) => Ref.update(seen, (before) => [...before, text])),
              { discard: true }
            )
        }
      )
      const [description, work] = yield* Ref.get(seen)
      assert.match(description ?? "", /^spinner object: Fiber\(#\d+, (running|suspended)\)$/)
      assert.strictEqual(work, "work")
    })
  )

  it.effect("continues the work when a companion dies", () =>
    Effect.gen(function* () {
      const result = yield* Effect.yieldNow().pipe(
        Effect.as("done"),
        Supervisor.supervise({ companions: { companion: Effect.die("bug in a companion") } })
      )
      assert.strictEqual(result, "done")
    })
  )

  it.effect("does not close what the work acquired in the caller's scope", () =>
    Effect.gen(function* () {
      const open = yield* Ref.make(false)
      const acquired = Effect.acquireRelease(Ref.set(open, true), () => Ref.set(open, false))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Supervisor.supervise(acquired, { companions: { companion: Effect.never } })
          assert.isTrue(yield* Ref.get(open))
        })
      )
      assert.isFalse(yield* Ref.get(open))
    })
  )

  it.effect("interrupts its companions in an uninterruptible caller too", () =>
    Effect.gen(function* () {
      const companion = yield* makeCompanion
      const fiber = yield* Effect.sleep("1 second").pipe(
        Supervisor.supervise({ companions: { companion: companion.effect } }),
        Effect.uninterruptible,
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* companion.counts, { begun: 1, interrupted: 1 })
    })
  )
})
