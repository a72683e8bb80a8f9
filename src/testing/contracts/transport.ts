/**
 * What every `Transport` keeps to.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type Exchange, Transport } from "../../Transport.js"
import { type Case, expect } from "./Case.js"

/**
 * A transport and an origin that it can reach. The origin answers
 *
 * - `/hello` with 200 and `hello world` in two chunks or more, some milliseconds apart, its length announced, and the
 *   value of the request's header `x-asked` in a header `x-answer`,
 * - `/missing` with 404 and a body of some bytes,
 * - `/moved` with 302 and `Location: /hello`,
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
  /** One where nobody listens. */
  readonly closedUrl: string
  /** How many connections the origin has with a response under way; fewer after a moment of waiting is enough. */
  readonly busy: Effect.Effect<number>
}

/**
 * The contract of `Transport`. `probe` is run for each case.
 *
 * @category contracts
 * @since 0.2.0
 */
export const transport = (probe: Effect.Effect<TransportProbe, never, Scope.Scope>): ReadonlyArray<Case> => {
  type Body = (
    probe: TransportProbe,
    open: (path: string) => ReturnType<typeof Transport.Service.open>
  ) => Effect.Effect<void, unknown, Scope.Scope>
  const at = (title: string, body: Body): Case => ({
    title,
    check: Effect.scoped(
      Effect.flatMap(probe, (made) =>
        Effect.provide(
          Effect.flatMap(Transport, ({ open }) =>
            body(made, (path) =>
              open({
                url: path.startsWith("/") ? made.baseUrl + path : path,
                headers: { "accept-encoding": "identity", "x-asked": "something" }
              })
            )
          ),
          made.layer
        )
      )
    )
  })
  const collect = (response: Effect.Effect.Success<ReturnType<typeof Transport.Service.open>>) =>
    Effect.suspend(() => {
      let text = ""
      const decoder = new TextDecoder()
      return Effect.map(
        response.drive((chunk) => {
          text += decoder.decode(chunk, { stream: true })
          return true
        }),
        (how) => ({ how, text })
      )
    })
  const isIdle = (probe: TransportProbe) =>
    Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), probe.busy), {
      until: (count) => count === 0,
      times: 400
    }).pipe(Effect.flatMap((count) => expect(count === 0, "no connection that is busy", count)))

  // A transport that does not push keeps to this as well.
  const pushed = (
    title: string,
    path: string | undefined,
    check: (pushed: Pushed) => Effect.Effect<void, unknown>
  ): Case => ({
    title,
    check: Effect.scoped(
      Effect.flatMap(probe, (made) =>
        Effect.provide(
          Effect.flatMap(Transport, ({ dispatch }) => {
            const url = path === undefined ? made.closedUrl : made.baseUrl + path
            let [status, text, takes] = [0, "", (): boolean => true]
            let how: "end" | "stop" | "refused" | undefined
            let wake = (): void => {}
            const stop = (as: typeof how): void => {
              how = as
              wake()
            }
            const exchange = dispatch?.(
              { url, headers: { "accept-encoding": "identity", "x-asked": "something" } },
              {
                onHead: (response) => {
                  status = response.status
                  return true
                },
                onChunk: (chunk) => {
                  text += new TextDecoder().decode(chunk)
                  const isMore = takes()
                  if (!isMore) {
                    stop("refused")
                  }
                  return isMore
                },
                onEnd: () => stop("end"),
                onStop: () => stop("stop")
              }
            )
            const told: Pushed["told"] = (onChunk) =>
              Effect.async((resume) => {
                takes = onChunk
                wake = () => resume(Effect.sync(() => ({ how: how ?? "stop", status, text })))
                if (how !== undefined) {
                  wake()
                }
              })
            return exchange === undefined ? Effect.void : check({ probe: made, exchange, told })
          }),
          made.layer
        )
      )
    )
  })

  return [
    at("gives the status, the headers by lower-case name, and the whole body", (_, open) =>
      Effect.gen(function* () {
        const response = yield* open("/hello")
        yield* expect(response.status === 200, "200", response.status)
        yield* expect(response.headers["x-answer"] === "something", "the header", response.headers["x-answer"])
        yield* expect(response.headers["content-length"] === "11", "11", response.headers["content-length"])
        const { how, text } = yield* collect(response)
        yield* expect(how === "Ended" && text === "hello world", "hello world", text)
      })
    ),
    at("pauses when it is told to, and goes on from there", (_, open) =>
      Effect.gen(function* () {
        const response = yield* open("/hello")
        const chunks: Array<string> = []
        const take = response.drive((chunk) => {
          chunks.push(new TextDecoder().decode(chunk))
          return false
        })
        yield* Effect.repeat(take, { until: (how) => how === "Ended", times: 20 })
        yield* expect(chunks.join("") === "hello world", "hello world", chunks.join(""))
        yield* expect(chunks.length > 1, "more than one chunk", chunks.length)
      })
    ),
    at("gives every status, and follows no redirect", (_, open) =>
      Effect.gen(function* () {
        const missing = yield* open("/missing")
        yield* expect(missing.status === 404, "404", missing.status)
        yield* collect(missing)
        const moved = yield* open("/moved")
        yield* expect(moved.status === 302, "302", moved.status)
        const location = moved.headers["location"]
        yield* expect(location?.endsWith("/hello") === true, "/hello", location)
      })
    ),
    at("fails with Truncated where the body is cut short, after what came", (_, open) =>
      Effect.gen(function* () {
        const response = yield* open("/cut")
        const error = yield* Effect.flip(collect(response))
        yield* expect(error._tag === "Truncated", "Truncated", error._tag)
      })
    ),
    at("fails with Connection where nobody listens", (probe, open) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(open(probe.closedUrl))
        yield* expect(error._tag === "Connection", "Connection", error._tag)
      })
    ),
    at("gives the connection up with its scope, and when it is interrupted", (probe, open) =>
      Effect.gen(function* () {
        yield* Effect.scoped(open("/silent"))
        yield* isIdle(probe)
        const fiber = yield* Effect.fork(Effect.scoped(Effect.flatMap(open("/silent"), collect)))
        yield* Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), probe.busy), {
          until: (count) => count > 0,
          times: 400
        })
        yield* Fiber.interrupt(fiber)
        yield* isIdle(probe)
      })
    ),
    pushed("pushes the head, and then the whole body", "/hello", ({ exchange, told }) =>
      Effect.gen(function* () {
        const { how, status, text } = yield* told(() => true)
        yield* expect(how === "end" && status === 200 && text === "hello world", "hello world, and its end", text)
        yield* expect(exchange !== undefined, "an exchange")
      })
    ),
    pushed("goes on by effects from where the receiver has stopped it", "/hello", ({ exchange, told }) =>
      Effect.gen(function* () {
        const { text } = yield* told(() => false)
        const rest = yield* Effect.flatMap(exchange.response, collect)
        yield* expect(text + rest.text === "hello world", "hello world", text + rest.text)
        yield* expect(text !== "" && rest.text !== "", "something of both", text)
        yield* exchange.close
      })
    ),
    pushed("stops where nobody listens, and says why", undefined, ({ exchange, told }) =>
      Effect.gen(function* () {
        const { how } = yield* told(() => true)
        const error = yield* Effect.flip(exchange.response)
        yield* expect(how === "stop" && error._tag === "Connection", "a stop, and Connection", error._tag)
        yield* exchange.close
      })
    ),
    pushed("stops where the body is cut short, and says why", "/cut", ({ exchange, told }) =>
      Effect.gen(function* () {
        const { how, text } = yield* told(() => true)
        const error = yield* Effect.flip(Effect.flatMap(exchange.response, collect))
        yield* expect(how === "stop" && error._tag === "Truncated", "a stop, and Truncated", error._tag)
        yield* expect(text.length === 4, "what came", text)
        yield* exchange.close
      })
    ),
    pushed("gives the connection up when what is pushed is closed", "/silent", ({ exchange, probe }) =>
      Effect.gen(function* () {
        yield* Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), probe.busy), {
          until: (count) => count > 0,
          times: 400
        })
        yield* exchange.close
        yield* isIdle(probe)
      })
    )
  ]
}

interface Pushed {
  readonly probe: TransportProbe
  readonly exchange: Exchange
  /** Suspends until there is nothing more to be told: the body ended, the exchange stopped, or a chunk was refused. */
  readonly told: (
    onChunk: () => boolean
  ) => Effect.Effect<{ readonly how: "end" | "stop" | "refused"; readonly status: number; readonly text: string }>
}
