/**
 * One attempt at one hop: open, judge, receive, verify.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as RequestHeaders from "../Download/requestHeaders.js"
import type { Verification } from "../Download.js"
import { type DownloadError, type HttpStatus, Mismatch, Protocol, Truncated } from "../DownloadError.js"
import type { Expected } from "../internal/digest.js"
import { contentLength } from "../internal/http/contentLength.js"
import { displayUrl, parse } from "../internal/text/displayUrl.js"
import { isTransient } from "../RetryPolicy.js"
import type { Part, Store } from "../Store.js"
import type { Transport } from "../Transport.js"
import { beginBody, extendHeaders, holdHeaders, type Wait } from "./deadlines.js"
import { Drive, type TransportResponse } from "./drive.js"
import { type Body, type Receiver, Receiving } from "./receiveBody.js"
import * as Redirect from "./redirect.js"
import { type Answer, isAnswer, isEnd, judge } from "./responseCheck.js"
import { leastProgress } from "./retryCount.js"
import * as Segments from "./segments/segments.js"
import { statusError } from "./statusError.js"

export interface Attempt extends Receiver {
  readonly transport: typeof Transport.Service
  readonly store: typeof Store.Service
  readonly wait: Wait
  readonly expected: Expected | undefined
  readonly strict: boolean
  /** Called for the head of each response, whatever its status. */
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
  const { offsetBytes, range } = kept.resumeAt(hop.url)
  const headers = RequestHeaders.forHop(request, hop)
  if (range !== undefined) {
    headers["range"] = range
    if (kept.validator !== undefined) {
      headers["if-range"] = kept.validator
    }
  }
  const exchange = new Drive(
    self.transport,
    {
      url: RequestHeaders.requestUrl(hop.url),
      headers,
      isCrossOrigin: !hop.isFirstOrigin,
      connectMillis: self.connectMillis,
      verifiesBody: verifiesBody(request)
    },
    () => extendHeaders(self.wait, self.now()),
    (isHeld) => holdHeaders(self.wait, isHeld, self.now())
  )
  return from(self, exchange.response, exchange.close, offsetBytes)
}

/** Whether the request's digest or size would reveal a truncated body. */
export const verifiesBody = ({ digest, sizeBytes }: Receiver["request"]): boolean =>
  digest !== undefined || sizeBytes !== undefined

/** What is left of an attempt whose request is sent. */
export const from = (
  self: Attempt,
  response: Effect.Effect<TransportResponse, DownloadError>,
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
  response: TransportResponse,
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
  return Effect.flatMap(checked(self, response, offsetBytes), (answer) =>
    Effect.flatMap(
      answer.startBytes > 0 && kept.part !== undefined ? Effect.succeed(kept.part) : kept.begin(self.store),
      (part) => {
        kept.resumed = kept.resumed || offsetBytes > 0
        if (answer.startBytes > 0) {
          kept.isTotalOfRange ||= kept.totalBytes === undefined
          kept.totalBytes = answer.totalBytes
        } else {
          kept.begun(response, answer.totalBytes, hop.url)
        }
        const body: Body = {
          part,
          claim: kept.claim(answer.startBytes, answer.endBytes),
          endBytes: answer.endBytes ?? Number.POSITIVE_INFINITY,
          wait
        }
        return crew === undefined
          ? Effect.flatMap(new Receiving(self, body).goOn(response), () => restOrWhole(self, part, answer))
          : Effect.flatMap(crew.receive({ ...body, response }), (how) =>
              how === "Left" ? forTheRest(self) : restOrWhole(self, part, answer)
            )
      }
    )
  )
}

/** Checks the response, and records a refused range. */
const checked = (
  self: Attempt,
  response: TransportResponse,
  offsetBytes: number
): Either.Either<Answer, DownloadError> => {
  const answer = judge(self, response, offsetBytes)
  if (offsetBytes > 0 && Either.isLeft(answer)) {
    self.kept.refuseRange()
  }
  return answer
}

/** Continues from the request's own URL. The rest needs a permit, and a redirect that is valid now. */
const forTheRest = (self: Attempt): Effect.Effect<Result> => Effect.succeed({ _tag: "Redirected", to: first(self) })

