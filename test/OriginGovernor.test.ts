import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as OriginGovernor from "../src/OriginGovernor.js"
import * as Contracts from "../src/testing/Contracts.js"
import { World } from "../src/testing/World.js"
import { runCases } from "./support/runCases.js"
import { a, b, type Governor, jobs, now, pause, report, withPermit } from "./support/transport/permits.js"

describe("the contract of OriginGovernor", () => {
  runCases(Contracts.originGovernor(OriginGovernor.make))
})

describe("the contract of OriginGovernor, if every method suspends", () => {
  const slow = Effect.sleep("5 millis")
  runCases(
    Contracts.originGovernor((limits) =>
      Effect.map(
        OriginGovernor.make(limits),
        (base): Governor => ({
          ...base,
          acquire: (origin, options) =>
            Effect.zipRight(
              slow,
              Effect.suspend(() => base.acquire(origin, options))
            ),
          report: (origin, report) =>
            Effect.zipRight(
              slow,
              Effect.suspend(() => base.report(origin, report))
            )
        })
      )
    )
  )
})

describe("OriginGovernor", () => {
  it.effect("gives N permits in all, in the order in which they were requested", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ concurrency: 2 })
      const { began, most } = yield* jobs(governor, [a, b, a, b, a])
      assert.strictEqual(most, 2)
      assert.deepStrictEqual(began, [0, 0, 1000, 1000, 2000])
      assert.strictEqual(governor.inUse().permits, 0)
    })
  )

  it.effect("gives M permits of one origin, and permits of other origins at the same time", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 1 })
      const { began } = yield* jobs(governor, [a, a, a, b, b])
      assert.deepStrictEqual(began, [0, 1000, 2000, 0, 1000])
    })
  )

  it.effect("pauses one origin for all callers, and holds no permit during the pause", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ concurrency: 1 })
      yield* pause(governor, a, 10_000)
      const { began } = yield* jobs(governor, [a, b, a])
      assert.deepStrictEqual(began.slice(1, 2), [0])
      assert.deepStrictEqual([began[0], began[2]].sort(), [10_000, 11_000])
    })
  )

  it.effect("spaces requests by the rates, in all and at one origin", () =>
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

  it.effect("tells a receiver to pause, to keep the byte rates", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ bytesPerSecond: 1000, bytesPerSecondPerOrigin: 100 })
      assert.strictEqual(governor.restMillis(a, 100), 1000)
      assert.strictEqual(governor.restMillis(b, 10), 110)
      assert.strictEqual((yield* OriginGovernor.make()).restMillis(a, 10 ** 9), 0)
    })
  )

  it.effect("halves the limit of an origin after an overload, and raises it by one after enough successes", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 16 })
      const limit = () => governor.inUse(a).limit
      const holding = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 16 }), () => withPermit(governor, a)(Effect.sleep("1 hour")), {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust("1 millis")
      yield* report(governor, "overload")
      assert.strictEqual(limit(), 8)
      // Several attempts report the same overload.
      yield* report(governor, "overload")
      assert.strictEqual(limit(), 8)
      yield* TestClock.adjust("999 millis")
      yield* report(governor, "overload")
      assert.strictEqual(limit(), 4)
      assert.strictEqual(governor.inUse(b).limit, 16)
      yield* Effect.forEach(Array.from({ length: 4 }), () => report(governor, "success"))
      assert.strictEqual(limit(), 5)
      yield* Fiber.interrupt(holding)
      assert.strictEqual(governor.inUse().permits, 0)
    })
  )

  it.effect("gives an idle permit if one is free, and asks for it back when another caller has to wait", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ concurrency: 3, perOrigin: 2 })
      const wanted: Array<string> = []
      const tryAcquireIdle = (origin: string, name: string) => governor.tryAcquireIdle(origin, () => wanted.push(name))
      const first = tryAcquireIdle(a, "first")
      const second = tryAcquireIdle(a, "second")
      assert.isUndefined(tryAcquireIdle(a, "third"))
      const other = tryAcquireIdle(b, "other")
      assert.isUndefined(tryAcquireIdle(b, "another"))
      // The origin has no more permits, so a permit of another origin does not help.
      const waiting = yield* Effect.fork(withPermit(governor, a)(Effect.void))
      yield* Effect.yieldNow()
      assert.deepStrictEqual(wanted, ["second"])
      second?.release()
      yield* Fiber.join(waiting)
      first?.release()
      other?.release()
      assert.strictEqual(governor.inUse().permits, 0)
      assert.deepStrictEqual(wanted, ["second"])
    })
  )

  it.effect(
    "lets the holder of a permit send another request, but not while the origin is paused or over its rate",
    () =>
      Effect.gen(function* () {
        const governor = yield* OriginGovernor.make({ requestsPerSecond: 10 })
        const permit = yield* governor.acquire(a)
        assert.isUndefined(governor.tryAcquireIdle(a, () => {}))
        assert.isFalse(permit.tryReuse())
        yield* TestClock.adjust("100 millis")
        assert.isTrue(permit.tryReuse())
        assert.isFalse(permit.tryReuse())
        yield* pause(governor, a, 1000)
        yield* TestClock.adjust("999 millis")
        assert.isFalse(permit.tryReuse())
        yield* TestClock.adjust("1 millis")
        assert.isTrue(permit.tryReuse())
        permit.release()
      })
  )

  /** Holds this number of permits of an origin until it is interrupted. */
  const hold = (governor: Governor, origin: string, count: number) =>
    Effect.fork(
      Effect.forEach(Array.from({ length: count }), () => withPermit(governor, origin)(Effect.sleep("1 day")), {
        concurrency: "unbounded"
      })
    ).pipe(Effect.tap(() => TestClock.adjust(1)))

  it.effect("raises the limit of an origin with time, one permit at a time", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 16 })
      const holding = yield* hold(governor, a, 16)
      yield* report(governor, "overload")
      for (const limit of [8, 9, 10]) {
        assert.strictEqual(governor.inUse(a).limit, limit)
        yield* TestClock.adjust("1 second")
      }
      // After the second overload in a short time, the limit rises half as fast.
      yield* report(governor, "overload")
      const limit = governor.inUse(a).limit
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(governor.inUse(a).limit, limit)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(governor.inUse(a).limit, limit + 1)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(governor.inUse(a).limit, 16)
      yield* Fiber.interrupt(holding)
    })
  )

  it.effect("raises the limit of an origin for received bytes too", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 16 })
      const holding = yield* hold(governor, a, 16)
      yield* report(governor, "overload")
      assert.strictEqual(governor.inUse(a).limit, 8)
      for (let chunks = 0; chunks < 128; chunks++) {
        governor.restMillis(a, 65_536)
      }
      assert.strictEqual(governor.inUse(a).limit, 9)
      yield* Fiber.interrupt(holding)
    })
  )

  it.effect("lets other transfers continue beside one that takes hours, after an overload of the origin", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 8 })
      const long = yield* hold(governor, a, 1)
      yield* withPermit(governor, a)(Effect.zipRight(report(governor, "overload"), pause(governor, a, 5000)))
      const start = yield* now
      const { began } = yield* jobs(governor, [a, a, a])
      assert.deepStrictEqual(
        began.map((at) => at - start),
        [5000, 6000, 6000]
      )
      yield* Fiber.interrupt(long)
      assert.strictEqual(governor.inUse().permits, 0)
    })
  )

  it.effect("requests less and less often from an origin that refuses each second transfer", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 8 })
      const long = yield* hold(governor, a, 1)
      const start = yield* now
      const asked: Array<number> = []
      const others = yield* Effect.fork(
        Effect.forever(
          withPermit(
            governor,
            a
          )(
            Effect.zipRight(
              Effect.map(now, (at) => asked.push((at - start) / 1000)),
              report(governor, "overload")
            )
          )
        )
      )
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(asked, [0, 1, 3, 7, 15, 31, 63])
      yield* Fiber.interrupt(others)
      yield* Fiber.interrupt(long)
    })
  )

  it.effect("remembers the limit of an origin, however many other origins follow", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 16 })
      const holding = yield* hold(governor, a, 16)
      yield* report(governor, "overload")
      yield* Fiber.interrupt(holding)
      for (let index = 0; index < 20_000; index++) {
        governor.restMillis(`http://${index}.test`, 1)
      }
      assert.strictEqual(governor.inUse(a).limit, 8)
    })
  )

  it("leaks no permit if waiting callers are interrupted, at any moment", () => {
    for (let seed = 0; seed < 400; seed++) {
      const world = new World(seed, { preemption: 0.05 })
      const ending = world.run(
        Effect.gen(function* () {
          const governor = yield* OriginGovernor.make({ concurrency: 1 })
          const work = withPermit(governor, a)(Effect.sleep(5))
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

  it.effect("forgets origins in their initial state", () =>
    Effect.gen(function* () {
      const governor = yield* OriginGovernor.make({ perOrigin: 1 })
      yield* Effect.forEach(
        Array.from({ length: 20_000 }, (_, index) => `http://${index}.test`),
        (origin) => withPermit(governor, origin)(Effect.void),
        { discard: true }
      )
      assert.strictEqual(governor.inUse().permits, 0)
    })
  )

  it("refuses invalid limits, and names them", () => {
    for (const name of ["concurrency", "perOrigin"] as const) {
      for (const limit of [Number.NaN, -1, 0]) {
        assert.throws(
          () => Effect.runSync(OriginGovernor.make({ [name]: limit })),
          `${name} must be a number from 1 on, not ${limit}`
        )
      }
    }
    for (const name of [
      "requestsPerSecond",
      "requestsPerSecondPerOrigin",
      "bytesPerSecond",
      "bytesPerSecondPerOrigin"
    ] as const) {
      for (const limit of [Number.NaN, -1, 0]) {
        assert.throws(
          () => Effect.runSync(OriginGovernor.make({ [name]: limit })),
          `${name} must be a number above 0, not ${limit}`
        )
      }
    }
  })
})
