/**
 * The requests of an exporter.
 *
 * A request goes on when the exporter is interrupted, so that a batch under way at the end of a run is not lost. The number of requests
 * at a time, their time and their retries have limits. The first failure is reported, and no other. After a failure, a signal pauses for a
 * minute, but its last request is sent.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import * as Printable from "../../../internal/text/printable.js"
import * as Port from "../../../Transport.js"

// At 1000 spans in a request, these take some 20 MB.
const requestsAtMost = 16

const retriesAtMost = 3

const pauseMillis = 60_000

/** Why a request has brought nothing to its collector. */
class DeliveryError extends Data.TaggedError("DeliveryError")<{
  readonly detail: string
  readonly isRetryable: boolean
}> {}

export class Delivery {
  /** When the last request must have ended. */
  private until = Number.POSITIVE_INFINITY
  private hasFailed = false

  private constructor(
    private readonly transport: typeof Port.Transport.Service,
    private readonly requests: FiberSet.FiberSet<void>,
    private readonly onFailure: (text: string) => void
  ) {}

  /** When the scope closes, the requests that are left are awaited until the time of `endWithin`, and then interrupted. */
  static make(
    transport: typeof Port.Transport.Service,
    onFailure: (text: string) => void
  ): Effect.Effect<Delivery, never, Scope.Scope> {
    return Effect.gen(function* () {
      const delivery = new Delivery(transport, yield* FiberSet.make<void>(), onFailure)
      yield* Effect.addFinalizer(() => delivery.awaitRequests)
      return delivery
    })
  }

  /** From now on no request is repeated, and all requests end within this time. */
  endWithin(millis: number): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      this.until = now + millis
    })
  }

  /**
   * A client for the exporter of one signal. It answers the exporter with success at all times: after a failure, the exporter would drop
   * everything for a minute, also what is left at the end.
   */
  client(timeoutMillis: number): HttpClient.HttpClient {
    let pausedUntil = 0
    const pause = Effect.map(Clock.currentTimeMillis, (now) => {
      pausedUntil = now + pauseMillis
    })
    return HttpClient.make((request, url) =>
      Effect.zip(FiberSet.size(this.requests), Clock.currentTimeMillis).pipe(
        Effect.flatMap(([size, now]) => {
          if (!this.isClosing && now < pausedUntil) {
            return Effect.void
          }
          const isSent = this.isClosing || size < requestsAtMost
          const sending = this.reported(isSent ? this.sent(request, url, timeoutMillis) : tooSlow, url)
          return Effect.flatMap(
            FiberSet.run(
              this.requests,
              Effect.catchAll(sending, () => pause)
            ),
            Fiber.join
          )
        }),
        Effect.map(() => HttpClientResponse.fromWeb(request, new Response(null, { status: 200 })))
      )
    )
  }

  private get isClosing(): boolean {
    return this.until !== Number.POSITIVE_INFINITY
  }

  private readonly awaitRequests: Effect.Effect<void> = Effect.suspend(() =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.timeoutOption(Effect.interruptible(FiberSet.awaitEmpty(this.requests)), Math.max(0, this.until - now))
    )
  )

  private sent(
    { body, headers }: HttpClientRequest.HttpClientRequest,
    url: URL,
    timeoutMillis: number
  ): Effect.Effect<void, DeliveryError> {
    const { "content-length": _, ...others } = headers
    const content = body._tag === "Uint8Array" ? body.body : undefined
    const request = { url: url.href, method: "POST", body: content, headers: { ...others, "user-agent": "halyard" } }
    const answer = Port.open(request).pipe(
      Effect.tap((response) => Stream.runDrain(response.body)),
      Effect.mapError(
        (error) => new DeliveryError({ detail: error.message, isRetryable: error._tag === "Connection" })
      ),
      Effect.flatMap(({ status }) =>
        status >= 200 && status < 300
          ? Effect.void
          : new DeliveryError({ detail: `HTTP status ${status}`, isRetryable: transient.has(status) })
      ),
      Effect.scoped,
      Effect.provideService(Port.Transport, this.transport)
    )
    return Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) =>
        Effect.timeoutFail(answer, {
          duration: Math.min(timeoutMillis, Math.max(1, this.until - now)),
          onTimeout: () => new DeliveryError({ detail: "no response in time", isRetryable: false })
        })
      ),
      Effect.retry({
        times: retriesAtMost,
        schedule: Schedule.spaced("1 second"),
        while: ({ isRetryable }) => isRetryable && !this.isClosing
      })
    )
  }

  private reported<A>(effect: Effect.Effect<A, DeliveryError>, url: URL): Effect.Effect<A, DeliveryError> {
    const report = (detail: string) =>
      Effect.sync(() => {
        if (!this.hasFailed) {
          this.hasFailed = true
          this.onFailure(`cannot send traces or metrics to ${displayUrl(url.href)}: ${Printable.line(detail)}`)
        }
      })
    return effect.pipe(
      Effect.tapError(({ detail }) => report(detail)),
      Effect.onInterrupt(() => report("no response in time"))
    )
  }
}

const tooSlow = Effect.fail(new DeliveryError({ detail: "it takes the data too slowly", isRetryable: false }))

/** Statuses after which a request is repeated, as OTLP demands. */
const transient: ReadonlySet<number> = new Set([429, 502, 503, 504])
