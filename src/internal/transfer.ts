/**
 * The path of one file: open, judge, receive, verify, publish.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type DownloadRequest, Saved, Skipped } from "../Download.js"
import { Disk, type DownloadError, HttpStatus, Protocol, Timeout, Truncated } from "../DownloadError.js"
import { type Part, Store } from "../Store.js"
import { Transport, type TransportResponse } from "../Transport.js"
import { contentLength } from "./contentLength.js"
import { within } from "./deadline.js"
import { displayUrl } from "./displayUrl.js"
import * as Printable from "./printable.js"

/**
 * Carries one request out. `decide` is told the outcome in the same uninterruptible step that publishes the file: a
 * caller that is interrupted a moment later still knows that it stands there.
 */
export type Transfer = (
  request: DownloadRequest,
  decide: (outcome: Saved | Skipped) => void
) => Effect.Effect<Saved | Skipped, DownloadError>

// A short error body is read to its end, so that its connection can be used again; a longer one is not worth that.
const drainLimitBytes = 64 * 1024
const drainLimit = Duration.seconds(1)

export const makeTransfer: Effect.Effect<Transfer, never, Transport | Store> = Effect.gen(function* () {
  const transport = yield* Transport
  const store = yield* Store

  const receive = Effect.fnUntraced(function* (request: DownloadRequest, wait: Wait, partScope: Scope.Scope) {
    const response = yield* transport.open(request.url)
    wait.phase = "body"
    yield* judge(request, response)
    const part = yield* Scope.extend(store.open(request.destination), partScope)
    const expectedBytes = contentLength(response.headers) ?? Number.POSITIVE_INFINITY
    yield* Stream.runForEach(response.body, (chunk): Effect.Effect<void, DownloadError> => {
      wait.receivedBytes += chunk.length
      return wait.receivedBytes > expectedBytes ? verify(request, response, wait.receivedBytes) : part.write(chunk)
    })
    const verified = yield* verify(request, response, wait.receivedBytes)
    return { part, verified }
  }, Effect.scoped)

  return (request, decide) =>
    Effect.suspend(() => {
      const wait: Wait = { phase: "headers", receivedBytes: 0 }
      return Effect.scopeWith((partScope) =>
        receive(request, wait, partScope).pipe(
          // Around the waits alone: the publish must neither be raced nor cut short.
          within(
            request.timeout,
            () =>
              new Timeout({
                url: displayUrl(request.url),
                phase: wait.phase,
                limitMillis: Duration.toMillis(request.timeout),
                receivedBytes: wait.receivedBytes
              })
          ),
          Effect.flatMap(({ part, verified }) =>
            publish(part, request, { bytes: wait.receivedBytes, verified }, decide)
          )
        )
      )
    }).pipe(Effect.scoped, unlessThere(store, request, decide))
})

interface Wait {
  phase: "headers" | "body"
  receivedBytes: number
}

const unlessThere =
  (store: typeof Store.Service, request: DownloadRequest, decide: (outcome: Skipped) => void) =>
  (transfer: Effect.Effect<Saved | Skipped, DownloadError>): Effect.Effect<Saved | Skipped, DownloadError> =>
    request.onExists === "overwrite"
      ? transfer
      : Effect.flatMap(store.exists(request.destination), (there) => {
          if (!there) {
            return transfer
          }
          if (request.onExists === "fail") {
            return new Disk({ path: Printable.line(request.destination), reason: "exists", detail: "" })
          }
          const outcome = new Skipped({ request })
          decide(outcome)
          return Effect.succeed(outcome)
        })

const judge = (request: DownloadRequest, response: TransportResponse): Effect.Effect<void, DownloadError> => {
  if (response.status === 200 || response.status === 203) {
    return Effect.void
  }
  const error = new HttpStatus({ url: displayUrl(request.url), status: response.status })
  const length = contentLength(response.headers)
  return length !== undefined && length <= drainLimitBytes
    ? Stream.runDrain(response.body).pipe(Effect.timeout(drainLimit), Effect.ignore, Effect.zipRight(error))
    : error
}

const verify = (
  request: DownloadRequest,
  response: TransportResponse,
  receivedBytes: number
): Effect.Effect<boolean, Protocol | Truncated> => {
  const expectedBytes = contentLength(response.headers)
  if (expectedBytes === undefined || expectedBytes === receivedBytes) {
    return Effect.succeed(expectedBytes !== undefined)
  }
  const url = displayUrl(request.url)
  return receivedBytes < expectedBytes
    ? new Truncated({ url, expectedBytes, receivedBytes })
    : new Protocol({ url, reason: "length", detail: `${receivedBytes} bytes instead of ${expectedBytes}` })
}

const publish = (
  part: Part,
  request: DownloadRequest,
  received: { readonly bytes: number; readonly verified: boolean },
  decide: (outcome: Saved | Skipped) => void
): Effect.Effect<Saved | Skipped, DownloadError> =>
  Effect.uninterruptible(
    Effect.map(part.publish(request.onExists), (published) => {
      const outcome = published === "Published" ? new Saved({ request, ...received }) : new Skipped({ request })
      decide(outcome)
      return outcome
    })
  )
