/**
 * A relay of TCP connections before a server. It counts the bytes that the server sends, reads the heads of the requests, and becomes
 * slow after a number of bytes, so that a test can end a client in the middle of a file.
 */
import { connect, createServer } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { listening } from "./loopback.js"

export interface Relay {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** Returns the heads of the requests since the last call. */
  readonly takeHeads: () => ReadonlyArray<string>
  /** Returns the number of bytes sent to clients since the last call. */
  readonly takeBytes: () => number
  /** The number of connections so far. */
  readonly connections: () => number
  /** Sends slowly on all connections after this number of bytes, until `release`. */
  readonly slowAfter: (bytes: number) => void
  /** Sends without a limit, also on open connections. */
  readonly release: () => void
}

export interface RelayOptions {
  /** Sends this number of bytes a second on each connection until `release`. Default: no limit. */
  readonly bytesPerSecond?: number | undefined
}

// A transfer whose rest is some megabytes does not end while a test waits for its record.
const slowBytesPerSecond = 128 * 1024

/** Relays connections to this port. Requests must have no content. */
export const relay = (port: number, options: RelayOptions = {}): Effect.Effect<Relay, never, Scope.Scope> => {
  let heads: Array<string> = []
  let sentBytes = 0
  let fastBytes = Number.POSITIVE_INFINITY
  let bytesPerSecond = options.bytesPerSecond ?? Number.POSITIVE_INFINITY

  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1")
    let text = ""
    client.on("data", (bytes) => {
      upstream.write(bytes)
      const parts = (text + bytes.toString("latin1")).split("\r\n\r\n")
      text = parts.pop() ?? ""
      heads.push(...parts)
    })
    upstream.on("data", (bytes: Buffer) => {
      sentBytes += bytes.length
      fastBytes -= bytes.length
      const isRoomLeft = client.write(bytes)
      const rate = fastBytes > 0 ? bytesPerSecond : slowBytesPerSecond
      if (rate !== Number.POSITIVE_INFINITY) {
        upstream.pause()
        setTimeout(() => upstream.resume(), (bytes.length * 1000) / rate)
      } else if (!isRoomLeft) {
        upstream.pause()
        client.once("drain", () => upstream.resume())
      }
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      one.on("error", () => one.destroy())
      one.on("end", () => other.end())
      one.on("close", () => other.destroySoon())
    }
  })

  return Effect.map(listening(server), ({ connections, port, url }) => ({
    url,
    port,
    connections,
    takeHeads: () => {
      const taken = heads
      heads = []
      return taken
    },
    takeBytes: () => {
      const taken = sentBytes
      sentBytes = 0
      return taken
    },
    slowAfter: (bytes) => {
      fastBytes = bytes
    },
    release: () => {
      fastBytes = Number.POSITIVE_INFINITY
      bytesPerSecond = Number.POSITIVE_INFINITY
    }
  }))
}
