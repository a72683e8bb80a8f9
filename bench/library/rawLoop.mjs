// The same loop without Effect over the same transport and store, for B8: halyard's own client pushes into halyard's own
// parts, which end in the call. Prints the CPU time of the loop in microseconds.
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Store } from "halyard"
import * as NodeStore from "../../dist/Node/Store.js"
import * as Client from "../../dist/Node/Transport/http1/client.js"
import { sockets } from "../../dist/Node/Transport/sockets.js"
import { inLoops, job } from "../peers/list.mjs"

const client = Client.make({ connectMillis: 10_000, connect: sockets({}) })

const store = await ManagedRuntime.make(NodeStore.layer).runPromise(Store.Store)

const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "halyard" }
const how = { durability: "rename", onExists: "overwrite" }

class Attempt {
  constructor(url, resolve, reject) {
    this.part = store.open(job.destination(url)).value
    this.positionBytes = 0
    this.resolve = resolve
    this.reject = reject
    client.dispatch({ url, headers }, this)
  }

  onHead(response) {
    return response.status === 200 || this.onStop()
  }

  onChunk(chunk) {
    const writing = this.part.write(chunk, this.positionBytes)
    this.positionBytes += chunk.length
    return writing._tag === "Success" || this.onStop()
  }

  onEnd() {
    if (this.part.publish(how)._tag === "Success") {
      this.resolve()
    } else {
      this.onStop()
    }
  }

  onStop() {
    this.reject(new Error("not the answer that was expected"))
    return false
  }
}

const begun = process.cpuUsage()
await inLoops((url) => new Promise((resolve, reject) => new Attempt(url, resolve, reject)))
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
// What is idle keeps no process alive.
