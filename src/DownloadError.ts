/**
 * The reasons why a transfer fails. There is one class for each decision of the caller.
 *
 * Every error encodes to JSON and decodes from it, for journals, `--json` output and other machines. The encoded form has no
 * secrets: URLs have no credentials, query values or fragments, and paths are their last segment. An `HttpApi` endpoint that fails
 * with an error answers as a gateway: 504 for a timeout, 502 for a fault of the origin, 507 for a disk error (409 if the file
 * exists), 403 for a refused address, 400 for an invalid request.
 *
 * @since 0.1.0
 */

import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { reasonPhrase } from "./internal/http/reasonPhrase.js"
import { late } from "./internal/late.js"
import { DisplayedDetail, DisplayedName, DisplayedText, DisplayedUrl } from "./internal/text/displaySchemas.js"
import { displayPath, displayText } from "./internal/text/displayUrl.js"

// The status of an `HttpApi` endpoint that fails with the error. The endpoint is a gateway (RFC 9110 §15.6.3, §15.6.5).
const answers = (status: number) => ({ [HttpApiSchema.AnnotationStatus]: status })

// A timer cannot wait for less than a millisecond, so a shorter limit is shown as 1 ms.
const seconds = (millis: number): string =>
  `${Number(((millis > 0 ? Math.max(1, millis) : millis) / 1000).toFixed(3))}s`

const withDetail = (text: string, detail: string): string => (detail === "" ? text : `${text} (${displayText(detail)})`)

/**
 * A time limit expired: the limit for opening a connection (`connect`), for receiving the response headers (`headers`), for
 * receiving enough of the body (`stall`), for one attempt (`total`), or for the request with all its attempts (`deadline`). Worth
 * a retry, except for `deadline`.
 *
 * @category errors
 * @since 0.1.0
 */
export class Timeout extends Schema.TaggedError<Timeout>("halyard.DownloadError.Timeout")(
  "Timeout",
  {
    url: DisplayedUrl,
    phase: Schema.Literal("connect", "headers", "stall", "total", "deadline"),
    /** The time limit, in milliseconds. */
    limitMillis: Schema.Number,
    receivedBytes: Schema.Number,
    /** The proxy, without its user and password, if the connection was to go through one. */
    proxy: Schema.optionalWith(DisplayedUrl, { exact: true })
  },
  answers(504)
) {
  override get message(): string {
    const what = {
      connect: this.proxy === undefined ? "a connection" : `a connection through the proxy ${this.proxy}`,
      headers: "the response headers",
      stall: "more of the body",
      total: this.receivedBytes === 0 ? "the response" : "the rest of the body",
      deadline: this.receivedBytes === 0 ? "the file" : "the rest of the file"
    }
    return `timed out after ${seconds(this.limitMillis)} waiting for ${what[this.phase]}`
  }
}

/**
 * The server answered with a status other than success (RFC 9110 §15.5, §15.6). The body of the response is not saved. Worth a
 * retry for 408, 425, 429, and from 500 on except for 501, 505, 506, 508, 510 and 511.
 *
 * @category errors
 * @since 0.1.0
 */
export class HttpStatus extends Schema.TaggedError<HttpStatus>("halyard.DownloadError.HttpStatus")(
  "HttpStatus",
  {
    url: DisplayedUrl,
    status: Schema.Number,
    /** The time in `Retry-After` (RFC 9110 §10.2.3), in milliseconds after the response; 0 for a past date. */
    retryAfterMillis: Schema.optionalWith(Schema.Number, { exact: true })
  },
  answers(502)
) {
  override get message(): string {
    const phrase = reasonPhrase(this.status)
    return `HTTP error ${this.status}${phrase === undefined ? "" : ` - ${phrase}`}`
  }
}

/**
 * The connection could not be opened, or it broke. `unknown-host`: the host name does not exist. `dns`: the name could not be
 * resolved now. `proxy`: the proxy could not connect to the origin. `proxy-authentication`: the proxy asks for another user name
 * and password. `proxy-refused`: the proxy does not connect to this origin. Worth a retry, except for `tls` and the last two.
 *
 * @category errors
 * @since 0.1.0
 */
