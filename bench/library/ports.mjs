// The ports without the engine, for B8: each file is begun, driven into a part and published, on as many fibers as there are
// connections. Prints the CPU time of the loop in microseconds.
import * as Effect from "effect/Effect"
import { Store, Transport } from "halyard"
import * as Node from "halyard/Node"
import { job } from "../peers/list.mjs"

const save = (transport, store, url) => {
  const exchange = transport.begin({ url, headers: {} })
  return Effect.flatMap(store.open(job.destination(url)), (part) =>
    Effect.ensuring(
      Effect.flatMap(exchange.response, (response) =>
        response.status === 200 ? receive(response, part) : Effect.dieMessage(`status ${response.status}`)
      ),
      Effect.zipRight(exchange.close, part.discard)
    )
  )
}

const receive = (response, part) => {
  let writing
  let positionBytes = 0
  const take = (chunk) => {
    writing = part.write(chunk, positionBytes)
    positionBytes += chunk.length
    return writing._tag === "Success"
  }
  const goOn = Effect.flatMap(response.drive(take), (how) => {
    const write = writing ?? Effect.void
    writing = undefined
    return Effect.zipRight(write, how === "Ended" ? publish : goOn)
  })
  const publish = Effect.suspend(() => part.publish({ durability: "rename", onExists: "overwrite" }))
  return goOn
}

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
