import { subscribe, unsubscribe } from "node:diagnostics_channel"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as FlagServer from "../src/FlagServer.js"
import * as Flags from "../src/Flags.js"
import * as Node from "../src/Node.js"

const directory = Node.flagsDirectory()

const slow = { min: "500 millis", max: "5 seconds" } as const

const client = (options?: Partial<FlagServer.Options>) =>
  FlagServer.layerClient({ directory, ...options }).pipe(Layer.provide(NodeFileSystem.layer))

const get = (code: string) =>
  Effect.flatMap(HttpClient.HttpClient, (http) => http.get(Flags.url("http://origin", code)))

/** The delay and status of two requests for each flag, in this order. */
const results = (options: Partial<FlagServer.Options>, codes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const exchanges: Array<FlagServer.Exchange> = []
    const onRequest = (exchange: FlagServer.Exchange) => Effect.sync(() => exchanges.push(exchange))
    yield* Effect.gen(function* () {
      const fiber = yield* Effect.fork(
        Effect.forEach([...codes, ...codes], get, { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(client({ ...options, onRequest: (exchange) => Effect.asVoid(onRequest(exchange)) })))
    return exchanges.map(({ code, delay, status }) => `${code} ${Duration.toMillis(delay)} ${status}`).sort()
  })

/** Waits until a server of this process has received a request. */
const requestArrives = Effect.async<void>((resume) => {
  const arrived = () => resume(Effect.void)
  subscribe("http.server.request.start", arrived)
  return Effect.sync(() => unsubscribe("http.server.request.start", arrived))
})

describe("FlagServer", () => {
  it.effect("answers with the bytes of a flag, or with 404", () =>
    Effect.gen(function* () {
      const found = yield* get("BR")
      assert.strictEqual(found.status, 200)
      assert.strictEqual(found.headers["content-type"], "image/gif")
      const bytes = new Uint8Array(yield* found.arrayBuffer)
      assert.strictEqual(new TextDecoder().decode(bytes.slice(0, 3)), "GIF")
      assert.strictEqual(found.headers["content-length"], `${bytes.length}`)
      assert.strictEqual((yield* get("QQ")).status, 404)
      const http = yield* HttpClient.HttpClient
      for (const path of ["/", "/br/us.gif", "/br/../br.gif", "/../package.json", "/brx/brx.gif"]) {
        assert.strictEqual((yield* http.get(`http://origin${path}`)).status, 404, path)
      }
    }).pipe(Effect.provide(client()))
  )

  it.effect("waits for the delay, on the Clock", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(get("BR"))
      yield* TestClock.adjust("1999 millis")
      assert.isTrue(yield* Effect.map(Fiber.poll(fiber), (exit) => exit._tag === "None"))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    }).pipe(Effect.provide(client({ delay: { min: "2 seconds", max: "2 seconds" } })))
  )

  it.effect("gives each request the same delay and status for the same seed, in any order of requests", () =>
    Effect.gen(function* () {
      const options = { seed: 7, delay: slow, errorRate: 0.25 }
      const once = yield* results(options, Flags.populous)
      assert.strictEqual(once.length, 40)
      assert.deepStrictEqual(yield* results(options, Flags.populous.slice().reverse()), once)
      assert.notDeepEqual(yield* results({ ...options, seed: 8 }, Flags.populous), once)
    })
  )

  it.effect("draws delays from the whole range, and errors with the given probability", () =>
    Effect.gen(function* () {
      const drawn = yield* results({ seed: 1, delay: slow, errorRate: 0.25 }, Flags.every)
      const delays = drawn.map((line) => Number(line.split(" ")[1]))
      assert.strictEqual(Math.min(...delays), 500)
      assert.strictEqual(Math.max(...delays), 5000)
      assert.strictEqual(new Set(delays).size, 9)
      const late = delays.filter((millis) => millis > 3100).length / delays.length
      assert.isTrue(late > 0.39 && late < 0.5, `${late} of the delays are over 3.1 s`)
      const refused = drawn.filter((line) => line.endsWith(" 418")).length / drawn.length
      assert.isTrue(refused > 0.21 && refused < 0.29, `${refused} of the answers are errors`)
    })
  )

  it.effect("reports a client that closed the connection, once", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(get("BR"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(lines, ["BR delay: 2.0s -> client left"])
    }).pipe(
      Effect.provide(
        client({
          delay: { min: "2 seconds", max: "2 seconds" },
          onRequest: (exchange) => Effect.asVoid(Effect.sync(() => lines.push(FlagServer.describe(exchange))))
        })
      )
    )
  })

  it.scopedLive("serves over a socket, and answers waiting requests when it stops", () =>
    Effect.gen(function* () {
      const status = yield* Effect.scoped(
        Effect.gen(function* () {
          const { baseUrl } = yield* FlagServer.FlagServer
          assert.match(baseUrl, /^http:\/\/127\.0\.0\.1:\d+$/)
          const http = yield* HttpClient.HttpClient
          const arrival = yield* Effect.fork(requestArrives)
          yield* Effect.yieldNow()
          const response = yield* Effect.forkDaemon(http.get(Flags.url(baseUrl, "BR")))
          yield* Fiber.join(arrival)
          return response
        }).pipe(Effect.provide(Node.layerFlagServer({ delay: { min: "1 hour", max: "1 hour" } })))
      )
      assert.strictEqual((yield* Fiber.join(status)).status, 503)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.effect("fails if its directory cannot be read", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Layer.build(Node.layerFlagServer({ directory: `${directory}/nowhere` })))
      assert.strictEqual(error._tag, "SystemError")
    }).pipe(Effect.scoped)
  )
})
