// The least that a download can be, for B8: halyard's own sockets and reader of heads, and the calls on the file system
// that its store makes for a small file, without its transport and its store. Prints the CPU time of the loop in microseconds.
import { closeSync, openSync, renameSync, writeSync } from "node:fs"
import { parse } from "../../dist/Node/Transport/http1/responseHead.js"
import { headOf, targetOf } from "../../dist/Node/Transport/http1/target.js"
import { sockets } from "../../dist/Node/Transport/sockets.js"
import { inLoops, job } from "../peers/list.mjs"

const connect = sockets({})
const receiveBytes = 64 * 1024

/** One connection, kept for one request after the other. A head that comes in two pieces ends the program. */
class Connection {
  constructor(address) {
    this.buffer = Buffer.allocUnsafeSlow(receiveBytes)
    this.leftBytes = -1
    this.chunks = []
    this.wire = connect(address, {
      onConnect: () => this.wire.write(this.head),
      nextBuffer: () => this.buffer,
      onData: (bytes) => this.take(bytes),
      onEnd: () => this.reject(new Error("the connection ended")),
      onError: (error) => this.reject(error),
      onClose: () => {}
    })
  }

  get(head, isNew) {
    return new Promise((resolve, reject) => {
      this.head = head
      this.resolve = resolve
      this.reject = reject
      if (!isNew) {
        this.wire.write(head)
      }
    })
  }

  take(bytes) {
    let from = 0
    if (this.leftBytes === -1) {
      const head = parse(this.buffer, bytes)
      if (head === "incomplete" || head instanceof Error || head.status !== 200) {
        this.reject(new Error("not the answer that was expected"))
        return false
      }
      from = head.endBytes
      this.leftBytes = head.lengthBytes
    }
    if (from < bytes) {
      // A copy, which the slice of a Buffer is not.
      this.chunks.push(Uint8Array.prototype.slice.call(this.buffer, from, bytes))
      this.leftBytes -= bytes - from
    }
    if (this.leftBytes === 0) {
      const { chunks } = this
      this.chunks = []
      this.leftBytes = -1
      this.resolve(chunks)
    }
    return true
  }
}

const idle = []
let parts = 0

const save = (destination, chunks) => {
  const part = `${destination}.${++parts}.part`
  const file = openSync(part, "wx")
  let positionBytes = 0
  for (const chunk of chunks) {
    positionBytes += writeSync(file, chunk, 0, chunk.length, positionBytes)
  }
  closeSync(file)
  renameSync(part, destination)
}

const begun = process.cpuUsage()
await inLoops(async (url) => {
  const { address, path } = targetOf(url)
  const head = headOf(path, address.host, {})
  const kept = idle.pop()
  const connection = kept ?? new Connection(address)
  save(job.destination(url), await connection.get(head, kept === undefined))
  idle.push(connection)
})
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
for (const { wire } of idle) {
  wire.destroy()
}
