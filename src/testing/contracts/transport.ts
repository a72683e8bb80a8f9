/**
 * The contract of `Transport`, as tests that every backend must pass.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type Exchange, Transport, type TransportRequest } from "../../Transport.js"
import { type Case, type ContractBroken, expect } from "./Case.js"
import { decode, type Pause, Recorder, told } from "./recorder.js"

/**
 * A transport and an origin that it can reach. The origin answers
 *
 * - `/hello` with 200 and `hello world` in several pieces, some milliseconds apart, with its length, and with the value of the
 *   request's header `x-asked` in a header `x-answer`,
 * - `/echo` with 200, the method of the request in a header `x-method`, its `content-length` in a header `x-length` (empty if it has
 *   none), two headers `set-cookie` that begin with `a=1` and `b=2` and of which the first has a comma in its `Expires`, and the body
 *   of the request as the body, with its length,
 * - `/missing` with 404 and a body of some bytes,
 * - `/moved` with 302, `Location: /hello` and an empty body,
 * - `/cut` with 200, a length of 10, four bytes, and the end of the connection,
 * - `/silent` with 200, a length of 10, four bytes, and nothing more.
 *
 * @category models
 * @since 0.2.0
 */
export interface TransportProbe {
  readonly layer: Layer.Layer<Transport>
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** A URL whose server refuses connections. */
  readonly closedUrl: string
  /** The number of connections on which the origin has not finished a response. It may fall a moment after an exchange has ended. */
  readonly busy: Effect.Effect<number>
}

// Real time: a call that the contract excludes can only be waited for. A short wait can miss such a call, and never reports one
// that was not made.
const aMoment = Effect.sleep("30 millis")

/**
 * The contract of `Transport`. `probe` is run for each case. A case waits at most 20 seconds for what the backend must do: give
 * the tests a longer time limit, or they end before the case says what is wrong.
 *
 * @category contracts
 * @since 0.2.0
 */