export class Connection extends Schema.TaggedError<Connection>("halyard.DownloadError.Connection")(
  "Connection",
  {
    url: DisplayedUrl,
    reason: Schema.Literal(
      "unknown-host",
      "dns",
      "refused",
      "unreachable",
      "reset",
      "tls",
      "proxy",
      "proxy-authentication",
      "proxy-refused",
      "other"
    ),
    receivedBytes: Schema.Number,
    detail: DisplayedText
  },
  answers(502)
) {
  override get message(): string {
    const what = {
      "unknown-host": "there is no such host",
      dns: "the host name could not be resolved",
      refused: "the connection was refused",
      unreachable: "the host could not be reached",
      reset: "the connection was lost",
      tls: "no secure connection could be made",
      proxy: "the proxy could not connect",
      "proxy-authentication": "the proxy asks for a user name and password",
      "proxy-refused": "the proxy refused the request",
      other: "the connection failed"
    }
    // The detail of a failure at a proxy begins with the URL of the proxy.
    const isAtProxy = !this.reason.startsWith("proxy") && /^(?:https?|socks5h?):\/\//.test(this.detail)
    return withDetail(what[this.reason], isAtProxy ? `proxy ${this.detail}` : this.detail)
  }
}

/**
 * The connection closed before the announced content was complete (RFC 9112 §8). Worth a retry.
 *
 * @category errors
 * @since 0.1.0
 */
export class Truncated extends Schema.TaggedError<Truncated>("halyard.DownloadError.Truncated")(
  "Truncated",
  {
    url: DisplayedUrl,
    /** The announced length, if there was one. */
    expectedBytes: Schema.UndefinedOr(Schema.Number),
    receivedBytes: Schema.Number
  },
  answers(502)
) {
  override get message(): string {
    return this.expectedBytes === undefined
      ? `the body broke off after ${this.receivedBytes} bytes`
      : `the body broke off after ${this.receivedBytes} of ${this.expectedBytes} bytes`
  }
}

/**
 * The response violates the protocol, or a redirect is not allowed. Not worth a retry, with two exceptions. `range`: the response
 * to a request for the rest of a file was not that rest, and the next attempt requests the whole file. `inconsistent`: a whole
 * response has the `Content-Range` of a part, or another length than an earlier response of the same version.
 *
 * @category errors
 * @since 0.1.0
 */
export class Protocol extends Schema.TaggedError<Protocol>("halyard.DownloadError.Protocol")(
  "Protocol",
  {
    url: DisplayedUrl,
    reason: Schema.Literal(
      "message",
      "range",
      "inconsistent",
      "redirect-loop",
      "redirect-location",
      "redirect-refused"
    ),
    detail: DisplayedText
  },
  answers(502)
) {
  override get message(): string {
    const what = {
      message: "the response could not be understood",
      range: "the response is not the requested range",
      inconsistent: "the response contradicts itself or an earlier one",
      "redirect-loop": "too many redirects",
      "redirect-location": "the redirect has no valid location",
      "redirect-refused": "the redirect is not allowed"
    }
    return withDetail(what[this.reason], this.detail)
  }
}

/**
 * The content is larger than `limitBytes`, by its announced length or by the bytes received. Not worth a retry.
 *
 * @category errors
 * @since 0.2.0
 */
export class TooLarge extends Schema.TaggedError<TooLarge>("halyard.DownloadError.TooLarge")(
  "TooLarge",
  {
    url: DisplayedUrl,
    limitBytes: Schema.Number,
    /** The announced length, or the bytes received when the limit was exceeded. */
    bytes: Schema.Number
  },
  answers(502)
) {
  override get message(): string {
    return `the body has ${this.bytes} bytes, and the limit is ${this.limitBytes}`
  }
}

/**
 * The content is complete, but its `digest`, `size` or media `type` is not the one in the request. `unverifiable`: the downloader
 * is `strict`, and no length or digest is known. Worth a retry only if some of the bytes came from a request for a range
 * (`resumed`). The next attempt requests the whole file on one connection.
 *
 * @category errors
 * @since 0.2.0
 */
