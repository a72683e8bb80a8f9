import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Connect } from "../../src/Node/Transport/sockets.js"
import { getWith, openWith, until } from "../support/transport/exchange.js"
import { connectionLimit, http1Client } from "../support/transport/http1Client.js"
import { hello } from "./responses.js"

const made = { remoteAddress: undefined, lookupMillis: 0, connectMillis: 0, tlsMillis: undefined }

describe("HTTP/1.1, on fake connections", () => {
  const request = { url: "http://origin.test/file", headers: {} }
  const tooManyOpen = () => Object.assign(new Error("no more"), { code: "EMFILE" })
  /** Calls `begin` in the next turn of the event loop. */
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
        ref: () => {},
        destroy: () => setImmediate(events.onClose)
      }
    }
  let turns = 0

  it.scopedLive("waits for a descriptor if the system refuses it", () =>
    Effect.gen(function* () {
      turns = 0
      const client = yield* http1Client({
        limit: connectionLimit(),
        connect: wire((events, turn) => {
          if (turn < 3) {
            events.onError(tooManyOpen())
          } else {
            events.onConnect(made)
          }
        })
      })
      assert.strictEqual(yield* getWith(client, request.url), "hello")
      assert.strictEqual(turns, 4)
    })
  )

  it.scopedLive("says that a request waits for a descriptor, and stops waiting when the exchange is closed", () =>
    Effect.gen(function* () {
      turns = 0
      const held: Array<boolean> = []
      const client = yield* http1Client({
        limit: connectionLimit(),
        connect: wire((events) => events.onError(tooManyOpen()))
      })
      const fiber = yield* Effect.fork(
        Effect.scoped(openWith(client, request, { onHeld: (isHeld) => held.push(isHeld) }))
      )
      yield* until(() => held.length === 3)
      yield* Fiber.interrupt(fiber)
      const made = turns
      // Longer than the next pause.
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(held.slice(0, 3), [true, false, true])
      assert.strictEqual(turns, made)
    })
  )

  it.scopedLive("fails the requests that wait for a descriptor when the client is closed", () =>
    Effect.gen(function* () {
      const held: Array<boolean> = []
      const client = yield* http1Client({
        limit: connectionLimit(),
        connect: wire((events) => events.onError(tooManyOpen()))
      })
      const fiber = yield* Effect.fork(
        Effect.flip(Effect.scoped(openWith(client, request, { onHeld: (isHeld) => held.push(isHeld) })))
      )
      yield* until(() => held.length > 0)
      yield* client.close
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "Connection", reason: "reset" })
    })
  )

  it.scopedLive("delivers a few ends of responses in one turn of the event loop, and all of them in the end", () =>
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
      const { send } = yield* http1Client({ connect: wire((events) => events.onConnect(made)) })
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
      assert.isAtMost(Math.max(...perTurn), 12)
    })
  )

  it.scopedLive("limits the time for a connection", () =>
    Effect.gen(function* () {
      const client = yield* http1Client({ connect: wire(() => {}), connectMillis: 30 })
      const error = yield* Effect.flip(openWith(client, request))
      assert.deepInclude(error, { _tag: "Timeout", phase: "connect", limitMillis: 30, receivedBytes: 0 })
      const asked = yield* Effect.flip(openWith(client, { ...request, connectMillis: 10 }))
      assert.deepInclude(asked, { _tag: "Timeout", phase: "connect", limitMillis: 10, receivedBytes: 0 })
    })
  )
})
