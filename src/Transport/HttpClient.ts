/**
 * A transport over the `HttpClient` of the host program, so that its proxies, certificates and test doubles apply.
 *
 * Not over `FetchHttpClient`: it undoes content codings, and reports a truncated one as success. Nor over a client that
 * follows redirects by itself: where it may go is decided by the `Downloader`.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { contentLength } from "../internal/contentLength.js"
import { isTooManyOpen, whenThereIsOne } from "../internal/descriptors.js"
import { fromHttpClientError } from "../internal/httpErrors.js"
import { fromStream, Transport, type TransportResponse } from "../Transport.js"

/**
 * Makes a transport of the `HttpClient` in the context.
 *
 * The client's own tracing is off for its requests, because its spans carry whole URLs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Transport.Service, never, HttpClient.HttpClient> = Effect.map(
  HttpClient.HttpClient,
  (client) => {
    const scoped = client.pipe(
      HttpClient.withTracerDisabledWhen(() => true),
      HttpClient.withScope
    )
    return Transport.of({
      open: ({ headers, url }) =>
        scoped.execute(HttpClientRequest.setHeaders(HttpClientRequest.get(url), headers)).pipe(
          // A client that filters by status fails with the response that is to be judged.
          Effect.catchIf(isFiltered, (error) => Effect.succeed(error.response)),
          Effect.mapError((error) => fromHttpClientError(url, error)),
          whenThereIsOne((error) => error._tag === "Connection" && isTooManyOpen(error.detail)),
          Effect.flatMap((response) => fromResponse(url, response))
        )
    })
  }
)

/**
 * The transport over the `HttpClient` in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(Transport, make)

const isFiltered = (error: HttpClientError.HttpClientError): error is HttpClientError.ResponseError =>
  error._tag === "ResponseError" && error.reason === "StatusCode"

const isEmpty = (error: HttpClientError.HttpClientError): boolean =>
  error._tag === "ResponseError" && error.reason === "EmptyBody"

const fromResponse = (
  url: string,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<TransportResponse, never, Scope.Scope> => {
  let receivedBytes = 0
  const expectedBytes = contentLength(response.headers)
  return fromStream({
    status: response.status,
    headers: response.headers,
    body: response.stream.pipe(
      Stream.map((chunk) => {
        receivedBytes += chunk.length
        return chunk
      }),
      Stream.catchSome((error) => (isEmpty(error) ? Option.some(Stream.empty) : Option.none())),
      Stream.mapError((error) => fromHttpClientError(url, error, { receivedBytes, expectedBytes }))
    )
  })
}
