// The same loop without fibers over the same transport and store, for B8: the transport delivers into parts, which are published at
// once. Both ports return an Exit whenever they need not wait. Prints the CPU time of the loop in microseconds.
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

/** The value of an `Exit` with success. An effect that must wait ends the benchmark. */
const valueOf = (effect) => {
  if (effect._tag !== "Success") {
    throw new Error("not a success, or not at once")
  }
  return effect.value
}

class Attempt {
  constructor(url, resolve, reject) {
    this.part = valueOf(store.open(job.destination(url)))
    this.positionBytes = 0
    this.resolve = resolve
    this.reject = reject
    transport.send({ url, headers }, this)
  }

  onInformational() {}

  onHeld() {}

  onHead(head) {
    return head.status === 200 || this.fail()
  }

  onChunk(chunk) {
    const writing = this.part.write(chunk, this.positionBytes)
    this.positionBytes += chunk.length
    return writing._tag === "Success" || this.fail()
  }

  onEnd(exit) {
    if (exit._tag === "Success" && this.part.publish(options)._tag === "Success") {
      this.resolve()
    } else {
      this.fail()
    }
  }

  fail() {
    this.reject(new Error("not the expected response"))
    return false
  }
}

const begun = process.cpuUsage()
await inLoops((url) => new Promise((resolve, reject) => new Attempt(url, resolve, reject)))
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
await runtime.dispose()
