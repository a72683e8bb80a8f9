import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { OriginGovernor } from "halyard"
import { FleetGovernor, FleetRows } from "halyard/cluster"
import { BatchStorageError } from "../../src/cluster/errors.js"
import * as MemoryRows from "../../src/cluster/rows/memoryRows.js"

const origin = "http://origin.test"

/** A runner that has joined. */
const join = (name: string, options: OriginGovernor.Options) =>
  Effect.gen(function* () {
    const rows = yield* FleetRows
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const layer = FleetGovernor.layer({ ...options, name }).pipe(Layer.provide(Layer.succeed(FleetRows, rows)))
    const built = yield* Effect.fork(Layer.buildWithScope(layer, scope))
    yield* TestClock.adjust("1 second")
    const governor = Context.get(yield* built.await.pipe(Effect.flatten), OriginGovernor.OriginGovernor)
    return { governor, leave: Scope.close(scope, Exit.void) }
  })

/** Asks for permits until none is granted, and returns how many were, also later. */
const fill = (governor: typeof OriginGovernor.OriginGovernor.Service) =>
  Effect.gen(function* () {
    for (let asked = 0; asked < 20; asked++) {
      yield* Effect.fork(governor.acquire(origin))
    }
    yield* TestClock.adjust(0)
    return () => governor.inUse(origin).permits
  })

/** The limit of each runner at this moment. */
const limitsOf = (runners: ReadonlyArray<{ readonly governor: typeof OriginGovernor.OriginGovernor.Service }>) =>
  Effect.forEach(runners, ({ governor }) =>
    Effect.map(governor.report(origin, { signal: "neutral", beganAtMillis: 0 }), () => governor.inUse(origin).limit)
  )

it.scoped("divides the permits of an origin among the runners", () =>
  Effect.gen(function* () {
    const runners = yield* Effect.forEach(["a", "b", "c"], (name) => join(name, { perOrigin: 8 }))
    yield* TestClock.adjust("2 seconds")
    const used = yield* Effect.forEach(runners, ({ governor }) => fill(governor))
    assert.deepStrictEqual(used.map((count) => count()).sort(), [2, 3, 3])
  }).pipe(Effect.provide(MemoryRows.layer))
)

it.scoped("gives the share of a runner that leaves or dies to the others, and their callers continue", () =>
  Effect.gen(function* () {
    const a = yield* join("a", { perOrigin: 8 })
    const b = yield* join("b", { perOrigin: 8 })
    yield* TestClock.adjust("1 second")
    const used = yield* fill(a.governor)
    assert.strictEqual(used(), 4)
    yield* b.leave
    yield* TestClock.adjust("1 second")
    assert.strictEqual(used(), 8)
    yield* (yield* FleetRows).beat("killed")
    yield* TestClock.adjust("1 second")
    assert.strictEqual(a.governor.inUse(origin).limit, 4)
    yield* TestClock.adjust("6 seconds")
    assert.strictEqual(a.governor.inUse(origin).limit, 8)
  }).pipe(Effect.provide(MemoryRows.layer))
)

it.scoped("keeps the shares of a limit that is larger than the number of runners", () =>
  Effect.gen(function* () {
    const runners = yield* Effect.forEach(["a", "b"], (name) => join(name, { perOrigin: 3 }))
    for (let turn = 0; turn < 3; turn++) {
      yield* TestClock.adjust("30 seconds")
      const limits = yield* limitsOf(runners)
      assert.deepStrictEqual(limits, [1, 2])
    }
  }).pipe(Effect.provide(MemoryRows.layer))
)

it.scoped("keeps a limit that is smaller than the number of runners, and gives each runner its turn", () =>
  Effect.gen(function* () {
    const runners = yield* Effect.forEach(["a", "b", "c"], (name) => join(name, { perOrigin: 1 }))
    const turns: Array<number> = []
    for (let turn = 0; turn < 3; turn++) {
      yield* TestClock.adjust("30 seconds")
      const limits = yield* limitsOf(runners)
      assert.deepStrictEqual([...limits].sort(), [0, 0, 1])
      turns.push(limits.indexOf(1))
    }
    assert.deepStrictEqual(turns.sort(), [0, 1, 2])
  }).pipe(Effect.provide(MemoryRows.layer))
)

it.scoped("divides the rate of an origin among the runners", () =>
  Effect.gen(function* () {
    const limits = { requestsPerSecondPerOrigin: 4, perOrigin: 100 }
    const runners = yield* Effect.forEach(["a", "b"], (name) => join(name, limits))
    yield* TestClock.adjust("1 second")
    const used = yield* Effect.forEach(runners, ({ governor }) => fill(governor))
    const before = used.reduce((sum, count) => sum + count(), 0)
    yield* TestClock.adjust("3 seconds")
    assert.strictEqual(used.reduce((sum, count) => sum + count(), 0) - before, 12)
  }).pipe(Effect.provide(MemoryRows.layer))
)

it.scoped("pauses an origin on all runners within a second", () =>
  Effect.gen(function* () {
    const a = yield* join("a", { perOrigin: 8 })
    const b = yield* join("b", { perOrigin: 8 })
    yield* a.governor.report(origin, { signal: "overload", beganAtMillis: 0, pauseMillis: 10_000 })
    yield* TestClock.adjust("1 second")
    const used = yield* fill(b.governor)
    assert.strictEqual(used(), 0)
    assert.strictEqual(b.governor.inUse(origin).obstacle, "pause")
    yield* TestClock.adjust("8 seconds")
    assert.strictEqual(used(), 0)
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(used(), 4)
    const other = yield* b.governor.acquire("http://other.test")
    other.release()
  }).pipe(Effect.provide(MemoryRows.layer))
)

it.scoped("keeps its share while the database fails", () =>
  Effect.gen(function* () {
    const rows = yield* FleetRows
    let isDown = false
    const failing = <A>(effect: Effect.Effect<A, BatchStorageError>) =>
      Effect.suspend(() => (isDown ? new BatchStorageError({ operation: "test", detail: "down" }) : effect))
    const provided = Effect.provideService(FleetRows, {
      beat: (name) => failing(rows.beat(name)),
      leave: (name) => failing(rows.leave(name)),
      pause: (name, millis) => failing(rows.pause(name, millis)),
      pauses: failing(rows.pauses)
    })
    const a = yield* join("a", { perOrigin: 8 }).pipe(provided)
    yield* join("b", { perOrigin: 8 })
    yield* TestClock.adjust("1 second")
    isDown = true
    yield* a.governor.report(origin, { signal: "overload", beganAtMillis: 0, pauseMillis: 3000 })
    yield* TestClock.adjust("20 seconds")
    const used = yield* fill(a.governor)
    assert.strictEqual(used(), 4)
  }).pipe(Effect.provide(MemoryRows.layer))
)
