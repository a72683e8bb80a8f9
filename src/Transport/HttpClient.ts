/**
 * A transport over the `HttpClient` of the host program, so that its proxies, certificates and test doubles apply.
 *
 * Not over `FetchHttpClient`: it undoes content codings, and reports a truncated one as success.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidRequest, Protocol } from "../DownloadError.js"
import { contentLength } from "../internal/contentLength.js"
import { isTooManyOpen, whenThereIsOne } from "../internal/descriptors.js"
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

    // As a string, because a URL object would be taken apart and put together differently; without the fragment, which
    // is not the server's business (RFC 9110 §4.2.5).
    const get = (url: URL): HttpClientRequest.HttpClientRequest => {
      const asked = url.href.slice(0, url.href.length - url.hash.length)
      const plain = { accept: "*/*", "accept-encoding": "identity" }
      if (url.username === "" && url.password === "") {
        return HttpClientRequest.setHeaders(HttpClientRequest.get(asked), plain)
      }
      // Credentials in a URL are for its own origin, as a header (RFC 7617); a redirect's target has its own, or none.
      return HttpClientRequest.get(asked.replace(/\/\/[^/]*@/, "//")).pipe(
        HttpClientRequest.setHeaders(plain),
        HttpClientRequest.basicAuth(decode(url.username), decode(url.password))
      )
    }

    const hop = (url: URL, count: number): Effect.Effect<TransportResponse, TransportError, Scope.Scope> =>
      Effect.gen(function* () {
        // Each hop's connection is given back before the next is opened.
        const scope = yield* Effect.flatMap(Effect.scope, (outer) => Scope.fork(outer, outer.strategy))
        const response = yield* scoped.execute(get(url)).pipe(
          Scope.extend(scope),
          // A client that filters by status fails with the response that is to be judged here.
          Effect.catchIf(isFiltered, (error) => Effect.succeed(error.response)),
          Effect.mapError((error) => fromHttpClientError(url.href, error))
        )
        if (!Redirect.isRedirect(response.status)) {
          return fromResponse(url.href, response)
        }
        yield* Scope.close(scope, Exit.void)
        if (count === Redirect.maximum) {
          return yield* new Protocol({ url: DisplayUrl.displayUrl(url.href), reason: "redirect-loop", detail: "" })
        }
        return yield* hop(yield* Redirect.target(url, response.headers["location"]), count + 1)
      })

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
        return hop(parsed, 0).pipe(
          whenThereIsOne((error) => error._tag === "Connection" && isTooManyOpen(error.detail)),
          Effect.withSpan("Transport.open", { attributes: { "url.full": shown } })
        )
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

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return text
  }
}

const isFiltered = (error: HttpClientError.HttpClientError): error is HttpClientError.ResponseError =>
  error._tag === "ResponseError" && error.reason === "StatusCode"

const isEmpty = (error: HttpClientError.HttpClientError): boolean =>
  error._tag === "ResponseError" && error.reason === "EmptyBody"

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
      Stream.catchSome((error) => (isEmpty(error) ? Option.some(Stream.empty) : Option.none())),
      Stream.mapError((error) => fromHttpClientError(url, error, { receivedBytes, expectedBytes }))
    )
  })
})
