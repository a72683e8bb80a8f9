/**
 * Real servers on the loopback interface: HTTP servers of Node, and servers that answer with the bytes of a test.
 */
import { spawn } from "node:child_process"
import dns from "node:dns"
import { createServer, type RequestListener } from "node:http"
import { connect, createServer as createRawServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { certificate, key } from "./certificate.js"

export interface Origin {
  readonly url: string
  readonly port: number
  /** The number of connections that are open. */
  readonly sockets: () => number
  /** The number of connections so far. */
  readonly connections: () => number
}

/** A server that answers with bytes. */
export interface RawOrigin extends Origin {
  /** For each request so far, the number of its connection, counted from 0. */
  readonly requests: ReadonlyArray<number>
}

export const listening = (server: Server, host = "127.0.0.1"): Effect.Effect<Origin, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly origin: Origin; readonly close: () => void }>((resume) => {
        const sockets = new Set<Socket>()
        let connections = 0
        server.on("connection", (socket: Socket) => {
          connections++
          sockets.add(socket)
          socket.on("close", () => sockets.delete(socket))
          socket.on("error", () => socket.destroy())
        })
        server.listen(0, host, () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const close = () => {
            server.close()
            for (const socket of sockets) {
              socket.destroy()
            }
          }
          resume(
            Effect.succeed({
              close,
              origin: {
                url: `http://127.0.0.1:${port}`,
                port,
                sockets: () => sockets.size,
                connections: () => connections
              }
            })
          )
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ origin }) => origin
  )

export const http = (listener: RequestListener): Effect.Effect<Origin, never, Scope.Scope> =>
  listening(createServer(listener))

/** Calls `answer` for each request, of which `turn` counts all from 0. */
export const answering = (
  answer: (socket: Socket, turn: number, request: string) => void
): Effect.Effect<RawOrigin, never, Scope.Scope> => {
  const requests: Array<number> = []
  let connections = 0
  const server = createRawServer({ noDelay: true }, (socket) => {
    const connection = connections++
    socket.on("data", (bytes) => {
      requests.push(connection)
      answer(socket, requests.length - 1, bytes.toString("latin1"))
    })
  })
  return Effect.map(listening(server), (origin) => ({ ...origin, requests }))
}

/** Answers the n-th request, and the requests after the last answer, with these bytes. Then ends, resets or keeps the connection. */
export const raw = (
  ...answers: ReadonlyArray<readonly [bytes: string, then: "end" | "reset" | "stay"]>
): Effect.Effect<RawOrigin, never, Scope.Scope> =>
  answering((socket, turn) => {
    const [bytes, then] = answers[Math.min(turn, answers.length - 1)] ?? ["", "end"]
    socket.write(bytes, "latin1", () => {
      if (then === "end") {
        socket.end()
      } else if (then === "reset") {
        // A reset would discard what was not sent yet. A socket does not use the test clock.
        setTimeout(() => socket.resetAndDestroy(), 20)
      }
    })
  })

/** Calls `answer` for the first request of each TLS connection. */
export const secure = (
  answer: (socket: TLSSocket) => void,
  options: TlsOptions = {}
): Effect.Effect<Origin, never, Scope.Scope> =>
  Effect.map(
    listening(
      createTlsServer({ key, cert: certificate, ...options }, (socket) => {
        socket.on("error", () => socket.destroy())
        socket.once("data", () => answer(socket))
      })
    ),
    (origin) => ({ ...origin, url: `https://localhost:${origin.port}` })
  )

/** An address that does not answer: its queue of connections is full, and its server accepts none. */
export const blackHole = (host: string, port: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.async<() => void>((resume) => {
        const script = `require("net").createServer().listen({ host: "${host}", port: ${port}, backlog: 1 }, () => {
          require("fs").writeSync(1, "listening")
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
        })`
        const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] })
        const sockets: Array<Socket> = []
        const close = () => {
          child.kill("SIGKILL")
          for (const socket of sockets) {
            socket.destroy()
          }
        }
        const fill = () => {
          const socket = connect({ host, port })
          sockets.push(socket)
          socket.on("error", () => {})
          const full = setTimeout(() => resume(Effect.succeed(close)), 300)
          socket.on("connect", () => {
            clearTimeout(full)
            fill()
          })
        }
        child.stdout.once("data", fill)
      }),
      (close) => Effect.sync(close)
    )
  )

/** Makes a name resolve to these addresses, in this order, for code that uses `dns.lookup`. */
export const resolving = (name: string, addresses: ReadonlyArray<string>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const { lookup } = dns
        const found = addresses.map((address) => ({ address, family: 4 }))
        const resolve = (hostname: string, options: dns.LookupOptions, callback: LookupCallback) => {
          if (hostname !== name) {
            lookup(hostname, options, callback)
          } else if (options.all) {
            callback(null, found, 4)
          } else {
            callback(null, addresses[0] ?? "", 4)
          }
        }
        Object.assign(dns, { lookup: resolve })
        return () => Object.assign(dns, { lookup })
      }),
      (undo) => Effect.sync(undo)
    )
  )

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | Array<dns.LookupAddress>,
  family: number
) => void
