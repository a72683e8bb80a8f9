// The same loop without fibers over the same transport and store, for B8: the transport delivers into parts, which are published at
// once. Both ports return an Exit whenever they need not wait. A fiber runs the few effects that must wait. Prints the CPU time of the
// loop in microseconds.
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Store, Transport } from "halyard"
import * as Node from "halyard/Node"
import { inLoops, job } from "../peers/list.mjs"

const runtime = ManagedRuntime.make(Node.layer)
const { store, transport } = await runtime.runPromise(
  Effect.all({ store: Store.Store, transport: Transport.Transport })
)

const headers = Object.freeze({ accept: "*/*", "accept-encoding": "identity", "user-agent": "halyard" })
const options = { durability: "rename", onExists: "overwrite" }

/** Calls `then` with the value of an effect: at once if it is an `Exit`, as most are, else after a fiber has run it. */
const after = (effect, then, reject) => {
  if (effect._tag === "Success") {
    then(effect.value)
  } else {
    runtime.runPromise(effect).then(then, reject)
  }
}

class Attempt {
  constructor(part, url, resolve, reject) {
    this.part = part
    this.positionBytes = 0
    this.resolve = resolve
    this.reject = reject
    after(
      transport.send({ url, headers }, this),
      (exchange) => {
        this.exchange = exchange
      },
      reject
    )
  }

  onInformational() {}

  onHeld() {}

  onHead({ status }) {
    if (status !== 200) {
      this.reject(new Error(`status ${status}`))
    }
    return status === 200
  }

  onChunk(chunk) {
    const writing = this.part.write(chunk, this.positionBytes)
    this.positionBytes += chunk.length
    if (writing._tag === "Success") {
      return true
    }
    after(writing, () => this.exchange.resume(), this.reject)
    return false
  }

  onEnd(exit) {
    const published = exit._tag === "Success" ? this.part.publish(options) : exit
    after(published, () => after(this.exchange.close, this.resolve, this.reject), this.reject)
  }
}

const begun = process.cpuUsage()
await inLoops(
  (url) =>
    new Promise((resolve, reject) => {
      const opened = store.open(job.destination(url), { resume: undefined })
      after(opened, ({ part }) => new Attempt(part, url, resolve, reject), reject)
    })
)
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
await runtime.dispose()
