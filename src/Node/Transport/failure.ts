/**
 * Translates the cause of a failed request into an error of the transport.
 *
 * @internal
 */
import { AddressRefused, Connection, Timeout } from "../../DownloadError.js"
import { isTooManyOpenCode } from "../../internal/descriptors.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import * as HttpErrors from "../../Transport/httpClientErrors.js"
import type { TransportError } from "../../Transport.js"
import { RefusedAddress, WrongFamily } from "./addresses.js"
import type { ProxyServer, Via } from "./proxy/proxies.js"

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
  if (cause instanceof WrongFamily) {
    return new Connection({ url: displayUrl(url), reason: "unreachable", receivedBytes: 0, detail: cause.message })
  }
  if (cause instanceof ConnectTimeout) {
    const { proxy } = cause
    return new Timeout({
      url: displayUrl(url),
      phase: "connect",
      limitMillis: connectMillis,
      receivedBytes: 0,
      ...(proxy === undefined ? {} : { proxy: proxy.displayed })
    })
  }
  if (cause instanceof ProxyError) {
    const detail = `${cause.server.displayed}: ${cause.message}`
    return new Connection({
      url: displayUrl(url),
      reason: cause.reason,
      receivedBytes: body?.receivedBytes ?? 0,
      detail
    })
  }
  if (cause instanceof Noted) {
    return withDetail(failure(url, cause.cause, connectMillis, body), (detail) => `${detail}; ${cause.note}`)
  }
  if (cause instanceof AtProxy) {
    return withDetail(
      failure(url, cause.cause, connectMillis, body),
      (detail) => `${cause.server.displayed}: ${detail}`
    )
  }
  return cause instanceof AfterHandshake
    ? HttpErrors.fromCause(url, cause.cause, body, true)
    : HttpErrors.fromCause(url, cause, body)
}

// The code of a missing descriptor stays as it is, because the client waits for one.
const withDetail = (error: TransportError, change: (detail: string) => string): TransportError =>
  error._tag === "Connection" && !isTooManyOpenCode(error.detail)
    ? new Connection({
        url: error.url,
        reason: error.reason,
        receivedBytes: error.receivedBytes,
        detail: change(error.detail)
      })
    : error

/** A proxy that does not do what it is asked for. The message says what it did. */
export class ProxyError extends Error {
  constructor(
    readonly server: ProxyServer,
    readonly reason: "proxy" | "proxy-authentication" | "proxy-refused",
    message: string
  ) {
    super(message)
  }
}

/** The failure for a 407 of a proxy. */
export const unauthenticated = (server: ProxyServer, challenge: string | undefined): ProxyError => {
  if (challenge !== undefined && !/\bbasic\b/i.test(challenge)) {
    return new ProxyError(
      server,
      "proxy-authentication",
      `it does not accept Basic, but ${Printable.excerpt(challenge.split(/[\s,]/)[0] ?? "")}`
    )
  }
  return new ProxyError(
    server,
    "proxy-authentication",
    server.user === undefined ? "put them into its URL" : "it does not accept the user name and password of its URL"
  )
}

/** The failure of a request that was sent to a proxy, if the response is of the proxy and asks for a user. */
export const refusalOfProxy = (
  proxy: Via | undefined,
  { headers, status }: { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>> }
): ProxyError | undefined =>
  status === 407 && proxy?.isTunnel === false ? unauthenticated(proxy.server, headers["proxy-authenticate"]) : undefined

/** A failure of the connection to a proxy. */
export class AtProxy {
  constructor(
    readonly server: ProxyServer,
    readonly cause: unknown
  ) {}
}

/** A failure, and a fact that may explain it. */
export class Noted {
  constructor(
    readonly cause: unknown,
    readonly note: string
  ) {}
}

/** A failure after the connection was made and the TLS handshake was complete. */
export class AfterHandshake {
  constructor(readonly cause: unknown) {}
}

export class ConnectTimeout extends Error {
  constructor(readonly proxy: ProxyServer | undefined) {
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
