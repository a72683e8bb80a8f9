/**
 * Two runners that do not reach each other, and reach the database.
 */
import { connect, createServer } from "node:net"
import { assert, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { listening } from "../../support/servers/loopback.js"
import * as Postgres from "../../support/servers/postgres.js"
import * as Fleet from "./fleet.js"
import * as Network from "./network.js"

/** Connects an address of the machine to the server, which listens on the loopback interface. */
const reached = (host: string, port: number) =>
  listening(
    createServer((client) => {
      const server = connect(port, "127.0.0.1")
      client.pipe(server).pipe(client)
      client.on("close", () => server.destroy())
      server.on("error", () => client.destroy())
      server.on("close", () => client.destroy())
    }),
    host
  )

const partitioned = Effect.gen(function* () {
  const network = yield* Network.make
  const fleet = yield* Fleet.make({ originHost: network.host })
  const { port } = yield* reached(network.host, fleet.postgres.port)
  const url = new URL(fleet.database)
  url.host = `${network.host}:${port}`
  const database = url.href
  fleet.origin.hold(300)
  yield* fleet.startRunner("a", { ...network.a, database })
  yield* fleet.startRunner("b", { ...network.b, database })
  yield* fleet.submit("cut")
  yield* fleet.awaitHeld("a", "b")
  yield* network.cut
  const sinceMillis = performance.now()
  fleet.origin.release()
  const { attempts } = yield* fleet.check("cut", "two runners cut off from each other")
  yield* Console.log(`end of the batch after the cut: ${Math.round(performance.now() - sinceMillis)} ms`)
  // A second batch begins and ends during the cut.
  yield* fleet.submit("during")
  yield* fleet.check("during", "a batch during the cut")
  yield* network.mend
  assert.isAtLeast(attempts, 60)
  yield* fleet.stop
})

const reason = Postgres.isInstalled ? Network.missing : "postgresql is not installed"

it.scopedLive.skipIf(reason !== undefined)(
  `two runners that are cut off from each other end the batch${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => partitioned
)
