/**
 * An HTTP server on Node that stops within a bounded time.
 *
 * @since 0.1.0
 */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import type { ServeError } from "@effect/platform/HttpServerError"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const graceMillis = 500

/**
 * Listens on an address. Port 0 stands for any free port. When the layer is closed, the server accepts no more connections. It
 * gives responses in flight half a second to end, and then closes their connections.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (address: {
  readonly hostname: string
  readonly port: number
}): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.scoped(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const server = createServer()
      const listening = yield* NodeHttpServer.make(() => server, { host: address.hostname, port: address.port })
      yield* Effect.addFinalizer(() =>
        Effect.async<void>((resume) => {
          // A timer of Node, because the connections are real even if the clock is a `TestClock`.
          const timer = setTimeout(() => server.closeAllConnections(), graceMillis)
          server.close(() => {
            clearTimeout(timer)
            resume(Effect.void)
          })
          server.closeIdleConnections()
        })
      )
      return listening
    })
  )
