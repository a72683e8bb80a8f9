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
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Port from "../Transport.js"

export const toHttpClient = (transport: typeof Port.Transport.Service): HttpClient.HttpClient =>
  HttpClient.make((request, url, signal) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const end = Scope.close(scope, Exit.void)
        // The client aborts a response whose reader is interrupted, or that is not read.
        signal.addEventListener("abort", () => Effect.runFork(end), { once: true })
        return yield* Effect.gen(function* () {
          const response = yield* restore(
            Port.open(toTransport(request, url)).pipe(
              Effect.provideService(Port.Transport, transport),
              Scope.extend(scope),
              Effect.mapError((error) => failed(request, error))
            )
          )
          const body = Stream.ensuring(Stream.mapError(response.body, reasonOf), end)
          const hasBody = request.method !== "HEAD" && response.status !== 204 && response.status !== 304
          // The fiber of the body is interrupted if the reader has enough.
          const content = hasBody
            ? yield* Effect.interruptible(Stream.toReadableStreamEffect(body))
            : yield* Effect.as(end, null)
          return HttpClientResponse.fromWeb(
            request,
            new Response(content, { status: response.status, headers: headersOf(response.headers) })
          )
        }).pipe(Effect.onError(() => end))
      })
    )
  )

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
