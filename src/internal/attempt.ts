/**
 * One attempt at one hop: open, judge, receive, verify.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type DownloadError, type HttpStatus, Mismatch, Protocol, TooLarge, Truncated } from "../DownloadError.js"
import type { Part, Store } from "../Store.js"
import * as Transport from "../Transport.js"
import { contentLength } from "./contentLength.js"
import { contentRange } from "./contentRange.js"
import type { Expected } from "./digest.js"
import { displayUrl } from "./displayUrl.js"
import type { Kept } from "./kept.js"
import * as Printable from "./printable.js"
import { type Receiver, receive } from "./receive.js"
import * as Redirect from "./redirect.js"
import * as RequestHeaders from "./requestHeaders.js"
import * as Segments from "./segments.js"
import { statusError } from "./statusError.js"
import * as Validator from "./validator.js"
import type { Wait } from "./watch.js"

export interface Attempt extends Receiver {
  readonly transport: typeof Transport.Transport.Service
  readonly store: typeof Store.Service
  readonly wait: Wait
  readonly expected: Expected | undefined
  readonly strict: boolean
  /** Told of a status that is an error as soon as it is known: the rest of that response may take its time. */
  readonly refused: (error: HttpStatus) => Effect.Effect<void>
  /** Where others may help. */
  readonly segments: Segments.Means | undefined
}

export type Result =
  | { readonly _tag: "Redirected"; readonly to: Redirect.Hop }
  | { readonly _tag: "Received"; readonly part: Part; readonly bytes: number; readonly verified: boolean }

/** What is to be done: `work` first, interruptible, and then `close`, whatever became of it. */
export interface Begun {
  readonly work: Effect.Effect<Result, DownloadError>
  readonly close: Effect.Effect<void>
}

export const begin = (self: Attempt): Begun => {
  const { hop, kept, request } = self
  const { offsetBytes, range } = kept.resumeAt()
  const headers = RequestHeaders.of(request, hop)
  if (range !== undefined) {
    headers["range"] = range
    if (kept.validator !== undefined) {
      headers["if-range"] = kept.validator
    }
  }
  const exchange = Transport.begin(self.transport, { url: RequestHeaders.target(hop.url), headers })
  if (self.segments === undefined) {
    return {
      work: Effect.flatMap(exchange.response, (response) => answered(self, response, offsetBytes, undefined)),
      close: exchange.close
    }
  }
  const crew = new Segments.Crew(self, self.segments, exchange.close)
  return {
    work: Effect.flatMap(exchange.response, (response) => answered(self, response, offsetBytes, crew)),
    close: crew.close
  }
}

const answered = (
  self: Attempt,
  response: Transport.TransportResponse,
  offsetBytes: number,
  crew: Segments.Crew | undefined
): Effect.Effect<Result, DownloadError> => {
  const { hop, kept, wait } = self
  wait.phase = "body"
  wait.windowAt = self.now()
  wait.windowBytes = 0
  if (Redirect.isRedirect(response.status)) {
    return redirected(hop, response)
  }
  return Effect.flatMap(judge(self, response, offsetBytes), (answer) =>
    Effect.flatMap(
      answer.startBytes > 0 && kept.part !== undefined ? Effect.succeed(kept.part) : kept.begin(self.store),
      (part) => {
        kept.resumed = kept.resumed || answer.startBytes > 0
        kept.totalBytes = answer.totalBytes
        kept.validator = Validator.strong(response.headers) ?? (answer.startBytes > 0 ? kept.validator : undefined)
        const body = {
          response,
          part,
          claim: kept.claim(answer.startBytes, answer.endBytes),
          endBytes: answer.endBytes ?? Number.POSITIVE_INFINITY,
          wait
        }
        const received = (): Effect.Effect<Result, DownloadError> =>
          Effect.map(verify(self), (verified) => ({ _tag: "Received", part, bytes: kept.bytes, verified }))
        return crew === undefined
          ? Effect.flatMap(receive(self, body), received)
          : Effect.flatMap(crew.receive(body), (how) =>
              // The same again: what is left needs a permit of its own.
              how === "Left" ? Effect.succeed<Result>({ _tag: "Redirected", to: hop }) : received()
            )
      }
    )
  )
}

const redirected = (hop: Redirect.Hop, response: Transport.TransportResponse): Effect.Effect<Result, DownloadError> =>
  Effect.flatMap(Redirect.next(hop, response.headers["location"]), (to) =>
    Effect.as(contentLength(response.headers) === undefined ? Effect.void : drain(response), {
      _tag: "Redirected",
      to
    })
  )

interface Answer {
  readonly startBytes: number
  /** Where what this response has ends, exclusive. */
  readonly endBytes: number | undefined
  readonly totalBytes: number | undefined
}

