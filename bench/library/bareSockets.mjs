// The least that a download in Node can be: sockets, a search for the length in the head of each response, and open, write, close and
// rename. It has no Effect, no code of halyard, no check and no sync. Prints the CPU time of the loop in microseconds.
// node bareSockets.mjs LIST DIRECTORY CONNECTIONS 1 [both|sockets|files]: sockets without files, or files without sockets
import { closeSync, openSync, renameSync, writeSync } from "node:fs"
import { connect } from "node:net"
import { inLoops, job } from "../peers/list.mjs"

const receiveBytes = 64 * 1024

/** One connection, kept for one request after the other. A head that comes in two pieces ends the program. */
class Connection {
  constructor(hostname, port) {
    this.buffer = Buffer.allocUnsafeSlow(receiveBytes)
    this.leftBytes = -1
    this.chunks = []
    this.socket = connect({
      host: hostname,
      port,
      noDelay: true,
      onread: { buffer: this.buffer, callback: (bytes) => this.take(bytes) }
    })
    this.socket.on("error", (error) => this.reject(error))
    this.socket.on("end", () => this.reject(new Error("the connection ended")))
  }

  get(head) {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
      this.socket.write(head, "latin1")
    })
  }

  take(bytes) {
    let from = 0
    if (this.leftBytes === -1) {
      const end = this.buffer.indexOf("\r\n\r\n", 0, "latin1")
      const head = this.buffer.latin1Slice(0, end)
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
      if (end === -1 || end >= bytes || length === undefined || !head.startsWith("HTTP/1.1 200 ")) {
        this.reject(new Error("not the answer that was expected"))
        return false
      }
      from = end + 4
      this.leftBytes = Number(length)
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

const mode = process.argv[6] ?? "both"
const constant = [Buffer.alloc(6 * 1024, 1)]
const { hostname, origin, port } = new URL(job.urls[0])

const begun = process.cpuUsage()
await inLoops(async (url) => {
  if (mode === "files") {
    save(job.destination(url), constant)
    return
  }
  const connection = idle.pop() ?? new Connection(hostname, Number(port))
  const chunks = await connection.get(`GET ${url.slice(origin.length)} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`)
  if (mode === "both") {
    save(job.destination(url), chunks)
  }
  idle.push(connection)
})
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
for (const { socket } of idle) {
  socket.destroy()
}