/**
 * A server may send less than the requested range (RFC 9110 §15.3.7). The end of such a response is the end of the file only if
 * the total says so.
 */
const restOrWhole = (
  self: Attempt,
  part: Part,
  { endBytes, startBytes }: Answer
): Effect.Effect<Result, DownloadError> =>
  Effect.suspend(() => {
    const { hop, kept, request } = self
    const { bytes, totalBytes } = kept
    if (startBytes === 0 && endBytes === undefined && bytes !== (totalBytes ?? bytes)) {
      kept.forget()
      const detail = `${bytes} bytes, not ${totalBytes}, with the same validator`
      return new Protocol({ url: displayUrl(hop.url.href), reason: "inconsistent", detail })
    }
    if (startBytes === 0 || bytes >= (totalBytes ?? request.sizeBytes ?? Number.POSITIVE_INFINITY)) {
      return whole(self, part)
    }
    return bytes === endBytes && bytes - startBytes >= leastProgress(kept) ? forTheRest(self) : truncated(self)
  })

const first = ({ hop, request }: Attempt): Redirect.Hop => ({
  url: parse(request.url) ?? hop.url,
  count: 0,
  isFirstOrigin: true
})

/** From somewhere in a body on. */
export const received = (
  self: Attempt,
  response: TransportResponse,
  part: Part,
  receiving: Receiving
): Effect.Effect<Result, DownloadError> => Effect.flatMap(receiving.goOn(response), () => whole(self, part))

const whole = (self: Attempt, part: Part): Effect.Effect<Result, DownloadError> =>
  Effect.suspend(() =>
    Effect.map(verify(self), (verified): Result => ({ _tag: "Received", part, bytes: self.kept.bytes, verified }))
  )

const redirected = (hop: Redirect.Hop, response: TransportResponse): Effect.Effect<Result, DownloadError> =>
  Effect.flatMap(Redirect.next(hop, response.headers["location"]), (to) =>
    Effect.as(contentLength(response.headers) === undefined ? Effect.void : drain(response), {
      _tag: "Redirected",
      to
    })
  )

const refusal = (
  self: Attempt,
  response: TransportResponse,
  offsetBytes: number
): Effect.Effect<Result, DownloadError> =>
  Effect.gen(function* () {
    const { hop, kept, refused } = self
    const { part } = kept
    const url = displayUrl(hop.url.href)
    const error = yield* statusError(url, response)
    if (offsetBytes === 0 || isTransient(error)) {
      yield* refused(error)
      yield* drain(response)
      return yield* error
    }
    yield* drain(response)
    if (part !== undefined && isEnd(kept, response)) {
      kept.totalBytes = kept.bytes
      return yield* whole(self, part)
    }
    // The server may refuse only the range.
    kept.refuseRange()
    return yield* new Protocol({ url, reason: "range", detail: `${response.status}` })
  })

const truncated = ({ hop, kept }: Attempt): Truncated =>
  new Truncated({ url: displayUrl(hop.url.href), expectedBytes: kept.totalBytes, receivedBytes: kept.bytes })

/** Returns what the content was checked against, or the error if it is not the file. */
export const verify = (self: Attempt): Either.Either<Verification, Mismatch | Truncated> => {
  const { expected, kept, request } = self
  const receivedBytes = kept.bytes
  const { resumed, totalBytes } = kept
  if (totalBytes !== undefined && receivedBytes < totalBytes) {
    return Either.left(truncated(self))
  }
  if (request.sizeBytes !== undefined && receivedBytes !== request.sizeBytes) {
    kept.forget()
    return Either.left(sizeMismatch(displayUrl(self.hop.url.href), request.sizeBytes, receivedBytes, resumed))
  }
  if (expected !== undefined) {
    const actual = kept.digest() ?? ""
    if (!expected.digests.includes(actual)) {
      kept.refuseSegments()
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

const drain = (response: TransportResponse): Effect.Effect<void> =>
  (contentLength(response.headers) ?? 0) <= drainLimitBytes
    ? Effect.suspend(() => {
        let bytes = 0
        return response.drive((chunk) => {
          bytes += chunk.length
          return bytes <= drainLimitBytes
        })
      }).pipe(Effect.timeout(drainLimit), Effect.ignore)
    : Effect.void
