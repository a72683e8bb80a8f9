import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeTransport from "../../src/Node/Transport.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { Transport } from "../../src/Transport.js"
import * as Contracts from "../../src/testing/Contracts.js"
import * as Origin from "../../src/testing/Origin.js"
import { runCases } from "../support/runCases.js"

const cookies = ["a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "b=2; Path=/"]

/** What `TransportProbe` asks of an origin, on the loopback interface. Its pauses are real: a socket knows no test clock. */
const loopback = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly busy: () => number; readonly close: () => void }>((resume) => {
    let busy = 0
    const server = createServer((request, response) => {
      busy++
      response.on("close", () => busy--)
      switch (request.url) {
        case "/hello":
          response.writeHead(200, { "content-length": 11, "x-answer": `${request.headers["x-asked"]}` })
          response.write("hello ")
          // A real server and a real socket: so the rest comes in a chunk of its own.
          setTimeout(() => response.end("world"), 20)
          return
        case "/echo": {
          const length = request.headers["content-length"] ?? ""
          const headers = {
            "x-method": request.method,
            "x-length": length,
            "content-length": Number(length),
            "set-cookie": cookies
          }
          response.writeHead(200, headers)
          request.pipe(response)
          return
        }
        case "/moved":
          response.writeHead(302, { location: "/hello" }).end()
          return
        case "/cut":
          response.writeHead(200, { "content-length": 10 })
          // What was written goes out before the connection breaks.
          response.write("four", () => setTimeout(() => response.destroy(), 20))
          return
        case "/silent":
          response.writeHead(200, { "content-length": 10 }).write("four")
          return
        default:
          response.writeHead(404).end("nothing here")
      }
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      resume(Effect.succeed({ port, busy: () => busy, close: () => server.close().closeAllConnections() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

for (const [name, layer] of [
  ["Node/Transport", NodeTransport.layer()],
  ["Transport/HttpClient over undici", HttpClientTransport.layer.pipe(Layer.provide(NodeHttpClient.layerUndici))],
  ["Transport/HttpClient over node:http", HttpClientTransport.layer.pipe(Layer.provide(NodeHttpClient.layer))]
] as const) {
  describe(name, () => {
    runCases(
      Contracts.transport(
        Effect.map(loopback, ({ busy, port }) => ({
          layer,
          baseUrl: `http://127.0.0.1:${port}`,
          closedUrl: "http://127.0.0.1:1/",
          busy: Effect.sync(busy)
        }))
      )
    )
  })
}

describe("testing/Origin", () => {
  runCases(
    Contracts.transport(
      Effect.gen(function* () {
        const context = yield* Layer.build(
          Layer.fresh(
            Origin.layer((request) => {
              switch (new URL(request.url).pathname) {
                case "/hello":
                  return {
                    body: "hello world",
                    chunkBytes: 6,
                    headers: { "content-length": "11", "x-answer": request.headers["x-asked"] ?? "" }
                  }
                case "/echo": {
                  const { body, method = "GET" } = request
                  return {
                    headers: {
                      "x-method": method,
                      "x-length": body === undefined ? "" : `${body.length}`,
                      "set-cookie": cookies.join("\n")
                    },
                    body
                  }
                }
                case "/moved":
                  return { status: 302, headers: { location: "/hello" } }
                case "/cut":
                  return { body: "0123456789", breakAt: { bytes: 4, how: "close" } }
                case "/silent":
                  return { body: "0123456789", breakAt: { bytes: 4, how: "silence" } }
                case "/refused":
                  return { instead: "refused" }
                default:
                  return { status: 404, body: "nothing here" }
              }
            })
          )
        )
        const origin = Context.get(context, Origin.Origin)
        return {
          layer: Layer.succeed(Transport, Context.get(context, Transport)),
          baseUrl: "http://origin.test",
          closedUrl: "http://origin.test/refused",
          busy: Effect.sync(() => origin.open())
        }
      })
    )
  )
})
