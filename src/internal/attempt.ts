/**
 * One attempt at one hop: open, judge, receive, verify.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Verification } from "../Download.js"
import { type DownloadError, type HttpStatus, Mismatch, Protocol, TooLarge, Truncated } from "../DownloadError.js"
import type { Part, Store } from "../Store.js"
import * as Transport from "../Transport.js"
import { contentLength } from "./contentLength.js"
import { contentRange } from "./contentRange.js"
import type { Expected } from "./digest.js"
import { displayUrl, parse } from "./displayUrl.js"
import type { Kept } from "./kept.js"
import * as Printable from "./printable.js"
import { type Body, type Receiver, Receiving } from "./receive.js"
import * as Redirect from "./redirect.js"
import * as RequestHeaders from "./requestHeaders.js"
import * as Segments from "./segments.js"
import { statusError } from "./statusError.js"
import * as Validator from "./validator.js"
import { beginBody, extendHeaders, type Wait } from "./watch.js"

export interface Attempt extends Receiver {
  readonly transport: typeof Transport.Transport.Service
  readonly store: typeof Store.Service
  readonly wait: Wait
  readonly expected: Expected | undefined
  readonly strict: boolean
  /** Told of the head of a response, whatever it says. */
  readonly originAnswered: () => void
  /** Told of a status that is an error as soon as it is known: the rest of that response may take its time. */
  readonly refused: (error: HttpStatus) => Effect.Effect<void>
  /** Where others may help. */
  readonly segments: Segments.Means | undefined
}

export type Result =
  | { readonly _tag: "Redirected"; readonly to: Redirect.Hop }
  | { readonly _tag: "Received"; readonly part: Part; readonly bytes: number; readonly verified: Verification }

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
  const exchange = Transport.begin(self.transport, {
    url: RequestHeaders.target(hop.url),
    headers,
    isCrossOrigin: !hop.isFirstOrigin,
    connectMillis: self.connectMillis,
    verifiesBody: verifiesBody(request),
    onInformational: () => extendHeaders(self.wait, self.now())
  })
  return from(self, exchange.response, exchange.close, offsetBytes)
}

/** Whether a body that ends too early is found out by what the request says of it. */
export const verifiesBody = ({ digest, sizeBytes }: Receiver["request"]): boolean =>
  digest !== undefined || sizeBytes !== undefined

/** What is left of an attempt whose request is sent. */
export const from = (
  self: Attempt,
  response: Effect.Effect<Transport.TransportResponse, DownloadError>,
  close: Effect.Effect<void>,
  offsetBytes: number
): Begun => {
  const crew = self.segments === undefined ? undefined : new Segments.Crew(self, self.segments, close)
  return {
    work: Effect.flatMap(response, (answer) => answered(self, answer, offsetBytes, crew)),
    close: crew?.close ?? close
  }
}

const answered = (
  self: Attempt,
  response: Transport.TransportResponse,
  offsetBytes: number,
  crew: Segments.Crew | undefined
): Effect.Effect<Result, DownloadError> => {
  const { hop, kept, wait } = self
  beginBody(wait, self.now())
  self.originAnswered()
  if (Redirect.isRedirect(response.status)) {
    return redirected(hop, response)
  }
  if (!isAnswer(response.status, offsetBytes)) {
    return refusal(self, response, offsetBytes)
  }
  return Effect.flatMap(judge(self, response, offsetBytes), (answer) =>
    Effect.flatMap(
      answer.startBytes > 0 && kept.part !== undefined ? Effect.succeed(kept.part) : kept.begin(self.store),
      (part) => {
        kept.resumed = kept.resumed || answer.startBytes > 0
        kept.totalBytes = answer.totalBytes
        kept.validator = Validator.strong(response.headers) ?? (answer.startBytes > 0 ? kept.validator : undefined)
        const body: Body = {
          part,
          claim: kept.claim(answer.startBytes, answer.endBytes),
          endBytes: answer.endBytes ?? Number.POSITIVE_INFINITY,
          wait
        }
        return crew === undefined
          ? received(self, response, part, new Receiving(self, body))
          : Effect.flatMap(crew.receive({ ...body, response }), (how) =>
              // From the request's own address: what is left needs a permit, and an address that leads there today.
              how === "Left" ? Effect.succeed<Result>({ _tag: "Redirected", to: first(self) }) : whole(self, part)
            )
      }
    )
  )
}

const first = ({ hop, request }: Attempt): Redirect.Hop => ({
  url: parse(request.url) ?? hop.url,
  count: 0,
  isFirstOrigin: true
})

/** From somewhere in a body on. */
export const received = (
  self: Attempt,
  response: Transport.TransportResponse,
  part: Part,
  receiving: Receiving
): Effect.Effect<Result, DownloadError> => Effect.flatMap(receiving.goOn(response), () => whole(self, part))