export class Mismatch extends Schema.TaggedError<Mismatch>("halyard.DownloadError.Mismatch")(
  "Mismatch",
  {
    url: DisplayedUrl,
    reason: Schema.Literal("digest", "size", "type", "unverifiable"),
    expected: DisplayedText,
    actual: DisplayedText,
    resumed: Schema.Boolean
  },
  answers(502)
) {
  override get message(): string {
    const what = { digest: "digest", size: "number of bytes", type: "media type" }
    return this.reason === "unverifiable"
      ? "the body cannot be verified, because no length and no digest is known"
      : `the ${what[this.reason]} is ${displayText(this.actual)}, not ${displayText(this.expected)}`
  }
}

/**
 * The transport must not connect to this address of the host: it is not public, or the program does not allow it. Not worth a retry.
 *
 * @category errors
 * @since 0.2.0
 */
export class AddressRefused extends Schema.TaggedError<AddressRefused>("halyard.DownloadError.AddressRefused")(
  "AddressRefused",
  { url: DisplayedUrl, address: DisplayedText },
  answers(403)
) {
  override get message(): string {
    return `connections to the address ${displayText(this.address)} are not allowed`
  }
}

/**
 * A field of the request is invalid. Examples: a URL that is not `http:` or `https:`, an empty destination, a malformed digest.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("halyard.DownloadError.InvalidRequest")(
  "InvalidRequest",
  { url: DisplayedUrl, detail: DisplayedText },
  answers(400)
) {
  override get message(): string {
    return `this URL cannot be fetched: ${displayText(this.detail)}`
  }
}

/**
 * The destination could not be written. An existing file is unchanged, and no temporary file remains. Exception: with
 * `not-durable`, the new file is complete at the destination, but it may not survive a power cut. Worth a retry only for
 * `too-many-open`: no file descriptor was free for a minute; and for `unavailable`: the store of a program says that the failure
 * may pass.
 *
 * @category errors
 * @since 0.1.0
 */
export class Disk extends Schema.TaggedError<Disk>("halyard.DownloadError.Disk")(
  "Disk",
  {
    path: DisplayedName,
    reason: Schema.Literal(
      "full",
      "permission",
      "missing",
      "exists",
      "not-a-directory",
      "too-many-open",
      "unavailable",
      "not-durable",
      "other"
    ),
    /** Details that `reason` does not give. May be empty. */
    detail: DisplayedDetail
  },
  answers(507)
) {
  override get message(): string {
    return `cannot write ${displayPath(this.path)}: ${this.explanation}`
  }

  /** The part of the message after the path. */
  get explanation(): string {
    if (this.reason === "not-durable") {
      const written = "it is written, but may not survive a power cut"
      return withDetail(written, this.detail)
    }
    const what = {
      full: "there is no space left",
      permission: "permission was denied",
      missing: "the directory does not exist",
      exists: "the file already exists",
      "not-a-directory": "a part of its path is not a directory",
      "too-many-open": "too many files are open",
      unavailable: "the storage is not available at the moment",
      other: "the system gives no reason"
    }
    return this.detail === "" ? what[this.reason] : displayText(this.detail)
  }
}

// `Disk` with the reason `exists`. The request conflicts with an existing file (RFC 9110 §15.5.10).
const DiskExists = Disk.pipe(Schema.filter(({ reason }) => reason === "exists")).annotations({
  identifier: "halyard.DownloadError.DiskExists",
  ...answers(409)
})

const classes = [
  Timeout,
  HttpStatus,
  Connection,
  Truncated,
  Protocol,
  TooLarge,
  Mismatch,
  AddressRefused,
  InvalidRequest,
  Disk
] as const

/**
 * Every error of a transfer.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadError = Schema.Union(DiskExists, ...classes)

const encode = late(() => Schema.encodeSync(DownloadError))

// The stack begins with the message, or with the message that the error had while it was made.
const framesOf = ({ stack = "" }: Error): string => {
  const at = stack.search(/\n {4}at /)
  return at === -1 ? "" : stack.slice(at)
}

// A transport or a store may put a secret into a field. JSON is the encoded form, and so a log gets no secret. Inspection shows the
// message, the stack and the encoded form. Node would show the fields.
for (const { prototype } of classes) {
  Object.defineProperties(prototype, {
    toJSON: {
      value(this: DownloadError): unknown {
        return encode(this)
      }
    },
    [NodeInspectSymbol]: {
      value(this: DownloadError): string {
        return `${this}${framesOf(this)} ${JSON.stringify(this)}`
      }
    }
  })
}

/**
 * The reason why a download failed.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadError = typeof DownloadError.Type
