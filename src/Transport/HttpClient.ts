/**
 * A transport over the `HttpClient` of the host program, with the proxies, certificates and test doubles of this client.
 *
 * Redirects: the `Downloader` checks each redirect. A client may add its own secrets to each request (a bearer token, cookies), so by
 * default it sends requests only to the origin of the download's URL. `Options.crossOrigin` changes this. If the client itself
 * follows redirects (`HttpClient.followRedirects`, or `fetch`), a redirect to another origin fails before it is followed, with
 * `Protocol` and the reason `redirect-refused`. This module cannot control a proxy, a custom dispatcher or a custom `Fetch` that
 * follows redirects. Two combinations are supported in part:
 *
 * - `followRedirects` around a client with `withTracerDisabledWhen(() => true)`: the redirect fails after it was followed.
 * - `followRedirects` around `FetchHttpClient`: the `RequestInit` of its layer is not used.
 *
 * Content codings: a body is saved as it was sent. `FetchHttpClient` decodes a content coding, even one that was not requested, and
 * the sent bytes are lost. A successful response with a content coding therefore fails with `Protocol` and the reason `message`.
 * Exception: an unchanged response of a `NodeHttpClient`, which does not decode.
 * Methods: those of `HttpMethod`; any other fails with `InvalidRequest`. A body without a type is sent as `application/octet-stream`.
 *
 * Truncation: if a body has neither a length nor chunks, a reset of the connection is detected over `NodeHttpClient.layer` only.
 * Over `FetchHttpClient` and `NodeHttpClient.layerUndici` it looks like the end of the body. With all of these clients, so does the
 * end of a TLS connection without `close_notify`. `halyard/Node` detects both. A `strict` downloader refuses such a body, unless the
 * request has a digest.
 *
 * @since 0.1.0
 */
import * as Cookies from "@effect/platform/Cookies"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpMethod from "@effect/platform/HttpMethod"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { InvalidRequest, Protocol, Truncated } from "../DownloadError.js"
import { isTooManyOpenCode, retryUntilDescriptorFree } from "../internal/descriptors.js"
import { contentLength } from "../internal/http/contentLength.js"
import { contentCodings } from "../internal/http/validator.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as Printable from "../internal/text/printable.js"
import * as Port from "../Transport.js"
import { type StreamResponse, Transport, type TransportError, type TransportRequest } from "../Transport.js"
import { fromHttpClientError } from "./httpClientErrors.js"

/**
 * Options of a transport over an `HttpClient`.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /**
   * The client that follows a redirect to another origin (another scheme, host or port).
   *
   * `refuse` (default): the download fails with `Protocol` and the reason `redirect-refused`.
   * `same-client`: the same client. Use it only if the client adds no secrets to requests.
   * A client: this client, which must add no secrets. Example: the client before a token was added to it.
   */
  readonly crossOrigin?: "refuse" | "same-client" | HttpClient.HttpClient | undefined
}

