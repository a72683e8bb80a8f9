/**
 * Proxy servers, and the choice of the proxy for an origin.
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { isIP } from "../../ipAddress.js"
import type { NoProxy } from "./noProxy.js"

type Scheme = "http" | "https" | "socks5" | "socks5h"

export interface ProxyServer {
  /** `socks5`: this process resolves the names of origins. `socks5h`: the proxy does. */
  readonly scheme: Scheme
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  readonly user: { readonly name: string; readonly password: string } | undefined
  /** The value of `Proxy-Authorization`, if there is a user. */
  readonly authorization: string | undefined
  /** Its URL without the user. */
  readonly displayed: string
  /** Distinguishes proxies and users. Contains no password. */
  readonly key: string
}

/** A proxy on the way to an origin. With a tunnel, it passes bytes on. Otherwise requests are sent to the proxy itself. */
export interface Via {
  readonly server: ProxyServer
  readonly isTunnel: boolean
}

export const isSocks = ({ scheme }: ProxyServer): boolean => scheme === "socks5" || scheme === "socks5h"

const schemes: Readonly<Record<string, { readonly scheme: Scheme; readonly port: number }>> = {
  "http:": { scheme: "http", port: 80 },
  "https:": { scheme: "https", port: 443 },
  // Desktops set this one for SOCKS 5.
  "socks:": { scheme: "socks5", port: 1080 },
  "socks5:": { scheme: "socks5", port: 1080 },
  "socks5h:": { scheme: "socks5h", port: 1080 }
}

// RFC 1929 §2
const socksTextAtMostBytes = 255

/** Reads the URL of a proxy. Without a scheme it is `http:`. Returns the rule that it violates; the URL may contain a secret. */
export const parseServer = (text: string): Either.Either<ProxyServer, string> => {
  const url = parseUrl(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  const known = url === undefined ? undefined : schemes[url.protocol]
  if (url === undefined || url.hostname === "" || !/^\/?$/.test(url.pathname + url.search + url.hash)) {
    return Either.left("must be a URL such as http://proxy.example:3128")
  }
  if (known === undefined) {
    return Either.left("must have one of the schemes http, https, socks5 and socks5h")
  }
  const { scheme } = known
  const port = url.port === "" ? known.port : Number(url.port)
  const user =
    url.username === "" && url.password === ""
      ? undefined
      : { name: percentDecode(url.username), password: percentDecode(url.password) }
  const texts = user === undefined || !scheme.startsWith("socks") ? [] : [user.name, user.password]
  if (texts.some((one) => one === "" || Buffer.byteLength(one) > socksTextAtMostBytes)) {
    return Either.left("must have a user name and a password of 1 to 255 bytes, or none")
  }
  const displayed = `${scheme}://${url.hostname}:${port}`
  return Either.right({
    scheme,
    hostname: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
    port,
    user,
    authorization: user === undefined ? undefined : `Basic ${Encoding.encodeBase64(`${user.name}:${user.password}`)}`,
    displayed,
    key: `${displayed} ${user?.name ?? ""}`
  })
}

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

// Text with a percent sign that encodes nothing stays as it is.
const percentDecode = (text: string): string => Either.getOrElse(Encoding.decodeUriComponent(text), () => text)

/** The proxies of a transport. */
export class Proxies {
  constructor(
    private readonly http: ProxyServer | undefined,
    private readonly https: ProxyServer | undefined,
    private readonly noProxy: NoProxy
  ) {}

  /** The proxy for an origin; undefined if requests go there directly. */
  for(origin: { readonly isTls: boolean; readonly hostname: string; readonly port: number }): ProxyServer | undefined {
    const server = origin.isTls ? this.https : this.http
    return server === undefined || this.noProxy.matches(origin.hostname, origin.port) ? undefined : server
  }
}

/** `host:port` as a request names it. */
export const authority = (hostname: string, port: number): string =>
  `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`
