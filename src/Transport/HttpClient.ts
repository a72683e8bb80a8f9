/**
 * A transport over the `HttpClient` of the host program, so that its proxies, certificates and test doubles apply.
 *
 * The `Downloader` checks each redirect. A client may add its own secrets to each request (a bearer token, cookies), so by
 * default it is used only for the origin of the download's URL; see `Options.crossOrigin`. This also holds for a client that
 * follows redirects by itself (`HttpClient.followRedirects`, or `fetch`). Such a redirect to another origin fails before it is
 * followed, with `Protocol`, reason `redirect-refused`.
 *
 * This module cannot control a proxy, or a custom dispatcher or `Fetch` that follows redirects although it must not. Two
 * combinations are supported in part. With `followRedirects` around a client with `withTracerDisabledWhen(() => true)`, a
 * redirect to another origin fails after it was followed. With `followRedirects` around `FetchHttpClient`, the `RequestInit`
 * that its layer was built with is not used.
 *
 * A body is saved as it was sent. `FetchHttpClient` decodes a content coding that the server applies without being asked, and the
 * sent bytes are lost. So a successful response with a content coding fails with `Protocol`, reason `message`, unless it is the
 * response of a `NodeHttpClient`, which does not decode. A response that the host makes or changes itself also fails.
 *
 * If a body has neither a length nor chunks, a reset of the connection fails with `Truncated` over `NodeHttpClient.layer`. Over
 * `FetchHttpClient` and `NodeHttpClient.layerUndici` it cannot be told from the end of the body. All of them treat the end of
 * a TLS connection without `close_notify` as the end of such a body. `halyard/Node/Transport` does not. A downloader that is
 * `strict` refuses such a body unless the request has a checksum.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { Protocol, Truncated } from "../DownloadError.js"
import { isTooManyOpenCode, retryUntilDescriptorFree } from "../internal/descriptors.js"
import { contentLength } from "../internal/http/contentLength.js"
import { contentCodings as contentCoding } from "../internal/http/validator.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as Printable from "../internal/text/printable.js"
import * as TransportModule from "../Transport.js"
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
   * Which client follows a redirect to another origin (another scheme, host or port).
   *
   * `refuse` (default): none; the download fails with `Protocol`, reason `redirect-refused`.
   * `same-client`: the same client. Use it only if the client adds no secrets to requests.
   * A client: this one. It should add no secrets; an example is the client before the token was added to it.
   */
  readonly crossOrigin?: "refuse" | "same-client" | HttpClient.HttpClient | undefined
}

/**
 * Makes a transport of the `HttpClient` in the context.
 *
 * Each request has a span without secrets, which replaces the client's own span with its whole URL and headers.
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
    return TransportModule.make({
      open: (request) => (request.isCrossOrigin === true ? sendElsewhere(request) : send(request))
    })
  })

/**
 * Makes a transport of the `HttpClient` in the context. It refuses redirects to another origin.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Transport.Service, never, HttpClient.HttpClient> = Effect.suspend(() =>
  makeWith({})
)

/**
 * The transport over the `HttpClient` in the context. It refuses redirects to another origin.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(Transport, make)

/**
 * The transport over the `HttpClient` in the context, with these options.
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
  // Runs after all the client's changes to the request, so that the client cannot undo these.
  const judged = (sending: Sending) => HttpClient.mapRequestEffect(client, (request) => prepared(sending, request))
  return ({ headers, url }) =>
    Effect.suspend(() => {
      const sending = new Sending()
      return judged(sending)
        .execute(HttpClientRequest.setHeaders(HttpClientRequest.get(url), headers))
        .pipe(
          restoring(HttpClient.currentTracerDisabledWhen),
          restoring(FiberRef.currentTracerEnabled),
          restoring(FiberRef.currentContext),
          restoring(DefaultServices.currentServices),
          // A client that filters by status fails, but its error has the response that the downloader needs.
          Effect.catchIf(isFiltered, (error) => Effect.succeed(error.response)),
          Effect.mapError((error) => fromHttpClientError(url, error)),
          Effect.catchSomeDefect((defect) =>
            defect instanceof FollowedRedirect ? Option.some(hidden(url, defect.message)) : Option.none()
          ),
          Effect.filterOrFail(
            (response) => sending.isSentTo(response.request),
            () => hidden(url, elsewhere)
          ),
          retryUntilDescriptorFree((error) => error._tag === "Connection" && isTooManyOpenCode(error.detail)),
          Effect.onExit((exit) => sending.end(exit)),
          Effect.flatMap((response) => fromResponse(url, response))
        )
    })
}

/** Restores a `FiberRef` after the effect, so that changes such as those of `prepared` stay inside it. */
const restoring =
  <Value>(ref: FiberRef.FiberRef<Value>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(FiberRef.get(ref), (value) => Effect.locally(effect, ref, value))

const elsewhere = "the HttpClient follows redirects by itself, and was led to another origin"

/** A client follows a redirect to another origin by itself. */
class FollowedRedirect extends Error {}

const hidden = (url: string, detail: string): Protocol =>
  new Protocol({ url: displayUrl(url), reason: "redirect-refused", detail })

/** One request while the client sends it. */
class Sending {
  /** The URL that the client is given. */
  asked: URL | undefined
  /** The origin of the first request that is sent. A client may send it to another origin, such as a gateway. */
  private origin: string | undefined
  private span: Tracer.Span | undefined

  /** The client calls this before each request that it sends. True makes the client create no span of its own. */
  readonly isSent = (request: HttpClientRequest.HttpClientRequest): true => {
    const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    this.origin ??= url?.origin
    if (url !== undefined && url.origin !== this.origin) {
      throw new FollowedRedirect(elsewhere)
    }
    return true
  }

  /** False if the response is from another origin, because the client followed a redirect without calling `isSent`. */
  isSentTo(request: HttpClientRequest.HttpClientRequest): boolean {
    const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    const origin = this.origin ?? this.asked?.origin
    return url === undefined || origin === undefined || url.origin === origin
  }

  readonly nameOf = (request: HttpClientRequest.HttpClientRequest): string => {
    this.isSent(request)
    return "http.client GET"
  }

  begin(span: Tracer.Span): void {
    const { asked: url } = this
    this.span = span
    span.attribute("http.request.method", "GET")
    if (url !== undefined) {
      span.attribute("server.address", url.origin)
      span.attribute("url.full", displayUrl(url.href))
      span.attribute("url.scheme", url.protocol.slice(0, -1))
      if (url.port !== "") {
        span.attribute("server.port", Number(url.port))
      }
    }
  }

  end(exit: Exit.Exit<HttpClientResponse.HttpClientResponse, TransportError>): Effect.Effect<void> {
    const { span } = this
    return span === undefined
      ? Effect.void
      : Effect.clockWith((clock) =>
          Effect.sync(() => {
            if (exit._tag === "Success") {
              span.attribute("http.response.status_code", exit.value.status)
            }
            // The exit value is dropped: the response has the request and its headers.
            span.end(clock.unsafeCurrentTimeNanos(), Exit.asVoid(exit))
          })
        )
  }
}

const prepared = (
  sending: Sending,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientRequest.HttpClientRequest> =>
  Effect.gen(function* () {
    sending.asked = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    const isUntraced = yield* FiberRef.get(HttpClient.currentTracerDisabledWhen)
    const isTraced = yield* FiberRef.get(FiberRef.currentTracerEnabled)
    const tracer = yield* Effect.tracer
    const span =
      !isTraced || tracer === unseen || isUntraced(request)
        ? undefined
        : yield* Effect.makeSpan("http.client GET", { kind: "client", captureStackTrace: false })
    // A client reads one of these two before it sends a request. It reads the name of a span only if it creates a span in any
    // case, and that span is dropped.
    yield* FiberRef.set(HttpClient.currentTracerDisabledWhen, sending.isSent)
    yield* FiberRef.set(FiberRef.currentTracerEnabled, true)
    yield* FiberRef.update(DefaultServices.currentServices, Context.add(Tracer.Tracer, unseen))
    const context = yield* Effect.context<never>()
    const init = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit))
    yield* FiberRef.set(
      FiberRef.currentContext,
      context.pipe(
        Context.add(FetchHttpClient.RequestInit, { ...init, redirect: "manual" }),
        Context.add(HttpClient.SpanNameGenerator, sending.nameOf)
      )
    )
    if (span === undefined) {
      return request
    }
    sending.begin(span)
    return (yield* FiberRef.get(HttpClient.currentTracerPropagation))
      ? HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))
      : request
  })

