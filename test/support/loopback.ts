/**
 * Real servers on the loopback interface: honest ones, and ones that say whatever they are told to.
 */
import { createServer, type RequestListener } from "node:http"
import { createServer as createRawServer, type Server, type Socket } from "node:net"
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
