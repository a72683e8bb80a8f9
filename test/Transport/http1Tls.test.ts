import { createServer as createTlsServer, type Server as TlsServer } from "node:https"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { certificate, key } from "../support/servers/certificate.js"
import { collectPausing, openWith } from "../support/transport/exchange.js"
import { http1Client } from "../support/transport/http1Client.js"

describe("HTTP/1.1, on TLS", () => {
  const body = Buffer.alloc(3_000_011, "0123456789")
  const secure = Effect.acquireRelease(
    Effect.async<{ readonly server: TlsServer; readonly port: number; readonly connections: () => number }>(
      (resume) => {
        let connections = 0
        const server = createTlsServer({ key, cert: certificate }, (_, response) => response.end(body))
        server.on("secureConnection", () => connections++)
        server.listen(0, () => {
          const at = server.address()
          const port = typeof at === "object" && at !== null ? at.port : 0
          resume(Effect.succeed({ server, port, connections: () => connections }))
        })
      }
    ),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  it.scopedLive("delivers a body unchanged, although TLS delivers decrypted bytes after a pause", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* secure
      const client = yield* http1Client({ ca: certificate })
      for (const pauseEvery of [1, 3, Number.POSITIVE_INFINITY]) {
        const received = yield* Effect.scoped(
          Effect.flatMap(openWith(client, { url: `https://localhost:${port}/`, headers: {} }), (response) =>
            collectPausing(response, pauseEvery)
          )
        )
        assert.isTrue(body.equals(received), `${pauseEvery}`)
      }
      assert.strictEqual(connections(), 1)
    })
  )

  it.scopedLive("trusts the certificates that Node trusts, each for its own name", () =>
    Effect.gen(function* () {
      const { port } = yield* secure
      for (const [ca, host] of [
        [undefined, "localhost"],
        [certificate, "127.0.0.1"]
      ] as const) {
        const client = yield* http1Client(ca === undefined ? {} : { ca })
        const error = yield* Effect.flip(openWith(client, { url: `https://${host}:${port}/`, headers: {} }))
        assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
      }
    })
  )
})
