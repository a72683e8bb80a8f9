/**
 * A transport over the `HttpClient` of the host program, so that its proxies, certificates and test doubles apply.
 *
 * Not over `FetchHttpClient`: it undoes content codings, and reports a truncated one as success.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidRequest, Protocol } from "../DownloadError.js"
import { contentLength } from "../internal/contentLength.js"
import * as DisplayUrl from "../internal/displayUrl.js"
import { fromHttpClientError } from "../internal/httpErrors.js"
import * as Redirect from "../internal/redirect.js"
import { Transport, type TransportError, type TransportResponse } from "../Transport.js"

/**
 * Makes a transport of the `HttpClient` in the context.
 *
 * Requests ask for `Accept-Encoding: identity`. The client's own tracing is off for them, because its spans carry
 * whole URLs, credentials included.
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

    const hop = (url: URL, count: number): Effect.Effect<TransportResponse, TransportError, Scope.Scope> =>
      HttpClientRequest.get(url).pipe(
        HttpClientRequest.setHeaders({ accept: "*/*", "accept-encoding": "identity" }),
        scoped.execute,
        Effect.mapError((error) => fromHttpClientError(url.href, error)),
        Effect.flatMap((response) => {
          if (!Redirect.isRedirect(response.status)) {
            return Effect.succeed(fromResponse(url.href, response))
          }
          if (count === Redirect.maximum) {
            return new Protocol({ url: DisplayUrl.displayUrl(url.href), reason: "redirect-loop", detail: "" })
          }
          return Effect.flatMap(Redirect.target(url, response.headers["location"]), (next) => hop(next, count + 1))
        })
      )

    return Transport.of({
      open: (url) => {
        const parsed = DisplayUrl.parse(url)
        const shown = DisplayUrl.displayUrl(url)
        if (parsed === undefined) {
          return new InvalidRequest({ url: shown, detail: "it is not an absolute URL" })
        }
        if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
          return new InvalidRequest({ url: shown, detail: `${parsed.protocol} is neither http: nor https:` })
        }
        return Effect.withSpan(hop(parsed, 0), "Transport.open", { attributes: { "url.full": shown } })
      }
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

const fromResponse = (url: string, response: HttpClientResponse.HttpClientResponse): TransportResponse => ({
  status: response.status,
  headers: response.headers,
  body: Stream.suspend(() => {
    let receivedBytes = 0
    const expectedBytes = contentLength(response.headers)
    return response.stream.pipe(
      Stream.map((chunk) => {
        receivedBytes += chunk.length
        return chunk
      }),
      Stream.mapError((error) => fromHttpClientError(url, error, { receivedBytes, expectedBytes }))
    )
  })
})
