/**
 * The port for cookies: which of them a request sends, and those that a response sets. A downloader without it sends and keeps none.
 *
 * `halyard/CookieJar` is a backend that keeps cookies in memory by the rules of RFC 6265.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"

/**
 * Cookies for all requests of a downloader, also after redirects.
 *
 * A downloader takes it from the context of the program that calls `download` or `run`, or else from the context in which its layer
 * was built. If several callers share one transfer, those of the first caller are used.
 *
 * The methods answer at once and do not throw. A URL has neither credentials nor a fragment. A backend follows RFC 6265: a cookie is
 * for its domain and path on every port, and one with `Secure` is set and sent over https only. `Contracts.cookies` of
 * `halyard/testing` checks a backend.
 *
 * @category tags
 * @since 0.2.0
 */
export class Cookies extends Context.Tag("halyard/Cookies")<
  Cookies,
  {
    /** The value of the header `Cookie` for a request to this URL. Undefined if no cookie is for it. */
    readonly header: (url: string) => string | undefined
    /** A response to this URL has these headers `Set-Cookie`, in their order. They are from a server, and may be anything. */
    readonly receive: (url: string, setCookies: ReadonlyArray<string>) => void
  }
>() {}
