/**
 * A database that ends, or does not answer, in the middle of a batch.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withPostgres } from "../../support/servers/postgres.js"
import * as Fleet from "./fleet.js"

type Fault = (fleet: Fleet.Fleet) => { readonly begin: Effect.Effect<void>; readonly end: Effect.Effect<void> }

const crash: Fault = ({ postgres }) => ({ begin: postgres.kill, end: postgres.start })

const suspension: Fault = ({ postgres }) => ({ begin: postgres.suspend, end: postgres.resume })

/** Files are saved during the outage: the fault is what lasts this long, and no wait of the test. */
const outage = (name: string, seconds: number, fault: Fault) => () =>
  Effect.gen(function* () {
    const fleet = yield* Fleet.make()
    fleet.origin.hold(60)
    yield* Effect.forEach(["a", "b", "c"], (runner) => fleet.startRunner(runner), { concurrency: 3 })
    yield* fleet.submit("outage")
    yield* fleet.awaitHeld("a", "b", "c")
    const { begin, end } = fault(fleet)
    yield* begin
    fleet.origin.release()
    yield* Effect.sleep(`${seconds} seconds`)
    yield* end
    yield* fleet.check("outage", `${name} for ${seconds} s`)
    assert.isTrue(fleet.runners.every((runner) => !runner.hasEnded()))
    yield* fleet.stop
  })

/** A client that starts while the database does not answer. */
const slowOpening = (seconds: number) => () =>
  Effect.gen(function* () {
    const { client, postgres } = yield* Fleet.make()
    yield* postgres.suspend
    const [batches] = yield* Effect.all(
      [client((batches) => batches.list()), Effect.delay(postgres.resume, `${seconds} seconds`)],
      { concurrency: 2 }
    )
    assert.deepStrictEqual(batches, [])
  })

// They wait most of the time.
describe.concurrent("a database", () => {
  withPostgres("that crashes, and starts after 3 seconds", outage("crash of PostgreSQL", 3, crash))

  withPostgres("that crashes, and starts after 25 seconds", outage("crash of PostgreSQL", 25, crash))

  withPostgres("that does not answer for 3 seconds", outage("suspension of PostgreSQL", 3, suspension))

  withPostgres("that does not answer for 25 seconds", outage("suspension of PostgreSQL", 25, suspension))

  withPostgres("that answers a new client after 8 seconds", slowOpening(8))
})
