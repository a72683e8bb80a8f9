/**
 * The requests of a chain of redirects, and whether a redirect is followed (RFC 9110 §15.4).
 *
 * @internal
 */
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import { Protocol } from "../DownloadError.js"
import { isSafe } from "../internal/http/method.js"
import { displayUrl, isHostTooLong, isHttp } from "../internal/text/displayUrl.js"
import * as NormalizedUrl from "../internal/text/normalizedUrl.js"
import type { ResponseHead } from "../Transport.js"

/** One request of a chain of redirects. */
export class Hop {
  readonly origin: string
  /** True if `href` has neither credentials nor a fragment, and is written as `URL` would write it. */
  readonly isNormalized: boolean
  private parsed: URL | undefined

  constructor(
    readonly href: string,
    /** The number of redirects before this request. */
    readonly count: number,
    /** True if no redirect has led to another origin: headers and credentials of the request are for its own origin alone. */
    readonly isFirstOrigin: boolean,
    readonly method: string = "GET",
    /** The content of the request. */
    readonly body?: Redacted.Redacted<Uint8Array> | undefined
  ) {
    const origin = NormalizedUrl.originOf(href)
    this.isNormalized = origin !== undefined
    this.origin = origin ?? this.url.origin
  }

  /** False for a request with another method than `GET`, or with content: its responses say nothing about later ones. */
  get isPlainGet(): boolean {
    return this.method === "GET" && this.body === undefined
  }

  /** Parsed when it is needed first: most requests do not need it. */
  get url(): URL {
    this.parsed ??= new URL(this.href)
    return this.parsed
  }
}

const maximum = 10

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

// Clients decode each byte of a header to one character. A byte that is not ASCII is encoded as that byte.
const percentEncoded = (byte: string): string => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`

export const isRedirect = (status: number): boolean => statuses.has(status)

/** The URL that a response redirects to. Undefined if it is no redirect, or if its `Location` is no URL. */
export const targetOf = ({ headers, status }: ResponseHead, from: string): URL | undefined => {
  const location = isRedirect(status) ? locationOf(headers) : undefined
  return location !== undefined && URL.canParse(location, from) ? new URL(location, from) : undefined
}

const locationOf = (headers: ResponseHead["headers"]): string | undefined =>
  headers["location"]?.replace(/[\u0080-\u00ff]/g, percentEncoded)

/** True if the next request is a `GET` without content (RFC 9110 §15.4). */
const becomesGet = (status: number, method: string): boolean =>
  status === 303 ? method !== "GET" : (status === 301 || status === 302) && method === "POST"

/** The request that follows a redirect. */
export const next = (from: Hop, head: ResponseHead): Either.Either<Hop, Protocol> => {
  const refuse = (reason: "redirect-location" | "redirect-loop" | "redirect-refused", detail: string) =>
    Either.left(new Protocol({ url: displayUrl(from.href), reason, detail }))
  const url = targetOf(head, from.href)
  if (url === undefined) {
    const isMissing = head.headers["location"] === undefined
    return refuse("redirect-location", isMissing ? "no Location header" : "its Location is no URL")
  }
  if (isHostTooLong(url)) {
    return refuse("redirect-location", "the name of its host is longer than 253 characters")
  }
  if (!isHttp(url)) {
    return refuse("redirect-refused", `from ${from.url.protocol} to ${url.protocol}`)
  }
  if (from.url.protocol === "https:" && url.protocol === "http:") {
    return refuse("redirect-refused", "from https: to http:")
  }
  if (from.count === maximum) {
    return refuse("redirect-loop", "")
  }
  const isSameOrigin = url.origin === from.url.origin
  const isRewritten = becomesGet(head.status, from.method)
  if (!isSameOrigin && !isRewritten && (from.body !== undefined || !isSafe(from.method))) {
    return refuse("redirect-refused", `a ${from.method} is for its own origin, and not for ${url.origin}`)
  }
  if (isSameOrigin && url.username === "" && url.password === "") {
    // A redirect within an origin keeps the credentials, whether its Location is relative or absolute.
    url.username = from.url.username
    url.password = from.url.password
  }
  const isFirstOrigin = from.isFirstOrigin && isSameOrigin
  return Either.right(
    isRewritten
      ? new Hop(url.href, from.count + 1, isFirstOrigin)
      : new Hop(url.href, from.count + 1, isFirstOrigin, from.method, from.body)
  )
}
