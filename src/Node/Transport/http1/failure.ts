/**
 * Translates the cause of a failed request into an error of the transport.
 *
 * @internal
 */
import { AddressRefused, Timeout } from "../../../DownloadError.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import * as HttpErrors from "../../../Transport/httpClientErrors.js"
import type { TransportError } from "../../../Transport.js"
import { RefusedAddress } from "../addresses.js"

/** `body` is the state of the body, if the head was received. */
export const failure = (
  url: string,
  cause: unknown,
  connectMillis: number,
  body?: { readonly receivedBytes: number; readonly expectedBytes: number | undefined }
): TransportError => {
  if (cause instanceof RefusedAddress) {
    return new AddressRefused({ url: displayUrl(url), address: cause.address })
  }
  if (cause instanceof ConnectTimeout) {
    return new Timeout({ url: displayUrl(url), phase: "connect", limitMillis: connectMillis, receivedBytes: 0 })
  }
  return cause instanceof AfterHandshake
    ? HttpErrors.fromCause(url, cause.cause, body, true)
    : HttpErrors.fromCause(url, cause, body)
}

/** A failure after the connection was made and the TLS handshake was complete. */
export class AfterHandshake {
  constructor(readonly cause: unknown) {}
}

export class ConnectTimeout extends Error {
  constructor() {
    super("the connection took too long")
  }
}

export const closedByPeer: Error = Object.assign(new Error("the other side closed the connection"), {
  code: "ECONNRESET"
})

/** Maximum number of informational responses. More of them are an attack. */
export const informationalAtMost = 20

/** The cause of a `Protocol` error for a response. */
export const unreadable = (text: string): Error => Object.assign(new Error(text), { name: "HTTPParserError" })

export const tooManyInformational: Error = unreadable("too many 1xx responses")

export const malformed: Error = unreadable("the chunks of the body cannot be read")
