import { assert, describe, it } from "@effect/vitest"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import { PCGRandom } from "effect/Utils"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import { World } from "../../src/testing/World.js"
import { a, jobs, now, withPermit } from "../support/transport/permits.js"

/** A world whose timers have a granularity of a millisecond and are up to 15 ms late, as those of a busy process. */
const inLateWorld = <A, E>(effect: Effect.Effect<A, E>): A => {
  const world = new World(1, { preemption: 0 })
  const random = new PCGRandom(1)
  const late: Clock.Clock = {
    ...world.clock,
    sleep: (duration) =>
      world.clock.sleep(Duration.millis(Math.ceil(Duration.toMillis(duration)) + random.number() * 15))
  }
  const ending = world.run(Effect.withClock(effect, late))
  if (ending._tag !== "done" || Exit.isFailure(ending.exit)) {
    throw new Error(`it ended as ${ending._tag}`)
  }
  return ending.exit.value
}

describe("rates, with timers that are late", () => {
  for (const rate of [10_000, 1_000_000, 10_000_000, 50_000_000, 500_000_000]) {
    it(`${rate} bytes a second are kept within 3 %`, () => {
      const seconds = inLateWorld(
        Effect.gen(function* () {
          const governor = yield* OriginGovernor.make({ bytesPerSecond: rate })
          const chunkBytes = Math.min(65_536, rate / 10)
          for (let leftBytes = rate * 5; leftBytes > 0; leftBytes -= chunkBytes) {
            const millis = governor.restMillis(a, chunkBytes)
            yield* millis === 0 ? Effect.void : Effect.sleep(millis)
          }
          return (yield* now) / 1000
        })
      )
      assert.closeTo(seconds, 5, 5 * 0.03)
    })
  }

  for (const rate of [2, 200, 10_000]) {
    it(`${rate} requests a second are kept within 3 %`, () => {
      const seconds = inLateWorld(
        Effect.gen(function* () {
          const governor = yield* OriginGovernor.make({ requestsPerSecond: rate })
          yield* Effect.forEach(Array.from({ length: rate * 5 + 1 }), () => withPermit(governor, a)(Effect.void), {
            concurrency: 64,
            discard: true
          })
          return (yield* now) / 1000
        })
      )
      assert.closeTo(seconds, 5, 5 * 0.03)
    })
  }

  it.effect("do not accumulate while there is no caller", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ requestsPerSecond: 10, bytesPerSecond: 1000 })
      yield* jobs(governor, [a, a])
      const start = yield* now
      const { began } = yield* jobs(governor, [a, a, a])
      assert.deepStrictEqual(
        began.map((at) => at - start),
        [0, 100, 200]
      )
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(governor.restMillis(a, 1000), 1000)
    })
  )
})
