import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import { executions } from "../support/executions.js"
import { a, b, pause, withPermit } from "../support/transport/permits.js"

describe("the cost of a permit", () => {
  /** The number of reads of the limit for each of `count` callers, which get its only permit one after the other. */
  const readsEach = (count: number) =>
    Effect.gen(function* () {
      let reads = 0
      let used = 0
      const concurrencyLimit: OriginGovernor.ConcurrencyLimit = {
        limit: 1,
        get used() {
          reads++
          return used
        },
        set used(value) {
          used = value
        }
      }
      const governor = yield* OriginGovernor.make()
      yield* Effect.forEach(
        Array.from({ length: count }, (_, index) => (index % 2 === 0 ? a : b)),
        (origin) => withPermit(governor, origin, { concurrencyLimit })(Effect.yieldNow()),
        { concurrency: "unbounded", discard: true }
      )
      return reads / count
    })

  it.effect("does not grow with the number of waiting callers", () =>
    Effect.gen(function* () {
      const [few, many] = [yield* readsEach(100), yield* readsEach(10_000)]
      assert.isAtMost(many, few * 1.2)
    })
  )

  it.effect("is one timer for all callers that wait for a time, however many", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ requestsPerSecond: 200 })
      const before = Chunk.size(yield* TestClock.sleeps())
      const waiting = yield* Effect.forEach(Array.from({ length: 4000 }), () =>
        Effect.fork(withPermit(governor, a)(Effect.void))
      )
      yield* TestClock.adjust(0)
      assert.strictEqual(Chunk.size(yield* TestClock.sleeps()) - before, 1)
      yield* Fiber.interruptAll(waiting)
    })
  )

  it.effect("does not grow with the number of origins that are paused", () =>
    Effect.gen(function* () {
      const executionsFor = (count: number) =>
        Effect.gen(function* () {
          const governor = yield* OriginGovernor.make()
          const names = Array.from({ length: count }, (_, index) => `http://${index}.test`)
          return yield* Effect.promise(() =>
            executions("/src/OriginGovernor", () => {
              for (const name of names) {
                Effect.runSync(pause(governor, name, 3_600_000))
              }
            })
          )
        })
      const [few, many] = [yield* executionsFor(2000), yield* executionsFor(8000)]
      assert.isAbove(few, 2000)
      // 4 times as many callers: 16 times as many if each of them checked all the others.
      assert.isBelow(many / few, 6)
    })
  )

  it.effect("of a pause does not grow with the number of callers that wait for the origin already", () =>
    Effect.gen(function* () {
      const executionsFor = (count: number) =>
        Effect.gen(function* () {
          const governor = yield* OriginGovernor.make({ concurrency: 1, perOrigin: 4 })
          // While this permit is held, a caller of another origin waits for a permit, and not for its origin.
          let permit = yield* governor.acquire(b)
          const waiting = yield* Effect.forEach(Array.from({ length: count }), () =>
            Effect.fork(withPermit(governor, a)(Effect.void))
          )
          yield* TestClock.adjust(1)
          let sum = 0
          for (let pauses = 0; pauses < 10; pauses++) {
            const executed = yield* Effect.promise(() =>
              executions("/src/OriginGovernor/", () => {
                Effect.runSync(pause(governor, a, 10))
                permit.release()
                permit = Effect.runSync(governor.acquire(b))
              })
            )
            // The first pause is for all callers.
            sum += pauses === 0 ? 0 : executed
            yield* TestClock.adjust(11)
          }
          yield* Fiber.interruptAll(waiting)
          return sum
        })
      const [few, many] = [yield* executionsFor(10), yield* executionsFor(1000)]
      assert.isAbove(few, 10)
      assert.isBelow(many / few, 2)
    })
  )
})
