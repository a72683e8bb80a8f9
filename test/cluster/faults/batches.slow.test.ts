/**
 * Batches that end their runners, are cancelled, gain a runner, or are submitted twice.
 */
import { assert } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { withPostgres } from "../../support/servers/postgres.js"
import * as Fleet from "./fleet.js"

const startThree = (fleet: Fleet.Fleet) =>
  Effect.forEach(["a", "b", "c"], (name) => fleet.startRunner(name), { concurrency: 3 })

withPostgres("a shard that ends its process is abandoned after three attempts, and the others end", () =>
  Effect.gen(function* () {
    const fleet = yield* Fleet.make()
    // As a supervisor does, another runner takes the place of one that ends.
    const supervised = (name: string, turn: number): Effect.Effect<void, never, Scope.Scope> =>
      Effect.gen(function* () {
        const { ended } = yield* fleet.startRunner(`${name}${turn}`)
        const { signal } = yield* ended
        return yield* signal === "SIGABRT" ? supervised(name, turn + 1) : Effect.void
      })
    const supervisors = yield* Effect.forkScoped(
      Effect.forEach(["a", "b", "c"], (name) => supervised(name, 0), { concurrency: 3 })
    )
    yield* fleet.submit("abort", ["/abort/60/abort"])
    const { attempts } = yield* fleet.check("abort", "a shard that aborts", { abandoned: 1, hasKills: true, more: 1 })
    const { abandoned } = yield* fleet.client((batches) => batches.report("abort"))
    assert.deepStrictEqual(abandoned, [{ shard: 60, files: 1, attempts: 3, reason: "process-ended", detail: "" }])
    const aborted = fleet.runners.filter((runner) => runner.begun("abort").includes(60))
    assert.strictEqual(aborted.length, 3)
    assert.isAtLeast(attempts, 63)
    yield* fleet.stop
    yield* Fiber.join(supervisors)
  })
)

/** All transfers of a cancelled batch must stop within this time. */
const cancelMillis = 10_000

withPostgres("another client cancels a batch, and the transfers of all runners stop", () =>
  Effect.gen(function* () {
    const fleet = yield* Fleet.make()
    fleet.origin.hold(300)
    yield* startThree(fleet)
    yield* fleet.submit("cancelled")
    yield* fleet.awaitHeld("a", "b", "c")
    const sinceMillis = performance.now()
    yield* fleet.client((batches) => batches.cancel("cancelled"))
    yield* fleet.awaitTrue("end of the transfers", () => fleet.origin.held().length === 0)
    const millis = performance.now() - sinceMillis
    yield* Console.log(`end of all transfers after cancel: ${Math.round(millis)} ms`)
    assert.isBelow(millis, cancelMillis)
    const { files, shards, state } = yield* fleet.ended("cancelled")
    assert.strictEqual(state, "cancelled")
    assert.deepInclude(shards, { waiting: 0, running: 0 })
    assert.strictEqual(files.saved + files.skipped + files.notModified + files.cancelled, files.total)
    assert.isAbove(files.cancelled, 0)
    // Nothing begins after the end.
    const asked = fleet.origin.asked.length
    fleet.origin.release()
    yield* fleet.stop
    assert.strictEqual(fleet.origin.asked.length, asked)
  })
)

withPostgres("a runner that joins in the middle gets shards", () =>
  Effect.gen(function* () {
    const fleet = yield* Fleet.make()
    fleet.origin.hold(300)
    yield* fleet.startRunner("a")
    yield* fleet.submit("joined")
    yield* fleet.awaitHeld("a")
    yield* fleet.startRunner("b")
    yield* fleet.awaitHeld("b")
    fleet.origin.release()
    yield* fleet.check("joined", "a runner that joins")
    yield* fleet.stop
  })
)

withPostgres("of clients that submit a batch at the same time, one makes it", () =>
  Effect.gen(function* () {
    const fleet = yield* Fleet.make()
    yield* startThree(fleet)
    const same = yield* Effect.all([fleet.submit("twice"), fleet.submit("twice")], { concurrency: 2 })
    assert.deepStrictEqual(same.map(({ isNew }) => isNew).sort(), [false, true])
    const other = yield* Effect.either(fleet.submit("twice", ["/twice/other"]))
    assert.deepInclude(Either.flip(other).pipe(Either.getOrThrow), { _tag: "BatchConflict", id: "twice" })
    const [first, second] = yield* Effect.all(
      [Effect.either(fleet.submit("race", ["/race/first"])), Effect.either(fleet.submit("race", ["/race/second"]))],
      { concurrency: 2 }
    )
    fleet.expect(Either.isRight(first) ? "/race/first" : "/race/second")
    const results = [first, second]
    assert.strictEqual(results.filter(Either.isRight).length, 1)
    assert.deepInclude(results.find(Either.isLeft)?.left, { _tag: "BatchConflict", id: "race" })
    yield* fleet.ended("race")
    const { attempts } = yield* fleet.check("twice", "a batch submitted twice")
    // A shard that moves to a runner that has just joined begins again. If both submissions were carried out, all shards would.
    assert.isBelow(attempts, 120)
    yield* fleet.stop
    assert.deepStrictEqual(yield* fleet.query("SELECT count(DISTINCT manifest) FROM halyard_slice"), ["2"])
  })
)
