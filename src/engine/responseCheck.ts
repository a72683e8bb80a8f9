/**
 * Checks the head of a response against the request and against earlier responses.
 *
 * The same function checks all responses of a transfer: the first, one for the rest of a file, and one for a segment.
 *
 * @internal
 */
import * as Either from "effect/Either"
import type { DownloadRequest } from "../Download.js"
import { type DownloadError, Mismatch, Protocol, TooLarge } from "../DownloadError.js"
import { contentLength } from "../internal/http/contentLength.js"
import { parseContentRange, parseUnsatisfiedRange } from "../internal/http/contentRange.js"
import * as DigestFields from "../internal/http/digestFields.js"
import * as Validator from "../internal/http/validator.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as Printable from "../internal/text/printable.js"
import type { ResponseHead } from "../Transport.js"
import type { PartialFile } from "./partialFile.js"
import type { Hop } from "./redirect.js"

/** The range of the file that a body contains. */
export interface Answer {
  readonly startBytes: number
  /** Exclusive; undefined if only the end of the body gives it. */
  readonly endBytes: number | undefined
  readonly totalBytes: number | undefined
}

type Headers = ResponseHead["headers"]

interface Checked {
  readonly request: DownloadRequest
  readonly partial: PartialFile
}

/** Whether the status announces the file, or the range that begins at `offsetBytes`. */
export const isAnswer = (status: number, offsetBytes: number): boolean =>
  status === 200 || status === 203 || (status === 206 && offsetBytes > 0)

/**
 * Returns the range in a response with such a status, or the error if the response does not match the request. The request had
 * a `Range` if `offsetBytes` is not 0. `isMirror`: it asked a mirror for a segment. Has no side effects.
 */
export const judge = (
  { partial, request }: Checked,
  hop: Hop,
  { headers, status }: ResponseHead,
  offsetBytes: number,
  isMirror = false
): Either.Either<Answer, DownloadError> => {
  const protocol = (reason: Protocol["reason"], detail: string) =>
    Either.left(new Protocol({ url: displayUrl(hop.href), reason, detail }))
  const mismatch = (reason: "size" | "type", expected: string, actual: string) =>
    // A plain request may succeed.
    Either.left(new Mismatch({ url: displayUrl(hop.href), reason, expected, actual, resumed: offsetBytes > 0 }))
  const isPartial = status === 206
  const type = Validator.mediaType(headers)
  // A partial response need not repeat the fields of the whole response (RFC 9110 §15.3.7).
  const isToldBefore = isPartial && type === ""
  if (request.mediaType !== undefined && !isToldBefore && !isOfType(type, request.mediaType.toLowerCase())) {
    const actual = type === "" ? "not announced" : Printable.line(type).slice(0, longestDetail)
    return mismatch("type", Printable.line(request.mediaType), actual)
  }
  const framing = headers["transfer-encoding"]
  if (framing !== undefined && framing.trim().toLowerCase() !== "chunked") {
    // Clients do not decode other transfer codings, so the bytes are not those of the file (RFC 9112 §6.1).
    return protocol("message", `Transfer-Encoding: ${Printable.line(framing).slice(0, longestDetail)}`)
  }
  const lengthBytes = contentLength(headers)
  if (lengthBytes === undefined && headers["content-length"] !== undefined) {
    return protocol("message", "its Content-Length is no number")
  }
  const answer = isPartial
    ? partOf(partial, headers, lengthBytes, type, offsetBytes, isMirror)
    : wholeOf(partial, headers, lengthBytes, type, offsetBytes)
  if (typeof answer === "string") {
    const detail = Printable.line(answer).slice(0, longestDetail)
    return protocol(offsetBytes > 0 ? "range" : "inconsistent", detail)
  }
  const { totalBytes } = answer
  if (totalBytes !== undefined && totalBytes > partial.limitBytes) {
    return Either.left(new TooLarge({ url: displayUrl(hop.href), limitBytes: partial.limitBytes, bytes: totalBytes }))
  }
  return totalBytes !== undefined && request.sizeBytes !== undefined && totalBytes !== request.sizeBytes
    ? mismatch("size", `${request.sizeBytes}`, `${totalBytes}`)
    : Either.right(answer)
}

const longestDetail = 100

/** Checks a response with the whole file. */
const wholeOf = (
  partial: PartialFile,
  headers: Headers,
  lengthBytes: number | undefined,
  type: string,
  offsetBytes: number
): Answer | string => {
  const said = headers["content-range"]
  const range = said === undefined ? undefined : parseContentRange(said)
  const endBytes = lengthBytes ?? range?.totalBytes
  const totalBytes = endBytes ?? knownTotal(partial, headers)
  if (range === undefined) {
    // `Content-Range` has no meaning with this status (RFC 9110 §14.4), but the server may mean the requested range.
    if (said !== undefined && offsetBytes > 0) {
      return `the whole file, with Content-Range: ${said}`
    }
  } else if (
    range.startBytes !== 0 ||
    range.endBytes + 1 !== totalBytes ||
    (range.totalBytes ?? totalBytes) !== totalBytes
  ) {
    return `the whole file, with Content-Range: ${said}`
  }
  if (offsetBytes > 0 && type === multipart) {
    return `the whole file, as ${multipart}`
  }
  const before = partial.earlier?.type ?? ""
  if (type === page && before !== "" && before !== page && !partial.hasDigest) {
    return `${page}, not ${before}`
  }
  return contradiction(partial, headers, totalBytes, offsetBytes) ?? { startBytes: 0, endBytes, totalBytes }
}

