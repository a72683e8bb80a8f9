/**
 * Real servers on the loopback interface: honest ones, and ones that say whatever they are told to.
 */
import { spawn } from "node:child_process"
import dns from "node:dns"
import { createServer, type RequestListener } from "node:http"
import { connect, createServer as createRawServer, type Server, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Origin {
  readonly url: string
  readonly port: number
  /** Connections that are open. */
  readonly sockets: () => number
  /** Connections there were. */
  readonly connections: () => number
}

const listening = (server: Server): Effect.Effect<Origin, never, Scope.Scope> =>
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
        server.listen(0, "127.0.0.1", () => {
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

/** Answers the n-th request, on whatever connection, with these bytes; then ends it, resets it, or leaves it open. */
export const raw = (
  ...answers: ReadonlyArray<readonly [bytes: string, then: "end" | "reset" | "stay"]>
): Effect.Effect<Origin, never, Scope.Scope> => {
  let turn = 0
  return listening(
    createRawServer((socket) => {
      socket.on("data", () => {
        const [bytes, then] = answers[Math.min(turn++, answers.length - 1)] ?? ["", "end"]
        socket.write(bytes, "latin1", () => {
          if (then === "end") {
            socket.end()
          } else if (then === "reset") {
            // What was written goes out first; a socket knows no test clock.
            setTimeout(() => socket.resetAndDestroy(), 20)
          }
        })
      })
    })
  )
}

/** An address that does not answer: its queue of connections is full, and nobody ever takes one out of it. */
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

/** Has a name resolve to these addresses, in this order, for who asks the system by the usual way. */
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
