/**
 * Runs of the program that are killed with SIGKILL at moments that a server chooses, and a server that counts what it sends.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { RequestListener } from "node:http"
import { connect, createServer } from "node:net"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { drawing } from "../drawing.js"
import { listening } from "../servers/loopback.js"
import { halyard } from "./program.js"

/** Bytes in which every mistake of an offset shows. */
export const randomBytes = (bytes: number): Uint8Array => {
  const draw = drawing(7)
  return new Uint8Array(Uint32Array.from({ length: bytes / 4 }, () => draw() * 2 ** 32).buffer)
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** What servers were asked, and what they have sent. */
export class Traffic {
  requests = 0
  sentBytes = 0
  private leftUnits = Number.POSITIVE_INFINITY
  private act: () => void = () => {}
  /** The ports to which the clients connect. */
  readonly ports = new Set<number>()

  constructor(private readonly unit: "requests" | "bytes") {}

  /** Calls `act` once, after this number of requests or bytes. */
  after(count: number, act: () => void): void {
    this.leftUnits = count
    this.act = act
  }

  /** Leaves out the bytes that no client has read. Call it before a client is killed. */
  forgetUnread(): void {
    this.sentBytes -= unreadBytes(this.ports)
  }

  onRequest(): void {
    this.requests++
    this.count(this.unit === "requests" ? 1 : 0)
  }

  onSent(bytes: number): void {
    this.sentBytes += bytes
    this.count(this.unit === "bytes" ? bytes : 0)
  }

  private count(units: number): void {
    this.leftUnits -= units
    if (this.leftUnits <= 0) {
      this.leftUnits = Number.POSITIVE_INFINITY
      this.act()
    }
  }
}

/** The bytes on connections to these ports that the system has received and no process has read. 0 on a system other than Linux. */
const unreadBytes = (ports: ReadonlySet<number>): number => {
  if (process.platform !== "linux") {
    return 0
  }
  // Lines of proc_net_tcp: number, local address, remote address, state, and the sizes of both queues in hexadecimal digits.
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n")
  return lines.reduce((sum, line) => {
    const [, , remote = "", , queues = ""] = line.trim().split(/\s+/)
    const port = Number.parseInt(remote.split(":")[1] ?? "", 16)
    return ports.has(port) ? sum + Number.parseInt(queues.split(":")[1] ?? "", 16) : sum
  }, 0)
}

const chunkBytes = 4 * 1024

/**
 * Serves files with an entity tag and ranges, at most 4 MiB a second for each connection, so that little is on its way when a client is
 * killed. Closes a connection after `cutBytes()` bytes.
 */
export const serving =
  (
    traffic: Traffic,
    files: ReadonlyMap<string, Uint8Array>,
    cutBytes: () => number = () => Number.POSITIVE_INFINITY
  ): RequestListener =>
  (request, response) => {
    traffic.onRequest()
    const content = files.get(request.url ?? "")
    if (content === undefined) {
      response.writeHead(404).end()
      return
    }
    const etag = `"${content.length}-${request.url}"`
    const guard = request.headers["if-range"]
    const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? []
    const isRange = request.headers.range !== undefined && (guard === undefined || guard === etag)
    const start = isRange ? Number(first) : 0
    const end = isRange && last !== "" ? Number(last) + 1 : content.length
    response.writeHead(isRange ? 206 : 200, {
      etag,
      "accept-ranges": "bytes",
      "content-length": end - start,
      ...(isRange ? { "content-range": `bytes ${start}-${end - 1}/${content.length}` } : {})
    })
    const cutAt = start + cutBytes()
    let position = start
    const send = (): void => {
      if (request.socket.destroyed) {
        return
      }
      const chunk = content.subarray(position, Math.min(end, position + chunkBytes))
      position += chunk.length
      traffic.onSent(chunk.length)
      if (position >= end) {
        response.end(chunk)
      } else if (position >= cutAt) {
        response.write(chunk, () => request.socket.destroy())
      } else {
        response.write(chunk, () => setTimeout(send, 1))
      }
    }
    send()
  }

/**
 * A proxy in front of the server on a port. It counts the bytes of the responses, and sends them at most 4 MiB a second for each
 * connection, so that little is on its way when a client is killed.
 */
export const metered = (traffic: Traffic, port: number) =>
  Effect.tap(
    listening(
      createServer({ noDelay: true }, (client) => {
        const server = connect(port, "127.0.0.1")
        const send = (bytes: Buffer): void => {
          if (client.destroyed) {
            return
          }
          const chunk = bytes.subarray(0, chunkBytes)
          const rest = bytes.subarray(chunkBytes)
          traffic.onSent(chunk.length)
          client.write(chunk, () => (rest.length === 0 ? server.resume() : setTimeout(send, 1, rest)))
        }
        server.on("data", (bytes) => {
          server.pause()
          send(bytes)
        })
        server.on("end", () => client.end())
        server.on("error", () => client.destroy())
        client.on("close", () => server.destroy())
        client.pipe(server)
      })
    ),
    (origin) => Effect.sync(() => traffic.ports.add(origin.port))
  )

/** Runs the program once for each of `kills`, and kills it after that many units of the traffic. Then runs it to its end. */
export const killed = Effect.fnUntraced(function* (
  parameters: ReadonlyArray<string>,
  cwd: string,
  traffic: Traffic,
  kills: ReadonlyArray<number>
) {
  let count = 0
  for (const after of kills) {
    const ended = yield* Effect.scoped(
      Effect.gen(function* () {
        const running = yield* halyard(parameters, { cwd })
        traffic.after(after, () => {
          traffic.forgetUnread()
          process.kill(running.pid, "SIGKILL")
        })
        return yield* running.ended
      })
    )
    if (ended.signal !== "SIGKILL") {
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      break
    }
    count++
  }
  traffic.after(Number.POSITIVE_INFINITY, () => {})
  const last = yield* Effect.scoped(Effect.flatMap(halyard(parameters, { cwd }), ({ ended }) => ended))
  assert.strictEqual(last.exitCode, 0, last.stderr)
  return count
})
