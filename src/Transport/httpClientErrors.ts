/**
 * Translates failures of HTTP clients into transport errors, by the code of the cause. The clients' own reasons are too coarse: they
 * report a reset within a body as a decoding failure.
 *
 * @internal
 */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import { Connection, InvalidRequest, Protocol, Timeout, Truncated } from "../DownloadError.js"
import { displayText, displayUrl } from "../internal/text/displayUrl.js"
import * as Printable from "../internal/text/printable.js"
import type { TransportError } from "../Transport.js"
import { explain } from "./tlsErrors.js"

interface Coded {
  readonly code: string
  readonly name: string
  readonly text: string
}

// The innermost code counts. It is the code of the operating system or of the parser; the causes around it name only the operation.
const coded = (cause: unknown, depth = 0): Coded => {
  if (typeof cause !== "object" || cause === null || depth > 8) {
    return { code: "", name: "", text: typeof cause === "string" ? cause : "" }
  }
  const inner = "cause" in cause ? coded(cause.cause, depth + 1) : undefined
  if (inner !== undefined && inner.code !== "") {
    return inner
  }
  // Several addresses were tried (RFC 8305), and this has the errors of all of them. Any of them will do.
  if ("errors" in cause && Array.isArray(cause.errors) && cause.errors.length > 0) {
    return coded(cause.errors[0], depth + 1)
  }
  const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
  return {
    code: "code" in cause ? textOf(cause.code) : "",
    name: "name" in cause ? textOf(cause.name) : "",
    text: "message" in cause ? textOf(cause.message) : ""
  }
}

const reasons: Readonly<Record<string, Connection["reason"]>> = {
  ENOTFOUND: "unknown-host",
  EAI_AGAIN: "dns",
  EAI_FAIL: "dns",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  ETIMEDOUT: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  UND_ERR_CLOSED: "reset",
  UND_ERR_DESTROYED: "reset"
}

// A body that is not complete. Whether the client reports a close or a reset depends on its version and on the moment. undici's
// parser gives no code for incomplete chunks.
const isEnding = ({ code, name, text }: Coded): boolean =>
  reasons[code] === "reset" ||
  code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" ||
  code === "HPE_INVALID_EOF_STATE" ||
  (name === "HTTPParserError" && text.includes("Invalid EOF state"))

const isTls = (code: string): boolean =>
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|CRL_)/.test(code)

// The alerts of the server about certificates and access, which TLS 1.3 may send after the handshake. They are final, like a
// wrong certificate.
const isRefusal = (code: string): boolean =>
  !code.startsWith("ERR_SSL_") ||
  /CERT|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|PROTOCOL_VERSION|INSUFFICIENT/.test(code)

// A record that was damaged in transit.
const isDamage = (code: string): boolean => /BAD_RECORD_MAC|DECRYPTION_FAILED|BAD_DECRYPT/.test(code)

/** After the handshake, all other TLS errors are failures of the connection, and not of the certificate. */
const reasonOf = (code: string, isEstablished: boolean): Connection["reason"] => {
  if (!isTls(code) && code !== "EPROTO") {
    return reasons[code] ?? "other"
  }
  return isDamage(code) || (isEstablished && (code === "EPROTO" || !isRefusal(code))) ? "reset" : "tls"
}

// undici gives only some errors of its parser a code.
const isParser = ({ code, name }: Coded): boolean =>
  name === "HTTPParserError" ||
  code.startsWith("HPE_") ||
  code === "UND_ERR_HEADERS_OVERFLOW" ||
  code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"

/** Translates a failure of the connection or of the message. `isEstablished`: the TLS handshake was complete. */
export const fromCause = (
  url: string,
  cause: unknown,
  body?: { readonly receivedBytes: number; readonly expectedBytes: number | undefined },
  isEstablished: boolean = body !== undefined
): TransportError => {
  const found = coded(cause)
  const { code, text } = found
  const displayed = displayUrl(url)
  const receivedBytes = body?.receivedBytes ?? 0
  const detail = code === "" ? Printable.excerpt(displayText(text)) : code
  if (code === "UND_ERR_CONNECT_TIMEOUT") {
    // undici's own limit for a connection.
    return new Timeout({ url: displayed, phase: "connect", limitMillis: 10_000, receivedBytes })
  }
  if (body !== undefined && isEnding(found)) {
    return new Truncated({ url: displayed, expectedBytes: body.expectedBytes, receivedBytes })
  }
  if (isParser(found)) {
    return new Protocol({ url: displayed, reason: "message", detail })
  }
  const reason = reasonOf(code, isEstablished)
  return new Connection({
    url: displayed,
    reason,
    receivedBytes,
    detail: reason === "tls" ? Printable.excerpt(explain(code, text)) : detail
  })
}

/** A failure of the `HttpClient` before there was a response, or while its body was read. */
export const fromHttpClientError = (
  url: string,
  error: HttpClientError.HttpClientError,
  body?: { readonly receivedBytes: number; readonly expectedBytes: number | undefined }
): TransportError => {
  if (error._tag === "RequestError" && error.reason === "InvalidUrl") {
    return new InvalidRequest({ url: displayUrl(url), detail: "it is not an absolute URL" })
  }
  return fromCause(url, error.cause, body)
}