/** What the head says of the body: where it begins and ends; or why it is not the file. */
const judge = (
  self: Attempt,
  response: Transport.TransportResponse,
  offsetBytes: number
): Effect.Effect<Answer, DownloadError> => {
  const { hop, kept, request } = self
  const { headers, status } = response
  const isPartial = status === 206 && offsetBytes > 0
  if (!isPartial && status !== 200 && status !== 203) {
    return refusal(self, response, offsetBytes)
  }
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? ""
  // A partial response need not say again what the whole one said (RFC 9110 §15.3.7).
  const isToldBefore = isPartial && type === ""
  if (request.mediaType !== undefined && !isToldBefore && !isOfType(type, request.mediaType.toLowerCase())) {
    kept.forget()
    return new Mismatch({
      url: displayUrl(hop.url.href),
      reason: "type",
      expected: Printable.line(request.mediaType),
      actual: type === "" ? "not announced" : Printable.line(type).slice(0, 100),
      resumed: isPartial
    })
  }
  const lengthBytes = contentLength(headers)
  if (lengthBytes === undefined && headers["content-length"] !== undefined) {
    return new Protocol({
      url: displayUrl(hop.url.href),
      reason: "message",
      detail: "its Content-Length is no number"
    })
  }
  const answer = isPartial ? rest(kept, headers, offsetBytes) : whole(lengthBytes)
  if (answer === undefined) {
    kept.forget()
    const detail = Printable.line(headers["content-range"] ?? "")
    return new Protocol({ url: displayUrl(hop.url.href), reason: "range", detail })
  }
  const { totalBytes } = answer
  if (totalBytes !== undefined && totalBytes > (request.limitBytes ?? Number.POSITIVE_INFINITY)) {
    return new TooLarge({ url: displayUrl(hop.url.href), limitBytes: request.limitBytes ?? 0, bytes: totalBytes })
  }
  return totalBytes !== undefined && request.sizeBytes !== undefined && totalBytes !== request.sizeBytes
    ? sizeMismatch(displayUrl(hop.url.href), request.sizeBytes, totalBytes, false)
    : Effect.succeed(answer)
}

const refusal = (
  { hop, kept, refused }: Attempt,
  response: Transport.TransportResponse,
  offsetBytes: number
): Effect.Effect<never, DownloadError> =>
  Effect.gen(function* () {
    const { status } = response
    const url = displayUrl(hop.url.href)
    if (status === 416 && offsetBytes > 0) {
      kept.forget()
      yield* drain(response)
      return yield* new Protocol({ url, reason: "range", detail: "416" })
    }
    const error = yield* statusError(url, response)
    yield* refused(error)
    yield* drain(response)
    return yield* error
  })

const whole = (lengthBytes: number | undefined): Answer => ({
  startBytes: 0,
  endBytes: lengthBytes,
  totalBytes: lengthBytes
})

/** The rest that was asked for, of the version that was begun, or undefined. */
const rest = (kept: Kept, headers: Transport.TransportResponse["headers"], offsetBytes: number): Answer | undefined => {
  const range = contentRange(headers["content-range"])
  if (
    range === undefined ||
    range.startBytes !== offsetBytes ||
    (kept.validator !== undefined && !Validator.agrees(kept.validator, headers)) ||
    (kept.totalBytes !== undefined && range.totalBytes !== undefined && range.totalBytes !== kept.totalBytes)
  ) {
    return undefined
  }
  return {
    startBytes: offsetBytes,
    endBytes: range.endBytes + 1,
    totalBytes: range.totalBytes ?? kept.totalBytes
  }
}

const isOfType = (actual: string, expected: string): boolean =>
  expected.endsWith("/*") ? actual.startsWith(expected.slice(0, -1)) : actual === expected

const verify = ({ expected, hop, kept, request, strict }: Attempt): Effect.Effect<boolean, Mismatch | Truncated> => {
  const receivedBytes = kept.bytes
  const { resumed, totalBytes } = kept
  if (totalBytes !== undefined && receivedBytes < totalBytes) {
    return new Truncated({ url: displayUrl(hop.url.href), expectedBytes: totalBytes, receivedBytes })
  }
  if (request.sizeBytes !== undefined && receivedBytes !== request.sizeBytes) {
    kept.forget()
    return sizeMismatch(displayUrl(hop.url.href), request.sizeBytes, receivedBytes, resumed)
  }
  if (expected !== undefined) {
    const actual = kept.digest() ?? ""
    if (!expected.digests.includes(actual)) {
      kept.forget()
      return new Mismatch({
        url: displayUrl(hop.url.href),
        reason: "digest",
        expected: `${expected.algorithm}:${expected.digests.join(" or ")}`,
        actual: `${expected.algorithm}:${actual}`,
        resumed
      })
    }
    return Effect.succeed(true)
  }
  const verified = totalBytes !== undefined || request.sizeBytes !== undefined
  return strict && !verified
    ? new Mismatch({ url: displayUrl(hop.url.href), reason: "unverifiable", expected: "", actual: "", resumed: false })
    : Effect.succeed(verified)
}

const sizeMismatch = (url: string, expected: number, actual: number, resumed: boolean): Mismatch =>
  new Mismatch({ url, reason: "size", expected: `${expected}`, actual: `${actual}`, resumed })

// A short body that nobody wants is read to its end, so that its connection can be used again; a longer one is not worth
// that.
const drainLimitBytes = 64 * 1024
const drainLimit = Duration.millis(250)

const drain = (response: Transport.TransportResponse): Effect.Effect<void> =>
  (contentLength(response.headers) ?? 0) <= drainLimitBytes
    ? Effect.suspend(() => {
        let bytes = 0
        return response.drive((chunk) => {
          bytes += chunk.length
          return bytes <= drainLimitBytes
        })
      }).pipe(Effect.timeout(drainLimit), Effect.ignore)
    : Effect.void