/**
 * Makes a transport with the `HttpClient` in the context. The span of the client, which has the whole URL and the headers, is turned
 * off, and so is its header `traceparent`: the downloader has a span for each request, and names the origins that get the header.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeWith = ({
  crossOrigin = "refuse"
}: Options): Effect.Effect<typeof Transport.Service, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => {
    const send = sender(client)
    const sendElsewhere = crossOrigin === "refuse" ? refuse : crossOrigin === "same-client" ? send : sender(crossOrigin)
    return Port.make({
      open: (request) => (request.isCrossOrigin === true ? sendElsewhere(request) : send(request))
    })
  })

/**
 * Makes a transport with the `HttpClient` in the context. It refuses redirects to another origin.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Transport.Service, never, HttpClient.HttpClient> = Effect.suspend(() =>
  makeWith({})
)

/**
 * A transport over the `HttpClient` in the context. It refuses redirects to another origin.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(Transport, make)

/**
 * A transport over the `HttpClient` in the context, with these options.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (options: Options): Layer.Layer<Transport, never, HttpClient.HttpClient> =>
  Layer.effect(Transport, makeWith(options))

type Send = (request: TransportRequest) => Effect.Effect<StreamResponse, TransportError, Scope.Scope>

const refuse: Send = ({ url }) =>
  new Protocol({
    url: displayUrl(url),
    reason: "redirect-refused",
    detail: "to another origin, where the HttpClient may add secrets to the request; see crossOrigin"
  })

const sender = (client: HttpClient.HttpClient): Send => {
  // `prepare` runs after the changes that the client makes to a request, so the client cannot undo it.
  const prepared = (sending: Sending) => HttpClient.mapRequestEffect(client, (request) => prepare(sending, request))
  return ({ body, headers, method = "GET", url }) =>
    Effect.suspend(() => {
      if (!HttpMethod.isHttpMethod(method)) {
        return new InvalidRequest({ url: displayUrl(url), detail: `this HttpClient has no method ${method}` })
      }
      const sending = new Sending()
      return prepared(sending)
        .execute(clientRequest(method, url, headers, body))
        .pipe(
          restoringAfter(HttpClient.currentTracerDisabledWhen),
          restoringAfter(HttpClient.currentTracerPropagation),
          restoringAfter(FiberRef.currentTracerEnabled),
          restoringAfter(FiberRef.currentContext),
          restoringAfter(DefaultServices.currentServices),
          // A client that filters by status fails, but the error has the response.
          Effect.catchIf(isFiltered, (error) => Effect.succeed(error.response)),
          Effect.mapError((error) => fromHttpClientError(url, error)),
          Effect.catchSomeDefect((defect) =>
            defect instanceof FollowedRedirect ? Option.some(redirectRefused(url, defect.message)) : Option.none()
          ),
          Effect.filterOrFail(
            (response) => sending.isSentTo(response.request),
            () => redirectRefused(url, toOtherOrigin)
          ),
          retryUntilDescriptorFree((error) => error._tag === "Connection" && isTooManyOpenCode(error.detail)),
          Effect.flatMap((response) => fromResponse(url, response))
        )
    })
}

const clientRequest = (
  method: HttpMethod.HttpMethod,
  url: string,
  headers: TransportRequest["headers"],
  body: Uint8Array | undefined
): HttpClientRequest.HttpClientRequest => {
  const request = HttpClientRequest.modify(HttpClientRequest.get(url), { method, headers })
  return body === undefined ? request : HttpClientRequest.bodyUint8Array(request, body, headers["content-type"])
}

/** Restores a `FiberRef` after the effect, so that changes such as those of `prepare` stay inside it. */
const restoringAfter =
  <Value>(ref: FiberRef.FiberRef<Value>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(FiberRef.get(ref), (value) => Effect.locally(effect, ref, value))

const toOtherOrigin = "the HttpClient followed a redirect to another origin"

/** Thrown when a client itself follows a redirect to another origin. */
class FollowedRedirect extends Error {}

const redirectRefused = (url: string, detail: string): Protocol =>
  new Protocol({ url: displayUrl(url), reason: "redirect-refused", detail })

/** Observes one request while the client sends it. */
class Sending {
  /** The URL of the request. */
  url: URL | undefined
  /** The origin to which the client sends the first request. It may be another origin, such as a gateway. */
  private origin: string | undefined

  /** Called by the client before each request that it sends. True prevents a span of the client. */
  readonly isSent = (request: HttpClientRequest.HttpClientRequest): true => {
    const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    this.origin ??= url?.origin
    if (url !== undefined && url.origin !== this.origin) {
      throw new FollowedRedirect(toOtherOrigin)
    }
    return true
  }

  /** Returns false if the client followed a redirect to another origin without calling `isSent`. */
  isSentTo(request: HttpClientRequest.HttpClientRequest): boolean {
    const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    const origin = this.origin ?? this.url?.origin
    return url === undefined || origin === undefined || url.origin === origin
  }

  readonly nameOf = (request: HttpClientRequest.HttpClientRequest): string => {
    this.isSent(request)
    return "http.client"
  }
}

const prepare = (
  sending: Sending,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientRequest.HttpClientRequest> =>
  Effect.gen(function* () {
    sending.url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    // A client reads one of these two before it sends a request. It reads the name of a span only if it creates a span in any
    // case, and that span is dropped.
    yield* FiberRef.set(HttpClient.currentTracerDisabledWhen, sending.isSent)
    yield* FiberRef.set(HttpClient.currentTracerPropagation, false)
    yield* FiberRef.set(FiberRef.currentTracerEnabled, true)
    yield* FiberRef.update(DefaultServices.currentServices, Context.add(Tracer.Tracer, noTracer))
    const context = yield* Effect.context<never>()
    const init = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit))
    yield* FiberRef.set(
      FiberRef.currentContext,
      context.pipe(
        Context.add(FetchHttpClient.RequestInit, { ...init, redirect: "manual" }),
        Context.add(HttpClient.SpanNameGenerator, sending.nameOf)
      )
    )
    return request
  })

// The default tracer of Effect drops its spans.
const noTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

const isFiltered = (error: HttpClientError.HttpClientError): error is HttpClientError.ResponseError =>
  error._tag === "ResponseError" && error.reason === "StatusCode"

const isEmpty = (error: HttpClientError.HttpClientError): boolean =>
  error._tag === "ResponseError" && error.reason === "EmptyBody"

