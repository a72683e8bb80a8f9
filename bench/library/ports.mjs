// The ports without the engine, for B8: each file is opened, driven into a part and published, on as many fibers as there
// are connections. Prints the CPU time of the loop in microseconds.
import * as Effect from "effect/Effect"
import { Store, Transport } from "halyard"
import * as Node from "halyard/Node"
import { job } from "../peers/list.mjs"

const save = (transport, store, url) =>
  Effect.scoped(
    Effect.gen(function* () {
      const response = yield* transport.open({ url, headers: {} })
      if (response.status !== 200) {
        return yield* Effect.dieMessage(`status ${response.status}`)
      }
      const part = yield* store.open(job.destination(url))
      let writing
      const take = (chunk) => {
        writing = part.write(chunk)
        return writing === undefined
      }
      for (let how = "Paused"; how === "Paused"; ) {
        how = yield* response.drive(take)
        if (writing !== undefined) {
          yield* writing
          writing = undefined
        }
      }
      yield* part.publish({ durability: "rename", onExists: "overwrite" })
    })
  )

const program = Effect.gen(function* () {
  const transport = yield* Transport.Transport
  const store = yield* Store.Store
  const left = job.urls.values()
  const loop = Effect.gen(function* () {
    for (const url of left) {
      yield* save(transport, store, url)
    }
  })
  const begun = process.cpuUsage()
  yield* Effect.all(Array(job.connections).fill(loop), { concurrency: "unbounded", discard: true })
  const { user, system } = process.cpuUsage(begun)
  process.stdout.write(`${user + system}\n`)
})

await Effect.runPromise(Effect.provide(program, Node.layer))
