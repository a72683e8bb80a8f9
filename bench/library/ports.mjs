// The ports without the engine, for B8 and B9: each file is received into a part and published, on as many fibers as there are
// connections. Prints the CPU time of the loop in microseconds.
// node ports.mjs LIST DIRECTORY CONNECTIONS 1 rename|full
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Store, Transport } from "halyard"
import * as Node from "halyard/Node"
import { job } from "../peers/list.mjs"

const durability = process.argv[6]

/** Receives one response into a part. Effects that are no `Exit` pause the body until they have ended. */
class Receiver {
  positionBytes = 0
  writing = Exit.void

  constructor(part, resume) {
    this.part = part
    this.resume = resume
  }

  onInformational() {}

  onHeld() {}

  onHead({ status }) {
    if (status !== 200) {
      this.resume(Effect.dieMessage(`status ${status}`))
    }
    return status === 200
  }

  onChunk(chunk) {
    const writing = this.part.write(chunk, this.positionBytes)
    this.positionBytes += chunk.length
    if (Exit.isExit(writing) && Exit.isSuccess(writing)) {
      return true
    }
    this.resume(
      Effect.zipRight(
        writing,
        Effect.suspend(() => this.rest())
      )
    )
    return false
  }

  onEnd(exit) {
    const published = Effect.zipRight(exit, this.part.publish({ durability, onExists: "overwrite" }))
    this.resume(Effect.zipLeft(published, this.exchange.close))
  }

  /** Continues the body, and suspends until the next pause or the end. */
  rest() {
    return Effect.async((resume) => {
      this.resume = resume
      this.exchange.resume()
    })
  }
}

const receive = (transport, part, url) =>
  Effect.async((resume) => {
    const receiver = new Receiver(part, resume)
    receiver.exchange = transport.send({ url, headers: {} }, receiver).value
  })

const save = (transport, store, url) =>
  Effect.acquireUseRelease(
    store.open(job.destination(url), { resume: undefined }),
    ({ part }) => receive(transport, part, url),
    ({ part }) => part.close("discard")
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