const fromResponse = (
  url: string,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<StreamResponse, Protocol, Scope.Scope> =>
  Effect.gen(function* () {
    const sent = sentBody(response)
    let isRead = false
    // A connection is closed when its body was read to the end or the read was interrupted. This closes a body that was not read.
    yield* Effect.addFinalizer(() => (isRead ? Effect.void : abandon(response)))
    if (response.status === 0) {
      return yield* redirectRefused(url, "the `fetch` of this platform hides the location")
    }
    const coding = response.headers["transfer-encoding"]
    if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
      // Clients do not decode other transfer codings, or treat chunks as content (RFC 9112 §6.1).
      const detail = "its Transfer-Encoding is not chunked"
      return yield* new Protocol({ url: displayUrl(url), reason: "message", detail })
    }
    const codings = contentCodings(response.headers)
    if (codings !== "" && sent === undefined && response.status >= 200 && response.status < 300) {
      const detail = `its Content-Encoding is ${Printable.excerpt(codings)}, and this HttpClient may have decoded the body`
      return yield* new Protocol({ url: displayUrl(url), reason: "message", detail })
    }
    let receivedBytes = 0
    const expectedBytes = contentLength(response.headers)
    const isEndedByClose = expectedBytes === undefined && coding === undefined
    return {
      status: response.status,
      headers: headersOf(response),
      body: Stream.suspend(() => {
        isRead = true
        return response.stream
      }).pipe(
        Stream.map((chunk) => {
          receivedBytes += chunk.length
          return chunk
        }),
        Stream.catchSome((error) => (isEmpty(error) ? Option.some(Stream.empty) : Option.none())),
        Stream.mapError((error) => fromHttpClientError(url, error, { receivedBytes, expectedBytes })),
        Stream.concat(
          Stream.suspend(() =>
            sent !== undefined && isTruncated(sent, isEndedByClose)
              ? Stream.fail(new Truncated({ url: displayUrl(url), expectedBytes, receivedBytes }))
              : Stream.empty
          )
        )
      )
    }
  })

/** A client joins several `set-cookie` with commas, or has the first one only. */
const headersOf = ({ cookies, headers }: HttpClientResponse.HttpClientResponse): StreamResponse["headers"] =>
  headers["set-cookie"] === undefined
    ? headers
    : { ...headers, "set-cookie": Cookies.toSetCookieHeaders(cookies).join("\n") }

/** The body as it was sent: a readable stream of Node. */
interface SentBody {
  readonly readableEnded: boolean
}

/**
 * Returns the body if the response is from a `NodeHttpClient`: the `IncomingMessage` of `node:http`, or the body of undici. Returns
 * undefined if the body may be decoded: the response wraps a `Response` of `fetch`, or the host program overrides `stream`.
 */
const sentBody = (response: object): SentBody | undefined => {
  // The host overrides `stream` on the response itself, or on an object whose prototype is the response.
  if (Object.hasOwn(response, "stream")) {
    return undefined
  }
  // `HttpClient.make` wraps the response, and aborts the request after the body.
  if (Object.hasOwn(response, "original") && "original" in response && isObject(response.original)) {
    const isOfPlatform = "controller" in response && response.controller instanceof AbortController
    return isOfPlatform ? sentBody(response.original) : undefined
  }
  // A `Response` has `status` in place of `statusCode`.
  const source = Object.hasOwn(response, "source") && "source" in response ? response.source : undefined
  if (!isObject(source) || !("statusCode" in source)) {
    return undefined
  }
  const body = "body" in source ? source.body : source
  return isStream(body) ? body : undefined
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const isStream = (value: unknown): value is SentBody =>
  isObject(value) && "readableEnded" in value && typeof value.readableEnded === "boolean"

/** Returns true if the client ended a body that was not complete. */
const isTruncated = (body: SentBody, isEndedByClose: boolean): boolean => {
  // For the client, a body that failed before the first read is empty.
  if (!body.readableEnded) {
    return true
  }
  // `node:http` reports a reset at the end of such a body only at the socket.
  const socket = isEndedByClose && "socket" in body ? body.socket : undefined
  return isStream(socket) && !socket.readableEnded && "errored" in socket && isFailure(socket.errored)
}

// The client aborts its request after the end of the body.
const isFailure = (error: unknown): boolean => error instanceof Error && error.name !== "AbortError"

/** Closes the connection. A client of the platform does this only if a read of the body is interrupted. */
const abandon = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.scoped(
    Effect.flatMap(Stream.toPull(response.stream), (pull) =>
      Effect.flatMap(Effect.fork(Effect.interruptible(pull)), (fiber) =>
        Effect.zipRight(Effect.yieldNow(), Fiber.interrupt(fiber))
      )
    )
  )
