/**
 * The spans of a transfer and of its requests. There are none if the calling program has no tracer but Effect's default.
 *
 * Names and attributes of the span of a request follow the conventions of OpenTelemetry for HTTP clients.
 *
 * @internal
 */

import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { DownloadOutcome, DownloadRequest } from "../Download.js"
import { DownloadError } from "../DownloadError.js"
import { isExit } from "../internal/andThen.js"
import { errorType } from "../internal/http/errorType.js"
import { methodAttribute } from "../internal/http/methodAttribute.js"
import { late } from "../internal/late.js"
import { displayLabel, displayUrl } from "../internal/text/displayUrl.js"
import type { ConnectionInfo, TransportRequest } from "../Transport.js"
import { toExit } from "./outcome.js"
import type { Hop } from "./redirect.js"

/** What the spans of a caller have in common. */
export interface Tracing {
  readonly tracer: Tracer.Tracer
  readonly clock: Clock.Clock
  /** The origins whose requests have the header `traceparent`. */
  readonly origins: ReadonlySet<string>
}

export class TransferTrace {
  private sent = 0

  constructor(
    private readonly tracing: Tracing,
    readonly span: Tracer.Span
  ) {}

  /** Begins the span of a request. The request of a segment is no repetition of the one before. */
  begin(hop: Hop, request: TransportRequest, isSegment: boolean): RequestTrace {
    const { clock, origins, tracer } = this.tracing
    const { method = "GET" } = request
    const { hostname, port, protocol } = hop.url
    const known = methodAttribute(method)
    const span = tracer.span(
      known === method ? method : "HTTP",
      Option.some(this.span),
      Context.empty(),
      [],
      clock.unsafeCurrentTimeNanos(),
      "client"
    )
    span.attribute("http.request.method", known)
    if (known !== method) {
      span.attribute("http.request.method_original", method)
    }
    span.attribute("server.address", hostname.replace(/^\[(.*)\]$/, "$1"))
    span.attribute("server.port", port === "" ? (protocol === "https:" ? 443 : 80) : Number(port))
    span.attribute("url.full", displayUrl(request.url))
    span.attribute("url.scheme", protocol.slice(0, -1))
    if (request.headers["range"] !== undefined) {
      span.attribute("http.request.header.range", [request.headers["range"]])
    }
    if (!isSegment) {
      if (this.sent > 0) {
        span.attribute("http.request.resend_count", this.sent)
      }
      this.sent++
    }
    return new RequestTrace(clock, span, origins.has(hop.origin))
  }

  /** Adds the event of a failed attempt that another one follows. */
  retrying(error: DownloadError, attempt: number, delayMillis: number, mirror?: string): void {
    this.span.event("halyard.retry", this.tracing.clock.unsafeCurrentTimeNanos(), {
      "error.type": errorType(error),
      "halyard.retry.reason": withoutDirectories(error).message,
      "halyard.retry.attempt": attempt,
      "halyard.retry.delay": delayMillis / 1000,
      ...(mirror === undefined ? {} : { "halyard.retry.mirror": mirror })
    })
  }
}

export class RequestTrace {
  constructor(
    private readonly clock: Clock.Clock,
    private readonly span: Tracer.Span,
    private readonly isPropagated: boolean
  ) {}

  /** The request with the header `traceparent`, if its origin may have it and the request has none of its own. */
  withParent(request: TransportRequest): TransportRequest {
    const { sampled, spanId, traceId } = this.span
    return this.isPropagated && request.headers["traceparent"] === undefined
      ? {
          ...request,
          // W3C Trace Context §3.2.
          headers: { ...request.headers, traceparent: `00-${traceId}-${spanId}-${sampled ? "01" : "00"}` }
        }
      : request
  }

  /** Makes the span the parent of those that the transport makes. */
  parentOf<A>(sending: Effect.Effect<A>): Effect.Effect<A> {
    return isExit(sending) ? sending : Effect.withParentSpan(sending, this.span)
  }

  answered(status: number): void {
    this.span.attribute("http.response.status_code", status)
  }

  /** Call it once. */
  end(exit: Exit.Exit<unknown, DownloadError>, connection: ConnectionInfo | undefined): void {
    const [, address, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(connection?.remoteAddress ?? "") ?? []
    if (address !== undefined) {
      this.span.attribute("network.peer.address", address)
      this.span.attribute("network.peer.port", Number(port))
    }
    const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
    if (error !== undefined) {
      this.span.attribute("error.type", errorType(error))
    }
    // The value of a success has URLs as they were given.
    this.span.end(this.clock.unsafeCurrentTimeNanos(), Exit.asVoid(Exit.mapError(exit, withoutDirectories)))
  }
}

/** Makes the span of a run, which ends when the stream has ended and its transfers with it. */
export const inRunSpan = <A, E, R>(
  concurrency: number,
  run: (span: Tracer.Span) => Stream.Stream<A, E, R>
): Stream.Stream<A, E, R> =>
  Stream.unwrapScoped(
    Effect.map(
      Effect.makeSpanScoped("Downloader.run", {
        attributes: { "halyard.concurrency": concurrency },
        captureStackTrace: false
      }),
      run
    )
  )

/** Runs a transfer in its span, which fails or is interrupted if the transfer fails or is cancelled. */
export const inTransferSpan = (
  tracing: Tracing,
  { id, url }: DownloadRequest,
  work: (trace: TransferTrace) => Effect.Effect<DownloadOutcome>,
  /** The span of the run. Default: the span of the caller. */
  run?: Tracer.Span
): Effect.Effect<DownloadOutcome> =>
  Effect.suspend(() => {
    let known: DownloadOutcome | undefined
    const attributes = { "halyard.id": displayLabel(id), "url.full": displayUrl(url) }
    const options = { attributes, parent: run, captureStackTrace: false }
    const transfer = Effect.useSpan("Downloader.transfer", options, (span) =>
      Effect.flatMap(Effect.withParentSpan(work(new TransferTrace(tracing, span)), span), (outcome) => {
        known = outcome
        annotate(span, outcome)
        return Effect.mapError(Effect.asVoid(toExit(outcome)), withoutDirectories)
      })
    )
    const outcome = (cause: Cause.Cause<DownloadError>): Effect.Effect<DownloadOutcome> =>
      known === undefined ? Effect.failCause(Cause.flatMap(cause, Cause.die)) : Effect.succeed(known)
    return Effect.matchCauseEffect(transfer, { onFailure: outcome, onSuccess: () => outcome(Cause.empty) })
  })

const encode = late(() => Schema.encodeSync(DownloadError))

const decode = late(() => Schema.decodeSync(DownloadError))

/** The error as other machines may see it. An encoded error has no directories. */
const withoutDirectories = (error: DownloadError): DownloadError =>
  error._tag === "Disk" ? decode(encode(error)) : error

const annotate = (span: Tracer.Span, outcome: DownloadOutcome): void => {
  span.attribute("halyard.outcome", outcome._tag)
  if (outcome._tag === "Saved") {
    span.attribute("halyard.bytes", outcome.bytes)
    span.attribute("halyard.attempts", outcome.attempts)
  } else if (outcome._tag === "Failed") {
    span.attribute("error.type", errorType(outcome.error))
  }
}