// Effect's default tracer drops its spans.
const unseen = Context.get(DefaultServices.liveServices, Tracer.Tracer)

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
    let isBegun = false
    // Reading a body to its end, or interrupting the read, closes the connection. A body that was never read is closed here.
    yield* Effect.addFinalizer(() => (isBegun ? Effect.void : abandon(response)))
    if (response.status === 0) {
      return yield* hidden(url, "the platform's fetch does not tell where it leads")
    }
    const coding = response.headers["transfer-encoding"]
    if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
      // Clients decode chunks and leave other codings in place, or treat the chunks as content (RFC 9112 §6.1).
      const detail = "its Transfer-Encoding is not chunked alone"
      return yield* new Protocol({ url: displayUrl(url), reason: "message", detail })
    }
    const encoding = contentCoding(response.headers)
    if (encoding !== "" && sent === undefined && response.status >= 200 && response.status < 300) {
      const detail = `its Content-Encoding is ${Printable.excerpt(encoding)}, and this HttpClient may have decoded the body`
      return yield* new Protocol({ url: displayUrl(url), reason: "message", detail })
    }
    let receivedBytes = 0
    const expectedBytes = contentLength(response.headers)
    const isEndedByClose = expectedBytes === undefined && coding === undefined
    return {
      status: response.status,
      headers: response.headers,
      body: Stream.suspend(() => {
        isBegun = true
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

/** A readable stream of Node. */
interface SentBody {
  readonly readableEnded: boolean
}

/**
 * The body as it was sent, if the response is one of `NodeHttpClient`: the `IncomingMessage` of `node:http`, or the body of
 * undici. Undefined if the body may be decoded: the response wraps a `Response` of `fetch`, or has a `stream` of the host.
 */
const sentBody = (response: object): SentBody | undefined => {
  // A host overrides `stream` on the response itself, or on an object whose prototype is the response.
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

/** True if the client ended a body that was not complete. */
const isTruncated = (body: SentBody, isEndedByClose: boolean): boolean => {
  // The client reads a body that failed before the first read as an empty one.
  if (!body.readableEnded) {
    return true
  }
  // `node:http` reports a reset at the end of such a body only at the socket.
  const socket = isEndedByClose && "socket" in body ? body.socket : undefined
  return isStream(socket) && !socket.readableEnded && "errored" in socket && isFailure(socket.errored)
}

// The client aborts its request after the end of the body.
const isFailure = (error: unknown): boolean => error instanceof Error && error.name !== "AbortError"

/** Closes the connection by starting to read the body and interrupting it: platform clients have no other way. */
const abandon = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.scoped(
    Effect.flatMap(Stream.toPull(response.stream), (pull) =>
      Effect.flatMap(Effect.fork(Effect.interruptible(pull)), (fiber) =>
        Effect.zipRight(Effect.yieldNow(), Fiber.interrupt(fiber))
      )
    )
  )
