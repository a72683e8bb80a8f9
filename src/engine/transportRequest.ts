/**
 * The request of an attempt or of a segment.
 *
 * @internal
 */
import * as Redacted from "effect/Redacted"
import * as RequestHeaders from "../Download/requestHeaders.js"
import type { TransportRequest } from "../Transport.js"
import type { FileTransfer } from "./fileTransfer.js"
import type { Hop } from "./redirect.js"

interface Options {
  /** Maximum time for a new connection, in milliseconds. */
  readonly connectMillis: number | undefined
  /** The value of `Range` (RFC 9110 §14.2). */
  readonly range: string | undefined
  /** The headers that make the request conditional. */
  readonly condition: Readonly<Record<string, string>> | undefined
  readonly verifiesBody: boolean
  /** True for a segment that a mirror brings. */
  readonly isMirror?: boolean | undefined
}

/** A range is guarded by `If-Range` if the version in the part has a validator. */
export const transportRequest = (
  { attempts, cookies, options, partial, request }: FileTransfer,
  hop: Hop,
  { condition, connectMillis, isMirror = false, range, verifiesBody }: Options
): TransportRequest => {
  const url = RequestHeaders.requestUrl(hop)
  const cookie = cookies?.header(url)
  const given = RequestHeaders.forHop(request, hop, options.headers)
  const headers = cookie === undefined ? given : RequestHeaders.withCookie(given, cookie)
  const validator = partial.validatorOf(isMirror)
  const guard = validator === undefined ? undefined : { "if-range": validator }
  return {
    url,
    method: hop.method,
    body: hop.body === undefined ? undefined : Redacted.value(hop.body),
    headers:
      range !== undefined
        ? { ...headers, range, ...guard }
        : condition === undefined
          ? headers
          : { ...headers, ...condition },
    isCrossOrigin: !hop.isFirstOrigin,
    connectMillis,
    verifiesBody,
    mayPipeline:
      attempts === 1 &&
      hop.count === 0 &&
      hop.isPlainGet &&
      range === undefined &&
      condition === undefined &&
      cookie === undefined &&
      given["authorization"] === undefined &&
      given["cookie"] === undefined
  }
}