export const transport = (probe: Effect.Effect<TransportProbe, never, Scope.Scope>): ReadonlyArray<Case> => {
  interface Sent {
    readonly probe: TransportProbe
    readonly recorder: Recorder
    readonly exchange: Exchange
    /** Closes the exchange. */
    readonly close: Effect.Effect<void>
  }

  const connected = (made: TransportProbe, isRight: (busy: number) => boolean, expected: string) => {
    const busyLater: Effect.Effect<number> = Effect.zipRight(Effect.sleep("5 millis"), made.busy)
    return Effect.flatMap(Effect.repeat(busyLater, { until: isRight, times: 4000 }), (busy) =>
      expect(isRight(busy), expected, busy)
    )
  }
  const isIdle = (made: TransportProbe) =>
    connected(made, (busy) => busy === 0, "no connection with an unfinished response after the exchange was closed")

  type Content = Pick<TransportRequest, "method" | "body">

  const sendWith = (
    made: TransportProbe,
    path: string,
    pause: Pause,
    content: Content = {}
  ): Effect.Effect<Sent, never, Transport> =>
    Effect.flatMap(Transport, ({ send }) => {
      const recorder = new Recorder(pause)
      const url = path.startsWith("/") ? made.baseUrl + path : path
      return Effect.map(
        send({ url, headers: { "accept-encoding": "identity", "x-asked": "something" }, ...content }, recorder),
        (exchange) => {
          // A call that came too early has changed the state already.
          if (recorder.state === "sending") {
            recorder.state = "sent"
          }
          const close = Effect.suspend(() => {
            recorder.state = "closed"
            return exchange.close
          })
          return { probe: made, recorder, exchange, close }
        }
      )
    })

  /** Resumes the body until the end. */
  const received = (sent: Sent): Effect.Effect<void, ContractBroken> =>
    Effect.flatMap(sent.recorder.stopped, () => {
      if (sent.recorder.state === "ended") {
        return Effect.void
      }
      sent.recorder.resume(sent.exchange)
      return received(sent)
    })

  const check = (
    title: string,
    body: (made: TransportProbe) => Effect.Effect<void, unknown, Transport | Scope.Scope>
  ): Case => ({
    title,
    check: Effect.scoped(Effect.flatMap(probe, (made) => Effect.provide(Effect.scoped(body(made)), made.layer)))
  })

  const exchange = (
    title: string,
    path: string,
    pause: Pause,
    body: (sent: Sent) => Effect.Effect<void, unknown, Transport>
  ): Case =>
    check(title, (made) =>
      Effect.acquireUseRelease(
        sendWith(made, path, pause),
        (sent) => Effect.zipRight(body(sent), sent.recorder.isRight),
        ({ close }) => close
      )
    )

  /** Sends a request to `/echo`, and checks which request has arrived. */
  const echoes = (made: TransportProbe, content: Content, expectedLength: string) =>
    Effect.acquireUseRelease(
      sendWith(made, "/echo", "never", content),
      (sent) =>
        Effect.gen(function* () {
          yield* received(sent)
          const { exit, head, text } = sent.recorder
          yield* expect(exit !== undefined && Exit.isSuccess(exit), "onEnd with success", told(exit))
          const method = head?.headers["x-method"]
          yield* expect(method === (content.method ?? "GET"), `the method ${content.method ?? "GET"}`, method)
          const length = head?.headers["x-length"]
          yield* expect(length === expectedLength, `the content-length ${expectedLength} of the request`, length)
          const cookies = head?.headers["set-cookie"]
            ?.split("\n")
            .map((cookie) => cookie.slice(0, 3))
            .join()
          yield* expect(cookies === "a=1,b=2", "the headers set-cookie, joined with line feeds", cookies)
          const body = decode(content.body ?? new Uint8Array())
          yield* expect(text === body, "the bytes of the request's body", text.length)
          yield* sent.recorder.isRight
        }),
      ({ close }) => close
    )

  const isHello = ({ exit, text }: Recorder) =>
    Effect.zipRight(
      expect(text === "hello world", "the body hello world", text),
      expect(exit !== undefined && Exit.isSuccess(exit), "onEnd with success after the whole body", told(exit))
    )

  /** Takes the first pause, and checks that the exchange then makes no call. */
  const staysPaused = ({ recorder }: Sent) =>
    Effect.gen(function* () {
      yield* recorder.stopped
      yield* expect(recorder.state === "paused", "a pause before onEnd", recorder.state)
      const { calls } = recorder
      yield* aMoment
      yield* expect(recorder.calls === calls, "no call while the body is paused", recorder.calls - calls)
    })

  /** Closes the exchange, and checks that it then makes no call and leaves no connection. */
  const closesForGood = ({ close, probe: made, recorder }: Sent) =>
    Effect.gen(function* () {
      const { calls } = recorder
      yield* close
      yield* close
      yield* isIdle(made)
      yield* aMoment
      yield* expect(recorder.calls === calls, "no call after close has started", recorder.calls - calls)
    })

  return [
    exchange(
      "delivers the status, the headers by lower-case name, the whole body and the end",
      "/hello",
      "never",
      (sent) =>
        Effect.gen(function* () {
          yield* received(sent)
          const { head } = sent.recorder
          yield* expect(head?.status === 200, "the status 200", head?.status)
          const answer = head?.headers["x-answer"]
          yield* expect(answer === "something", "the header x-answer with the value of the request's x-asked", answer)
          const length = head?.headers["content-length"]
          yield* expect(length === "11", "the header content-length with the value 11", length)
          yield* isHello(sent.recorder)
        })
    ),
    exchange("keeps the connection of the exchange after its end, if it shows one", "/hello", "never", (sent) =>
      Effect.gen(function* () {
        yield* received(sent)
        const { connection } = sent.exchange
        yield* sent.close
        const after = sent.exchange.connection
        yield* expect(after?.id === connection?.id, "the same id of the connection after close", after?.id)
        if (connection !== undefined) {
          const { connectMillis, isReused, lookupMillis, tlsMillis } = connection
          const times = [lookupMillis, connectMillis, tlsMillis].filter((millis) => millis !== undefined)
          yield* expect(Number.isInteger(connection.id) && connection.id > 0, "an id from 1", connection.id)
          yield* expect(!isReused || times.length === 0, "no times of a connection that is used again", times.join())
          yield* expect(
            times.every((millis) => millis >= 0),
            "times that are not negative",
            times.join()
          )
        }
      })
    ),
    exchange("delivers every status, and follows no redirect", "/moved", "never", (sent) =>
      Effect.gen(function* () {
        yield* received(sent)
        const { head } = sent.recorder
        yield* expect(head?.status === 302, "the status 302", head?.status)
        const location = head?.headers["location"]
        yield* expect(location?.endsWith("/hello") === true, "the header location with /hello", location)
      })
    ),
    exchange("delivers the body of an error status", "/missing", "never", (sent) =>
      Effect.gen(function* () {
        yield* received(sent)
        const { exit, head, text } = sent.recorder
        yield* expect(head?.status === 404, "the status 404", head?.status)
        yield* expect(text !== "" && exit !== undefined && Exit.isSuccess(exit), "the body of the 404", text)
      })
    ),
    check("sends the method and the body of a request, with its length", (made) =>
      Effect.gen(function* () {
        const text = new TextEncoder().encode("name=value")
        const large = new TextEncoder().encode("0123456789abcdef".repeat(64 * 1024))
        yield* echoes(made, {}, "")
        yield* echoes(made, { method: "POST", body: text }, "10")
        yield* echoes(made, { method: "PUT", body: large }, `${large.length}`)
        yield* echoes(made, { method: "DELETE" }, "")
        yield* echoes(made, { method: "PATCH", body: text }, "10")
      })
    ),
    exchange("pauses at the head until it is resumed", "/hello", "head", (sent) =>
      Effect.gen(function* () {
        yield* staysPaused(sent)
        yield* expect(sent.recorder.text === "", "no chunk before resume", sent.recorder.text)
        sent.recorder.resume(sent.exchange)
        yield* received(sent)
        yield* isHello(sent.recorder)
      })
    ),
    exchange("does not deliver the end of an empty body while the body is paused", "/moved", "head", (sent) =>
      Effect.gen(function* () {
        yield* staysPaused(sent)
        sent.recorder.resume(sent.exchange)
        yield* received(sent)
        const { exit } = sent.recorder
        yield* expect(exit !== undefined && Exit.isSuccess(exit), "onEnd with success after resume", told(exit))
      })
    ),
    exchange(
      "pauses at each chunk until it is resumed, and keeps the memory of the chunk",
      "/hello",
      "head and chunk",
      (sent) =>
        Effect.gen(function* () {
          const { exchange, recorder } = sent
          yield* staysPaused(sent)
          recorder.resume(exchange)
          let text = ""
          for (;;) {
            yield* recorder.stopped
            if (recorder.exit !== undefined) {
              break
            }
            yield* staysPaused(sent)
            text += recorder.chunk === undefined ? "" : decode(recorder.chunk)
            recorder.resume(exchange)
          }
          yield* isHello(recorder)
          yield* expect(text === "hello world", "the same bytes in the chunks after each pause", text)
        })
    ),
    exchange("ignores resume if the body is not paused", "/hello", "never", (sent) =>
      Effect.gen(function* () {
        sent.exchange.resume()
        yield* received(sent)
        sent.exchange.resume()
        yield* aMoment
        yield* isHello(sent.recorder)
      })
    ),
    exchange("fails with Truncated after the received bytes if the body is cut short", "/cut", "never", (sent) =>
      Effect.gen(function* () {
        yield* received(sent)
        const { error, text } = sent.recorder
        yield* expect(error?._tag === "Truncated", "onEnd with Truncated", told(sent.recorder.exit))
        yield* expect(text.length === 4, "the four bytes that were sent", text)
      })
    ),
    exchange("does not deliver a failure while the body is paused", "/cut", "head and chunk", (sent) =>
      Effect.gen(function* () {
        yield* staysPaused(sent)
        yield* received(sent)
        const { error } = sent.recorder
        yield* expect(error?._tag === "Truncated", "onEnd with Truncated after resume", told(sent.recorder.exit))
      })
    ),
    check("fails with Connection, and without a head, if the server refuses the connection", (made) =>
      Effect.acquireUseRelease(
        sendWith(made, made.closedUrl, "never"),
        (sent) =>
          Effect.gen(function* () {
            yield* received(sent)
            const { error, head } = sent.recorder
            yield* expect(error?._tag === "Connection", "onEnd with Connection", told(sent.recorder.exit))
            yield* expect(head === undefined, "no onHead", head)
            yield* sent.recorder.isRight
          }),
        ({ close }) => close
      )
    ),
    exchange("makes no call after it is closed at once", "/hello", "never", closesForGood),
    exchange("closes the connection if it is closed before the end of the body", "/silent", "chunk", (sent) =>
      Effect.zipRight(staysPaused(sent), closesForGood(sent))
    ),
    exchange("closes the connection if it is closed while it is paused at the head", "/silent", "head", (sent) =>
      Effect.zipRight(staysPaused(sent), closesForGood(sent))
    ),
    exchange("can be closed after the end", "/hello", "never", (sent) =>
      Effect.zipRight(received(sent), closesForGood(sent))
    ),
    check("closes the connection if its caller is interrupted", (made) =>
      Effect.gen(function* () {
        const caller = yield* Effect.fork(
          Effect.acquireUseRelease(sendWith(made, "/silent", "never"), received, ({ close, recorder }) =>
            Effect.zipRight(close, Effect.orDie(recorder.isRight))
          )
        )
        yield* connected(made, (busy) => busy > 0, "a connection with an unfinished response")
        yield* Fiber.interrupt(caller)
        yield* isIdle(made)
      })
    ),
    check("carries several exchanges at the same time, and one after the other", (made) =>
      Effect.forEach(
        [1, 2, 3, 4, 5, 6],
        (index) =>
          Effect.acquireUseRelease(
            sendWith(made, "/hello", index % 2 === 0 ? "never" : "chunk"),
            (sent) =>
              Effect.flatMap(received(sent), () => Effect.zipRight(isHello(sent.recorder), sent.recorder.isRight)),
            ({ close }) => close
          ),
        { concurrency: 3, discard: true }
      )
    )
  ]
}
