/**
 * Runners that end in the middle of a batch.
 */
import { assert } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { withPostgres } from "../../support/servers/postgres.js"
import * as Fleet from "./fleet.js"

/** Three runners in the middle of a batch, each with transfers that are held. */
const started = (id: string) =>
  Effect.gen(function* () {
    const fleet = yield* Fleet.make()
    fleet.origin.hold(60)
    yield* Effect.forEach(["a", "b", "c"], (name) => fleet.startRunner(name), { concurrency: 3 })
    yield* fleet.submit(id)
    yield* fleet.awaitHeld("a", "b", "c")
    return { fleet, ...(yield* fleet.roles) }
  })

const kill = (runner: Fleet.Runner) => Effect.zipRight(runner.signal("SIGKILL"), runner.ended)

/** The shards of a killed runner must begin elsewhere within this time. */
const recoveryMillis = 25_000

/** A runner that is asked to end must have ended within this time. */
const deadlineMillis = 20_000

const killOne = (which: "driver" | "other") => () =>
  Effect.gen(function* () {
    const { fleet, [which]: victim } = yield* started("one")
    const sinceMillis = performance.now()
    yield* kill(victim)
    const shards = victim.running("one")
    assert.isNotEmpty(shards)
    fleet.origin.release()
    const millis = yield* fleet.recovery("one", shards, victim.name, sinceMillis)
    const { attempts } = yield* fleet.check("one", `kill -9 of ${which}`, { hasKills: true })
    yield* Console.log(`recovery from kill -9 of ${which}: ${Math.round(millis)} ms`)
    assert.isBelow(millis, recoveryMillis)
    assert.isAtLeast(attempts, 60 + shards.length)
    yield* fleet.stop
  })

withPostgres("a runner is killed, and the others download its shards", killOne("other"))

withPostgres("the runner that drives the batch is killed, and another one drives it", killOne("driver"))

withPostgres("all runners are killed, and new ones continue", () =>
  Effect.gen(function* () {
    const { fleet } = yield* started("all")
    const sinceMillis = performance.now()
    yield* Effect.forEach(fleet.runners, kill, { concurrency: 3 })
    const shards = fleet.runners.flatMap((runner) => runner.running("all"))
    fleet.origin.release()
    yield* Effect.forEach(["d", "e", "f"], (name) => fleet.startRunner(name), { concurrency: 3 })
    const millis = yield* fleet.recovery("all", shards, "", sinceMillis)
    yield* fleet.check("all", "kill -9 of all", { hasKills: true })
    yield* Console.log(`recovery from kill -9 of all, with the start of new ones: ${Math.round(millis)} ms`)
    yield* fleet.stop
  })
)

withPostgres("a runner that is asked to end drains, and the others continue its shards", () =>
  Effect.gen(function* () {
    const { fleet, other } = yield* started("term")
    const sinceMillis = performance.now()
    yield* other.signal("SIGTERM")
    yield* other.ended
    const endMillis = performance.now() - sinceMillis
    fleet.origin.release()
    yield* fleet.check("term", "SIGTERM of one")
    yield* Console.log(`end after SIGTERM: ${Math.round(endMillis)} ms`)
    assert.isBelow(endMillis, deadlineMillis)
    // The attempts that the end of the runner has interrupted were taken back.
    assert.deepStrictEqual(yield* fleet.query("SELECT count(*) FROM halyard_shard WHERE unended > 1"), ["0"])
    yield* fleet.stop
  })
)

withPostgres("a batch is cancelled and its driver killed, and another runner removes the messages of its shards", () =>
  Effect.gen(function* () {
    const { driver, fleet } = yield* started("stopped")
    // The driver does not see that the batch is cancelled.
    yield* driver.signal("SIGSTOP")
    yield* fleet.client((batches) => batches.cancel("stopped"))
    yield* kill(driver)
    fleet.origin.release()
    const { shards } = yield* fleet.ended("stopped")
    assert.deepInclude(shards, { waiting: 0, running: 0 })
    // Most shards were sent and had no attempt.
    assert.isAbove(shards.cancelled, 30)
    yield* fleet.stop
  })
)
