import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "../../src/Node/Transport/http1/client.js"
import type { Connect } from "../../src/Node/Transport/sockets.js"
import { getWith, openWith } from "../support/exchange.js"

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

describe("HTTP/1.1, on fake connections", () => {
  const request = { url: "http://origin.test/file", headers: {} }
  const lane = (connect: Connect, connectMillis = 10_000) =>
    Effect.acquireRelease(
      Effect.sync(() => Client.make({ connectMillis, connect })),
      ({ close }) => close
    )
  /** Does `begin` in the next turn. */
  const wire =
    (begin: (events: Parameters<Connect>[1], turn: number) => void): Connect =>
    (_target, events) => {
      const turn = turns++
      setImmediate(() => begin(events, turn))
      return {
        stopsAtOnce: true,
        write: () => {
          const bytes = Buffer.from(hello)
          events.nextBuffer().set(bytes)
          events.onData(bytes.length)
        },
        resume: () => {},
        watchEnd: () => {},
        hold: () => {},
        destroy: () => setImmediate(events.onClose)
      }
    }
  let turns = 0

  it.scopedLive("waits for a descriptor where there is none, and not for other things", () =>
    Effect.gen(function* () {
      turns = 0
      const client = yield* lane(
        wire((events, turn) => {
          if (turn < 3) {
            events.onError(Object.assign(new Error("no more"), { code: "EMFILE" }))
          } else {
            events.onConnect()
          }
        })
      )
      assert.strictEqual(yield* getWith(client, request.url), "hello")
      assert.strictEqual(turns, 4)
    })
  )

  it.scopedLive("carries on few of the responses that come at once in one turn, and all of them", () =>
    Effect.gen(function* () {
      const perTurn: Array<number> = [0]
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const count = { next: setImmediate(() => {}) }
          const begin = () => {
            perTurn.push(0)
            count.next = setImmediate(begin)
          }
          begin()
          return count
        }),
        (count) => Effect.sync(() => clearImmediate(count.next))
      )
      const { send } = yield* lane(wire((events) => events.onConnect()))
      const pushed = Effect.async<void>((resume) => {
        send(request, {
          onInformational: () => {},
          onHeld: () => {},
          onHead: () => true,
          onChunk: () => true,
          onEnd: (exit) => {
            perTurn.push((perTurn.pop() ?? 0) + 1)
            resume(Effect.orDie(exit))
          }
        })
      })
      yield* Effect.all(
        Array.from({ length: 30 }, () => pushed),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(
        perTurn.reduce((sum, count) => sum + count, 0),
        30
      )
      assert.isAtMost(Math.max(...perTurn), 4)
    })
  )

  it.scopedLive("bounds the wait for a connection", () =>
    Effect.gen(function* () {
      const client = yield* lane(
        wire(() => {}),
        30
      )
      const error = yield* Effect.flip(openWith(client, request))
      assert.deepInclude(error, { _tag: "Timeout", phase: "connect", limitMillis: 30, receivedBytes: 0 })
      const asked = yield* Effect.flip(openWith(client, { ...request, connectMillis: 10 }))
      assert.deepInclude(asked, { _tag: "Timeout", phase: "connect", limitMillis: 10, receivedBytes: 0 })
    })
  )
})
