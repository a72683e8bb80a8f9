// The same loop without Effect over the same transport and store, for B8: halyard's own client delivers into halyard's own parts,
// which are published at once. Prints the CPU time of the loop in microseconds.
import * as Fs from "node:fs"
import { dirname } from "node:path"
import * as Client from "../../dist/Node/Transport/http1/client.js"
import { sockets } from "../../dist/Node/Transport/sockets.js"
import { DirectPart } from "../../dist/Store/directPart.js"
import * as Quickness from "../../dist/Store/syncWriteProbe.js"
import { inLoops, job } from "../peers/list.mjs"

const client = Client.make({ connectMillis: 10_000, connect: sockets({}) })

let parts = 0
const site = {
  // As the store on Node makes them.
  calls: {
    create: (path) => Fs.openSync(path, "wx"),
    write: (descriptor, bytes, positionBytes) => Fs.writeSync(descriptor, bytes, 0, bytes.length, positionBytes),
    close: (descriptor) => Fs.closeSync(descriptor),
    rename: (from, to) => Fs.renameSync(from, to)
  },
  quickness: Quickness.make(() => performance.now()),
  directoryOf: dirname,
  partName: (destination) => `${destination}.${++parts}.part`,
  roomBytes: 32 * 1024 * 1024
}

const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "halyard" }
const how = { durability: "rename", onExists: "overwrite" }

class Attempt {
  constructor(url, resolve, reject) {
    this.part = new DirectPart(site, job.destination(url))
    this.positionBytes = 0
    this.resolve = resolve
    this.reject = reject
    client.send({ url, headers }, this)
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
    if (exit._tag === "Success" && this.part.publish(how)._tag === "Success") {
      this.resolve()
    } else {
      this.fail()
    }
  }

  fail() {
    this.reject(new Error("not the answer that was expected"))
    return false
  }
}

const begun = process.cpuUsage()
await inLoops((url) => new Promise((resolve, reject) => new Attempt(url, resolve, reject)))
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
// What is idle keeps no process alive.
