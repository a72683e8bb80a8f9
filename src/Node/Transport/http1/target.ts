/**
 * Splits the URL of a request into its address and path, and writes the head of the request. A normalized URL is not parsed: its
 * origin is looked up as text, and the rest is sent unchanged.
 *
 * @internal
 */
import { originOf } from "../../../internal/text/normalizedUrl.js"
import type { TransportRequest } from "../../../Transport.js"
import { isSocks, type ProxyServer } from "../proxy/proxies.js"
import type { Target } from "../sockets.js"

/** Where requests are sent. Requests with the same key share connections. */
export interface Route extends Target {
  readonly key: string
}

export interface Address extends Route {
  /** As `URL.origin` writes it. */
  readonly origin: string
  /** The value of the header `host`. */
  readonly host: string
}

export interface RequestTarget {
  readonly address: Address
  /** The path and the query. */
  readonly path: string
}

const addresses = new Map<string, Address>()
const maxAddresses = 1000

/** Throws if it is not an absolute http: or https: URL. */
export const targetOf = (url: string): RequestTarget => {
  const origin = originOf(url)
  const known = origin === undefined ? undefined : addresses.get(origin)
  if (origin !== undefined && known !== undefined) {
    return { address: known, path: url.slice(origin.length) }
  }
  const parsed = new URL(url)
  const address = addressOf(parsed)
  if (origin !== undefined) {
    if (addresses.size >= maxAddresses) {
      addresses.clear()
    }
    addresses.set(origin, address)
  }
  return { address, path: parsed.pathname + parsed.search }
}

const addressOf = (url: URL): Address => {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError("not http: or https:")
  }
  const isTls = url.protocol === "https:"
  return {
    key: url.origin,
    origin: url.origin,
    host: url.host,
    isTls,
    hostname: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port)
  }
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const notText = /[^\t\x20-\x7e\x80-\xff]/
// Fields that control the message or the connection. The transport sets them itself.
const special =
  /^(?:host|connection|content-length|transfer-encoding|keep-alive|upgrade|expect|te|trailer|proxy-connection|proxy-authorization)$/i

// Most requests of a program have the same headers, in the same frozen object.
let lastHead: { readonly headers: TransportRequest["headers"]; readonly lines: string | undefined } | undefined

/**
 * Chooses the way to an address: the address itself, a proxy that gets requests for `http:` URLs of all origins, or a tunnel
 * through a proxy. With `checksAddresses` every proxy is used as a tunnel, because a proxy that gets a URL resolves its name itself.
 */
export const routeTo = (address: Address, server: ProxyServer | undefined, checksAddresses: boolean): Route => {
  if (server === undefined) {
    return address
  }
  const { hostname, isTls, origin, port } = address
  if (isTls || checksAddresses || isSocks(server)) {
    return { key: `${origin} ${server.key}`, isTls, hostname, port, proxy: { server, isTunnel: true } }
  }
  return {
    key: server.key,
    isTls: server.scheme === "https",
    hostname: server.hostname,
    port: server.port,
    proxy: { server, isTunnel: false }
  }
}

/** The target of a request (RFC 9112 §3.2), and the header for a proxy that gets the request. */
export const targetFor = ({ address, path }: RequestTarget, { proxy }: Route): readonly [string, string] =>
  proxy === undefined || proxy.isTunnel
    ? [path, ""]
    : [
        address.origin + path,
        proxy.server.authorization === undefined ? "" : `proxy-authorization: ${proxy.server.authorization}\r\n`
      ]

/** The head of a request. Undefined if its method is not a word, or if a header would break the message, or is a field that the transport sets. */
export const headOf = (
  target: string,
  host: string,
  { body, headers, method = "GET" }: TransportRequest,
  /** Lines for a proxy. */
  more: string
): string | undefined => {
  const lines = knownLinesOf(headers)
  if (lines === undefined || !token.test(method)) {
    return undefined
  }
  // A server may expect content after these methods (RFC 9110 §8.6).
  const lengthBytes = body?.length ?? (method === "POST" || method === "PUT" || method === "PATCH" ? 0 : undefined)
  const length = lengthBytes === undefined ? "" : `content-length: ${lengthBytes}\r\n`
  return `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${length}${lines}${more}\r\n`
}

const knownLinesOf = (headers: TransportRequest["headers"]): string | undefined => {
  if (lastHead?.headers !== headers) {
    const lines = linesOf(headers)
    lastHead = Object.isFrozen(headers) ? { headers, lines } : undefined
    return lines
  }
  return lastHead.lines
}

const linesOf = (headers: TransportRequest["headers"]): string | undefined => {
  let lines = ""
  for (const name in headers) {
    const value = headers[name]
    if (typeof value !== "string" || special.test(name) || !token.test(name) || notText.test(value)) {
      return undefined
    }
    lines += `${name}: ${value}\r\n`
  }
  return lines
}
