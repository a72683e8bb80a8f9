/**
 * An `HttpClient` over a transport, for code that needs such a client and shall use the connections, proxies and certificates of the
 * transport.
 *
 * The content of a request is in memory. A failure of the transport is a `RequestError` before the head, and fails the body after it.
 * Its cause has the reason as `code`, because the error of a client has the whole request.
 *
 * @internal
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Port from "../Transport.js"

export const toHttpClient = (transport: typeof Port.Transport.Service): HttpClient.HttpClient =>
  HttpClient.make((request, url, signal) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        if (request.body._tag !== "Empty" && request.body._tag !== "Uint8Array") {
          return yield* new HttpClientError.RequestError({ request, reason: "Encode" })
        }
        const scope = yield* Scope.make()
        const end = Scope.close(scope, Exit.void)
        const runtime = yield* Effect.runtime<never>()
        let reader: Fiber.RuntimeFiber<unknown, unknown> | undefined
        // No bytes arrive after the scope is closed, so the fiber that reads them would wait for ever.
        const abort = Effect.suspend(() =>
          Effect.zipRight(reader === undefined ? Effect.void : Fiber.interrupt(reader), end)
        )
        // The client aborts a response whose reader is interrupted, or that is not read.
        signal.addEventListener("abort", () => Runtime.runFork(runtime)(abort), { once: true })
        return yield* Effect.gen(function* () {
          const response = yield* restore(
            Port.open(toTransport(request, url)).pipe(
              Effect.provideService(Port.Transport, transport),
              Scope.extend(scope),
              Effect.mapError((error) => failed(request, error))
            )
          )
          const body = Stream.unwrap(
            Effect.withFiberRuntime<Stream.Stream<Uint8Array, { readonly code: string }>>((fiber) => {
              reader = fiber
              return Effect.succeed(Stream.mapError(response.body, reasonOf))
            })
          ).pipe(Stream.ensuring(end))
          const hasBody = request.method !== "HEAD" && !bodiless.has(response.status)
          // The fiber of the body is interrupted if the reader has enough.
          const content = hasBody
            ? yield* Effect.interruptible(Stream.toReadableStreamEffect(body))
            : yield* Effect.as(end, null)
          // `Response` refuses a status over 599.
          const made = yield* Effect.try({
            try: () => new Response(content, { status: response.status, headers: headersOf(response.headers) }),
            catch: () =>
              new HttpClientError.RequestError({
                request,
                reason: "Transport",
                cause: { code: `the status ${response.status} is unknown` }
              })
          })
          return HttpClientResponse.fromWeb(request, made)
        }).pipe(Effect.onError(() => abort))
      })
    )
  )

/** The statuses with which a `Response` has no body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

const toTransport = (
  { body, headers, method }: HttpClientRequest.HttpClientRequest,
  url: URL
): Port.TransportRequest => {
  // The transport sends the length of the content itself.
  const { "content-length": _, host: __, ...others } = headers
  return { url: url.href, method, headers: others, ...(body._tag === "Uint8Array" ? { body: body.body } : {}) }
}

const headersOf = (headers: Port.ResponseHead["headers"]): Array<[string, string]> =>
  Object.entries(headers).flatMap(
    ([name, value]): Array<[string, string]> => (value === undefined ? [] : [[name, value]])
  )

const reasonOf = (error: Port.TransportError) => ({ code: error.message })

const failed = (request: HttpClientRequest.HttpClientRequest, error: Port.TransportError) =>
  new HttpClientError.RequestError({ request, reason: "Transport", cause: reasonOf(error) })