const whole = (self: Attempt, part: Part): Effect.Effect<Result, DownloadError> =>
  Effect.suspend(() =>
    Effect.map(verify(self), (verified): Result => ({ _tag: "Received", part, bytes: self.kept.bytes, verified }))
  )

const redirected = (hop: Redirect.Hop, response: Transport.TransportResponse): Effect.Effect<Result, DownloadError> =>
  Effect.flatMap(Redirect.next(hop, response.headers["location"]), (to) =>
    Effect.as(contentLength(response.headers) === undefined ? Effect.void : drain(response), {
      _tag: "Redirected",
      to
    })
  )

export interface Answer {
  readonly startBytes: number
  /** Where what this response has ends, exclusive. */
  readonly endBytes: number | undefined
  readonly totalBytes: number | undefined
}

/** Whether the body is the file, or the rest of it that was asked for, as far as the status says. */
export const isAnswer = (status: number, offsetBytes: number): boolean =>
  status === 200 || status === 203 || (status === 206 && offsetBytes > 0)

/** What such a head says of the body: where it begins and ends; or why it is not the file. */
export const judge = (
  self: Attempt,
  response: Transport.TransportResponse,
  offsetBytes: number
): Either.Either<Answer, DownloadError> => {
  const { kept, request } = self
  const { headers } = response
  const isPartial = response.status === 206
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? ""
  // A partial response need not say again what the whole one said (RFC 9110 §15.3.7).
  const isToldBefore = isPartial && type === ""
  if (request.mediaType !== undefined && !isToldBefore && !isOfType(type, request.mediaType.toLowerCase())) {
    kept.forget()
    return Either.left(
      new Mismatch({
        url: displayUrl(self.hop.url.href),
        reason: "type",
        expected: Printable.line(request.mediaType),
        actual: type === "" ? "not announced" : Printable.line(type).slice(0, 100),
        resumed: isPartial
      })
    )
  }
  const lengthBytes = contentLength(headers)
  if (lengthBytes === undefined && headers["content-length"] !== undefined) {
    return Either.left(
      new Protocol({
        url: displayUrl(self.hop.url.href),
        reason: "message",
        detail: "its Content-Length is no number"
      })
    )
  }
  const answer = isPartial ? rest(kept, headers, offsetBytes) : allOf(lengthBytes)
  if (answer === undefined) {
    kept.forget()
    const detail = Printable.line(headers["content-range"] ?? "")
    return Either.left(new Protocol({ url: displayUrl(self.hop.url.href), reason: "range", detail }))
  }
  const { totalBytes } = answer
  if (totalBytes !== undefined && totalBytes > kept.limitBytes) {
    return Either.left(
      new TooLarge({ url: displayUrl(self.hop.url.href), limitBytes: kept.limitBytes, bytes: totalBytes })
    )
  }
  return totalBytes !== undefined && request.sizeBytes !== undefined && totalBytes !== request.sizeBytes
    ? Either.left(sizeMismatch(displayUrl(self.hop.url.href), request.sizeBytes, totalBytes, false))
    : Either.right(answer)
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

const allOf = (lengthBytes: number | undefined): Answer => ({
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

/** What the content was checked against; or how it is not the file. */
export const verify = (self: Attempt): Either.Either<Verification, Mismatch | Truncated> => {
  const { expected, kept, request } = self
  const receivedBytes = kept.bytes
  const { resumed, totalBytes } = kept
  if (totalBytes !== undefined && receivedBytes < totalBytes) {
    return Either.left(new Truncated({ url: displayUrl(self.hop.url.href), expectedBytes: totalBytes, receivedBytes }))
  }
  if (request.sizeBytes !== undefined && receivedBytes !== request.sizeBytes) {
    kept.forget()
    return Either.left(sizeMismatch(displayUrl(self.hop.url.href), request.sizeBytes, receivedBytes, resumed))
  }
  if (expected !== undefined) {
    const actual = kept.digest() ?? ""
    if (!expected.digests.includes(actual)) {
      kept.forget()
      return Either.left(
        new Mismatch({
          url: displayUrl(self.hop.url.href),
          reason: "digest",
          expected: `${expected.algorithm}:${expected.digests.join(" or ")}`,
          actual: `${expected.algorithm}:${actual}`,
          resumed
        })
      )
    }
    return Either.right("digest")
  }
  const verified = totalBytes === undefined && request.sizeBytes === undefined ? "none" : "length"
  return self.strict && verified === "none"
    ? Either.left(
        new Mismatch({
          url: displayUrl(self.hop.url.href),
          reason: "unverifiable",
          expected: "",
          actual: "",
          resumed: false
        })
      )
    : Either.right(verified)
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
