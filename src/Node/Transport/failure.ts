/**
 * What ended a request, as the error that both backends give for it.
 *
 * @internal
 */
import { AddressRefused, Timeout } from "../../DownloadError.js"
import { displayUrl } from "../../internal/displayUrl.js"
import * as HttpErrors from "../../internal/httpErrors.js"
import type { TransportError } from "../../Transport.js"
import { RefusedAddress } from "./addresses.js"

/** `body` is what is known of it once there was a head. */
export const failure = (
  url: string,
  cause: unknown,
  connectMillis: number,
  body?: { readonly receivedBytes: number; readonly expectedBytes: number | undefined }
): TransportError => {
  if (cause instanceof RefusedAddress) {
    return new AddressRefused({ url: displayUrl(url), address: cause.address })
  }
  const error = HttpErrors.fromCause(url, cause, body)
  return error._tag === "Timeout" ? new Timeout({ ...error, limitMillis: connectMillis }) : error
}

export const closedByPeer: Error = Object.assign(new Error("the other side closed the connection"), {
  code: "ECONNRESET"
})

/** More heads of 1xx than anybody needs are an attack. */
export const informationalAtMost = 20

const unreadable = (text: string): Error => Object.assign(new Error(text), { name: "HTTPParserError" })

export const tooManyInformational: Error = unreadable("too many 1xx responses")

export const malformed: Error = unreadable("the chunks of the body cannot be read")
