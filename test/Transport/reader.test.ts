/**
 * The HTTP/1.1 reader over real sockets: one row for each kind of response. The server counts the requests, because no request may
 * be sent a second time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeTransport from "../../src/Node/Transport.js"
import { raw } from "../support/servers/loopback.js"
import { collect, get, open, until } from "../support/transport/exchange.js"
import { accepted, broken, chunked, malformedChunks, refusedAfterInformational, refusedHeads } from "./responses.js"

const live = Layer.fresh(NodeTransport.layer())

describe("the HTTP/1.1 reader accepts, with one request,", () => {
  for (const { body = "hello", bytes, connection, kind, status = 200 } of accepted) {
    it.scopedLive(kind, () =>
      Effect.gen(function* () {
        const origin = yield* raw([bytes, connection === "ended" ? "end" : "stay"])
        for (const requests of [1, 2]) {
          const response = yield* open({ url: origin.url, headers: {} })
          assert.strictEqual(response.status, status)
          assert.strictEqual(yield* collect(response), body)
          assert.strictEqual(origin.requests.length, requests)
        }
        assert.strictEqual(origin.connections(), connection === "kept" ? 1 : 2)
      }).pipe(Effect.provide(live))
    )
  }
})

describe("the HTTP/1.1 reader refuses, after one request,", () => {
  for (const [kind, bytes] of [
    ...refusedHeads,
    ...refusedAfterInformational,
    ...malformedChunks.map(([kind, body]) => [kind, `${chunked}${body}`] as const)
  ]) {
    it.scopedLive(kind, () =>
      Effect.gen(function* () {
        const origin = yield* raw([bytes, "stay"])
        assert.deepInclude(yield* Effect.flip(get(origin.url)), { _tag: "Protocol", reason: "message" })
        yield* until(() => origin.sockets() === 0)
        assert.strictEqual(origin.sockets(), 0)
        assert.strictEqual(origin.requests.length, 1)
      }).pipe(Effect.provide(live))
    )
  }
})

describe("the HTTP/1.1 reader reports a broken response, after one request:", () => {
  for (const [kind, bytes, then, error] of broken) {
    it.scopedLive(`${kind} is ${error}`, () =>
      Effect.gen(function* () {
        const origin = yield* raw([bytes, then])
        assert.deepInclude(yield* Effect.flip(get(origin.url)), { _tag: error })
        yield* until(() => origin.sockets() === 0)
        assert.strictEqual(origin.sockets(), 0)
        assert.strictEqual(origin.requests.length, 1)
      }).pipe(Effect.provide(live))
    )
  }
})
