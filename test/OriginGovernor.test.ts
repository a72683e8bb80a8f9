import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as OriginGovernor from "../src/OriginGovernor.js"
import { World } from "../src/testing/World.js"

const [a, b] = ["http://a.test", "http://b.test"]

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

/** Runs jobs of a second, each at its origin; when each began, and the most at a time. */
const jobs = (
  governor: typeof OriginGovernor.OriginGovernor.Service,
  origins: ReadonlyArray<string>,
  gate?: OriginGovernor.Gate
) =>
  Effect.gen(function* () {
    let inside = 0
    let most = 0
    const began: Array<number> = []
    const fiber = yield* Effect.fork(
      Effect.forEach(
        origins,
        (origin, index) =>
          governor.withPermit(origin, { gate })(
            Effect.gen(function* () {
              inside++
              most = Math.max(most, inside)
              began[index] = yield* now
              yield* Effect.sleep("1 second")
              inside--
            })
          ),
        { concurrency: "unbounded", discard: true }
      )
    )
    yield* TestClock.adjust("1 hour")
    yield* Fiber.join(fiber)
    return { began, most }
  })

describe("OriginGovernor", () => {
  it.effect("gives N permits in all, in the order in which they were asked for", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ concurrency: 2 })
      const { began, most } = yield* jobs(governor, [a, b, a, b, a])
      assert.strictEqual(most, 2)
      assert.deepStrictEqual(began, [0, 0, 1000, 1000, 2000])
      assert.strictEqual(governor.inUse().permits, 0)
    })
  )

  it.effect("gives M permits of one origin, and others their own meanwhile", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 1 })
      const { began } = yield* jobs(governor, [a, a, a, b, b])
      assert.deepStrictEqual(began, [0, 1000, 2000, 0, 1000])
    })
  )

  it.effect("keeps the limit of a gate too", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make()
      const gate = { limit: 3, used: 0 }
      assert.strictEqual((yield* jobs(governor, [a, a, b, b, a, a, a], gate)).most, 3)
      assert.strictEqual(gate.used, 0)
    })
  )

  it.effect("pauses an origin for everyone, and nobody else, and holds no permit meanwhile", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ concurrency: 1 })
      yield* governor.pause(a, "10 seconds")
      const { began } = yield* jobs(governor, [a, b, a])
      assert.deepStrictEqual(began.slice(1, 2), [0])
      assert.deepStrictEqual([began[0], began[2]].sort(), [10_000, 11_000])
    })
  )

  it.effect("pauses those who wait already", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 1 })
      yield* Effect.fork(Effect.zipRight(Effect.sleep("500 millis"), governor.pause(a, "10 seconds")))
      const { began } = yield* jobs(governor, [a, a])
      assert.deepStrictEqual(began, [0, 10_500])
    })
  )

  it.effect("says who waits for an origin, so that others go on", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 1 })
      const told: Array<boolean> = []
      const hold = yield* Effect.fork(governor.withPermit(a)(Effect.sleep("1 second")))
      yield* Effect.yieldNow()
      const wait = yield* Effect.fork(governor.withPermit(a, { onParked: (is) => told.push(is) })(Effect.void))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(hold)
      yield* Fiber.join(wait)
      assert.deepStrictEqual(told, [true, false])
    })
  )

  it.effect("keeps requests apart by the rates, in all and at one origin", () =>
    Effect.gen(function* () {
      const inAll = yield* OriginGovernor.make({ requestsPerSecond: 2 })
      assert.deepStrictEqual(
        (yield* jobs(inAll, [a, b, a])).began.sort((x, y) => x - y),
        [0, 500, 1000]
      )
      const each = yield* OriginGovernor.make({ requestsPerSecondPerOrigin: 2 })
      const start = yield* now
      const { began } = yield* jobs(each, [a, b, a])
      assert.deepStrictEqual(
        began.map((at) => at - start).sort((x, y) => x - y),
        [0, 0, 500]
      )
    })
  )

  it.effect("lets a receiver rest for the sake of the byte rates", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ bytesPerSecond: 1000, bytesPerSecondPerOrigin: 100 })
      assert.strictEqual(governor.restMillis(a, 100), 1000)
      assert.strictEqual(governor.restMillis(b, 10), 110)
      assert.strictEqual((yield* OriginGovernor.make()).restMillis(a, 10 ** 9), 0)
    })
  )

  it.effect("halves what an origin gets when it has too much, and gives one more at a time while it bears it", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 16 })
      const limit = () => governor.inUse(a).limit
      const holding = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 16 }), () => governor.withPermit(a)(Effect.sleep("1 hour")), {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust("1 millis")
      yield* governor.report(a, "overload")
      assert.strictEqual(limit(), 8)
      // Of one overload many tell.
      yield* governor.report(a, "overload")
      assert.strictEqual(limit(), 8)
      yield* TestClock.adjust("2 seconds")
      yield* governor.report(a, "overload")
      assert.strictEqual(limit(), 4)
      assert.strictEqual(governor.inUse(b).limit, 16)
      yield* Effect.forEach(Array.from({ length: 4 }), () => governor.report(a, "success"))
      assert.strictEqual(limit(), 5)
      yield* Fiber.interrupt(holding)
      assert.strictEqual(governor.inUse().permits, 0)
    })
  )

  it.effect("gives a spare permit where there is one, and asks for it back when somebody has to wait", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ concurrency: 3, perOrigin: 2 })
      const wanted: Array<string> = []
      const spare = (origin: string, name: string) => governor.atOnce?.spare?.(origin, () => wanted.push(name))
      const first = spare(a, "first")
      const second = spare(a, "second")
      assert.isUndefined(spare(a, "third"))
      const other = spare(b, "other")
      assert.isUndefined(spare(b, "another"))
      // The origin has no more: one of the other's does not help.
      const waiting = yield* Effect.fork(governor.withPermit(a)(Effect.void))
      yield* Effect.yieldNow()
      assert.deepStrictEqual(wanted, ["second"])
      second?.()
      yield* Fiber.join(waiting)
      first?.()
      other?.()
      assert.strictEqual(governor.inUse().permits, 0)
      assert.deepStrictEqual(wanted, ["second"])
    })
  )

  it.effect("lets who has a permit ask again, but not an origin that is left alone or has too much", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ requestsPerSecond: 10 })
      const again = () => governor.atOnce?.again?.(a)
      const releases = [1, 2].map(() => governor.atOnce?.permit(a))
      assert.isDefined(releases[0])
      assert.isUndefined(releases[1])
      assert.isFalse(again())
      yield* TestClock.adjust("100 millis")
      assert.isTrue(again())
      assert.isFalse(again())
      yield* governor.pause(a, "1 second")
      yield* TestClock.adjust("999 millis")
      assert.isFalse(again())
      yield* TestClock.adjust("1 millis")
      assert.isTrue(again())
      releases[0]?.()
    })
  )

  it("leaks no permit, whenever whoever waits for it is interrupted", () => {
    for (let seed = 0; seed < 400; seed++) {
      const world = new World(seed, { preemption: 0.05 })
      const ending = world.run(
        Effect.gen(function* () {
          const governor = yield* OriginGovernor.make({ concurrency: 1 })
          const work = governor.withPermit(a)(Effect.sleep(5))
          const fibers = yield* Effect.forEach(Array.from({ length: 4 }), () => Effect.fork(work))
          yield* Effect.sleep(seed % 12)
          yield* Effect.forEach(Array.from({ length: seed % 7 }), () => Effect.yieldNow())
          yield* Fiber.interruptAll(fibers.slice(0, 3))
          yield* Fiber.awaitAll(fibers)
          return governor.inUse().permits
        })
      )
      assert.deepNestedInclude(ending, { _tag: "done", "exit._tag": "Success", "exit.value": 0 }, `seed ${seed}`)
    }
  })

  it.effect("remembers no origin that it has nothing to remember of", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 1 })
      yield* Effect.forEach(
        Array.from({ length: 20_000 }, (_, index) => `http://${index}.test`),
        (origin) => governor.withPermit(origin)(Effect.void),
        { discard: true }
      )
      assert.strictEqual(governor.inUse().permits, 0)
      assert.throws(() => Effect.runSync(OriginGovernor.make({ concurrency: Number.NaN })))
    })
  )
})