/** The total from an earlier response of the same version, if this response has none. */
const knownTotal = ({ earlier, hasDigest }: PartialFile, headers: Headers): number | undefined => {
  const validator = earlier === undefined || hasDigest ? undefined : Validator.strong(headers)
  return validator !== undefined &&
    validator === earlier?.validator &&
    earlier.coding === Validator.contentCodings(headers)
    ? earlier.totalBytes
    : undefined
}

/**
 * Why a whole response cannot be of the version that its validator names: a cache may store a truncated body and serve it as
 * the whole file, and a server may send the rest of the file with the status of a whole response. Without a validator, only the
 * response to a range request is doubted. Then the whole file is requested once more.
 */
const contradiction = (
  { earlier, hasDigest }: PartialFile,
  headers: Headers,
  totalBytes: number | undefined,
  offsetBytes: number
): string | undefined => {
  if (earlier === undefined || earlier.coding !== Validator.contentCodings(headers)) {
    return undefined
  }
  const isOtherTotal =
    earlier.totalBytes === undefined
      ? totalBytes !== undefined && totalBytes < earlier.leastBytes
      : totalBytes !== earlier.totalBytes
  const validator = Validator.strong(headers)
  const isSaidToBe = validator === undefined ? offsetBytes > 0 : validator === earlier.validator
  // If the request has a digest, it verifies the content at the end.
  const isDoubted = isSaidToBe && (offsetBytes > 0 || !hasDigest)
  if (isOtherTotal && isDoubted) {
    const known = earlier.totalBytes ?? `at least ${earlier.leastBytes}`
    return `${totalBytes ?? "any number of"} bytes, not ${known}, with ${validator === undefined ? "no" : "the same"} validator`
  }
  // The bytes may be the rest, and no length of the file is known that would show it at the end.
  const mayBeRest = offsetBytes > 0 && !hasDigest && earlier.totalBytes === undefined
  return mayBeRest && isDoubted ? "the whole file or the rest of it" : undefined
}

/** Checks a response with the requested rest of the file, or with the first part of it. */
const partOf = (
  partial: PartialFile,
  headers: Headers,
  lengthBytes: number | undefined,
  type: string,
  offsetBytes: number,
  isMirror: boolean
): Answer | string => {
  const said = headers["content-range"]
  const range = parseContentRange(said)
  if (range === undefined) {
    return said === undefined ? "no Content-Range" : `Content-Range: ${said}`
  }
  // Another server must say the total.
  const totalBytes = range.totalBytes ?? (isMirror ? undefined : partial.totalBytes)
  const validator = partial.validatorOf(isMirror)
  if (
    range.startBytes !== offsetBytes ||
    range.endBytes >= (totalBytes ?? Number.POSITIVE_INFINITY) ||
    (partial.totalBytes ?? totalBytes) !== totalBytes
  ) {
    return `${said}`
  }
  const endBytes = range.endBytes + 1
  if (lengthBytes !== undefined && lengthBytes !== endBytes - range.startBytes) {
    return `${said}, with ${lengthBytes} bytes`
  }
  if (type === multipart) {
    return `${said}, as ${multipart}`
  }
  if (validator !== undefined && !Validator.matches(validator, headers)) {
    return `${said}, of another version`
  }
  if (isOtherDigest(partial, headers)) {
    return `${said}, of a version with another digest`
  }
  const coding = Validator.contentCodings(headers)
  return coding === partial.coding
    ? { startBytes: offsetBytes, endBytes, totalBytes }
    : `${said}, in the coding ${coding === "" ? "identity" : coding}`
}

/** Whether a response to a range request has another digest of the whole file than an earlier response. */
const isOtherDigest = ({ announced }: PartialFile, headers: Headers): boolean => {
  const said = announced === undefined ? undefined : DigestFields.ofRepresentation({ status: 206, headers })
  return (
    said?.algorithm === announced?.algorithm && said?.digests.some((one) => !announced?.digests.includes(one)) === true
  )
}

/**
 * Whether a 416 response shows that all bytes of the file were received (RFC 9110 §15.5.17). Apache and lighttpd do not say the length
 * of the file. Then it is enough that the digest of the request will prove the bytes.
 */
export const isEnd = (
  { bytes, hasDigest, ranges, totalBytes, validator }: PartialFile,
  { headers, status }: ResponseHead
): boolean =>
  status === 416 &&
  totalBytes === undefined &&
  ranges.isPrefix &&
  (headers["content-range"] === undefined ? hasDigest : parseUnsatisfiedRange(headers["content-range"]) === bytes) &&
  (validator === undefined || headers["etag"] === undefined || Validator.matches(validator, headers))

// A log-in or error page with the status 200, if the file was not HTML when the transfer began.
const page = "text/html"

// Parts with their own heads, which are not a valid response to a single range (RFC 9110 §15.3.7.2).
const multipart = "multipart/byteranges"

const isOfType = (actual: string, expected: string): boolean =>
  expected.endsWith("/*") ? actual.startsWith(expected.slice(0, -1)) : actual === expected
