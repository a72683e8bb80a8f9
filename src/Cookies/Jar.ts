/**
 * A cookie jar in memory, by the rules of RFC 6265 and with the public suffix list. It reads and writes the text of a Netscape cookie
 * file, as browsers and curl do.
 *
 * A cookie is for its domain and path on every port. A cookie with `Secure` is set and sent over https only.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { Cookie, CookieJar as Jar, MemoryCookieStore } from "tough-cookie"
import { Cookies } from "../Cookies.js"
import * as RequestHeaders from "../Download/requestHeaders.js"
import * as NetscapeText from "./netscape.js"

/**
 * The jar behind `Cookies`.
 *
 * @category tags
 * @since 0.2.0
 */
export class CookieJar extends Context.Tag("halyard/CookieJar")<
  CookieJar,
  {
    /**
     * Adds the cookies of a Netscape cookie file. Returns how many were not taken, because their domain is a public suffix such as
     * `co.uk`, or the jar is full. Returns the number of the wrong line if the text is no such file. Errors show no values.
     */
    readonly add: (text: string) => Either.Either<number, string>
    /** The cookies that have not expired, as a Netscape cookie file. */
    readonly toText: () => string
  }
>() {}

/**
 * An empty jar. Cookies expire by the clock in the context.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Cookies | CookieJar> = Layer.effectContext(
  Effect.map(Effect.clock, (clock) => {
    const kept = new KeptCookies(() => clock.unsafeCurrentTimeMillis())
    return Context.make(Cookies, {
      header: (url) => kept.header(url),
      receive: (url, setCookies) => {
        for (const text of setCookies) {
          kept.receive(url, text)
        }
      }
    }).pipe(Context.add(CookieJar, { add: (text) => kept.add(text), toText: () => kept.toText() }))
  })
)

// The limits that RFC 6265 §6.1 gives for a client, so that a server cannot fill the memory.
const longestCookie = 4096
const atMostOfHost = 50
const atMost = 3000

class KeptCookies {
  private readonly store = new MemoryCookieStore()
  private readonly jar = new Jar(this.store, {
    rejectPublicSuffixes: true,
    prefixSecurity: "silent",
    allowSecureOnLocal: false,
    enforceSecureOriginOnStorage: true
  })

  constructor(private readonly now: () => number) {}

  header(url: string): string | undefined {
    const cookies = this.cookiesFor(url)
    return cookies.length === 0 ? undefined : cookies.map((cookie) => cookie.cookieString()).join("; ")
  }

  receive(url: string, text: string): void {
    const cookie = text.length > longestCookie ? undefined : Cookie.parse(text)
    if (cookie !== undefined) {
      this.put(cookie, url)
    }
  }

  add(text: string): Either.Either<number, string> {
    return Either.map(NetscapeText.parse(text), (lines) => {
      let refused = 0
      for (const { domain, expiresMillis, isHostOnly, isHttpOnly, isSecure, name, path, value } of lines) {
        const cookie = new Cookie({
          key: name,
          value,
          path,
          domain: isHostOnly ? null : domain,
          secure: isSecure,
          httpOnly: isHttpOnly,
          expires: expiresMillis === undefined ? "Infinity" : new Date(expiresMillis)
        })
        const isTaken = this.put(cookie, `${isSecure ? "https" : "http"}://${domain}${path}`)
        refused += isTaken || this.isExpired(cookie) ? 0 : 1
      }
      return refused
    })
  }

  toText(): string {
    return NetscapeText.format(
      this.all().map(({ domain, expires, hostOnly, httpOnly, key, path, secure, value }) => ({
        domain: domain ?? "",
        expiresMillis: expires instanceof Date ? expires.getTime() : undefined,
        isHostOnly: hostOnly === true,
        isHttpOnly: httpOnly,
        isSecure: secure,
        name: key,
        path: path ?? "/",
        value
      }))
    )
  }

  private put(cookie: Cookie, url: string): boolean {
    const now = this.now()
    if (cookie.maxAge !== null) {
      // The jar would count from the last use of the cookie, and by the clock of the system.
      const seconds = typeof cookie.maxAge === "number" ? cookie.maxAge : cookie.maxAge === "Infinity" ? 1e10 : 0
      cookie.expires = new Date(seconds <= 0 ? 0 : Math.min(now + seconds * 1000, latestMillis))
      cookie.maxAge = null
    }
    const isFull =
      !this.isExpired(cookie) && (this.cookiesFor(url, true).length >= atMostOfHost || this.all().length >= atMost)
    if (!RequestHeaders.isFieldValue(cookie.cookieString()) || isFull || !URL.canParse(url)) {
      return false
    }
    return this.jar.setCookieSync(cookie, url, { ignoreError: true, now: new Date(now) }) !== undefined
  }

  private cookiesFor(url: string, allPaths = false): ReadonlyArray<Cookie> {
    return URL.canParse(url)
      ? this.jar
          .getCookiesSync(url, { allPaths, expire: false, sort: true })
          .filter((cookie) => !this.isExpired(cookie))
      : []
  }

  private all(): ReadonlyArray<Cookie> {
    let all: ReadonlyArray<Cookie> = []
    this.store.getAllCookies((_, cookies) => {
      all = cookies ?? []
    })
    return all.filter((cookie) => !this.isExpired(cookie))
  }

  private isExpired({ expires }: Cookie): boolean {
    return expires instanceof Date && expires.getTime() <= this.now()
  }
}

// The last time that a `Date` can have.
const latestMillis = 8.64e15
