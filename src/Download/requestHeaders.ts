/**
 * Makes the headers and the URL of a request, and checks the headers that the user gives.
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { placeholder } from "../internal/text/displayUrl.js"

// The downloader sets some of these. The others belong to the connection (RFC 9110 §7.6.1).
const reserved: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-range",
  "keep-alive",
  "proxy-authorization",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** The URL of one request. Redirects lead to further hops, and possibly to other origins. */
interface Hop {
  readonly href: string
  /** True if `href` has neither credentials nor a fragment. */
  readonly isNormalized: boolean
  /** The same, parsed. */
  readonly url: URL
  readonly isFirstOrigin: boolean
  /** The content of the request. */
  readonly body?: unknown
}

interface WithHeaders {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, Redacted.Redacted>> | undefined
}

/** True if the value of a header contains only characters that are allowed (RFC 9110 §5.5). */
export const isFieldValue = (value: string): boolean => !/[^\t\x20-\x7e\x80-\xff]/.test(value)

/** Returns why a header cannot be sent, or undefined. The text leaves out the value, which may be a secret. */
export const problem = (request: WithHeaders): string | undefined => {
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!token.test(name)) {
      // The text leaves out the name, which may contain the value.
      return "the name of a header is empty, or contains a character that is not allowed in a name"
    }
    if (reserved.has(name.toLowerCase())) {
      return `the downloader sets the header ${name} itself`
    }
    const text = Redacted.value(value)
    if (text === placeholder) {
      return `the value of the header ${name} was removed when the request was encoded; DownloadRequestWithSecrets keeps it`
    }
    if (!isFieldValue(text)) {
      return `the value of the header ${name} contains a line break, a NUL or another character that is not allowed in a value`
    }
  }
  return undefined
}

export type Headers = Readonly<Record<string, string>>

/** Makes the headers that each request has. One frozen object, so a transport can cache its text. */
export const makeDefaults = (userAgent: string): Headers =>
  Object.freeze({ accept: "*/*", "accept-encoding": "identity", "user-agent": userAgent })

/** Returns the headers for the origin of the request's own URL. */
const forFirstOrigin = (request: WithHeaders, defaultHeaders: Headers): Headers => {
  if (request.headers === undefined) {
    return defaultHeaders
  }
  const given = joinValues(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), Redacted.value(value)])
  )
  return { ...defaultHeaders, ...given }
}

/**
 * Returns headers by name. Joins several values of one name with commas (RFC 9110 §5.3), or with semicolons for `Cookie`
 * (RFC 6265 §5.4). Names that differ only in case are one name.
 */
export const joinValues = (pairs: Iterable<readonly [name: string, value: string]>): Headers => {
  const fields = new Map<string, readonly [name: string, value: string]>()
  for (const [name, value] of pairs) {
    const key = name.toLowerCase()
    const [firstName, values] = fields.get(key) ?? [name, undefined]
    fields.set(key, [firstName, values === undefined ? value : `${values}${key === "cookie" ? "; " : ", "}${value}`])
  }
  return Object.fromEntries(fields.values())
}

/**
 * Returns the headers for one hop, without `Range`. The credentials of a URL are sent to its origin as a header (RFC 7617). A
 * redirect to a URL without credentials sends none.
 */
export const forHop = (request: WithHeaders, hop: Hop, defaultHeaders: Headers): Headers => {
  const all = hop.isFirstOrigin ? forFirstOrigin(request, defaultHeaders) : defaultHeaders
  // A redirect has removed the content, and these headers describe it (RFC 9110 §15.4).
  const headers = request.body !== undefined && hop.body === undefined ? withoutContent(all) : all
  const credentials = hop.isNormalized ? undefined : credentialsOf(hop.url)
  return credentials === undefined ? headers : { ...headers, authorization: credentials }
}

/** Adds cookies to those that the user gives. */
export const withCookie = (headers: Headers, cookie: string): Headers => ({
  ...headers,
  cookie: headers["cookie"] === undefined ? cookie : `${headers["cookie"]}; ${cookie}`
})

const withoutContent = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")))

const credentialsOf = ({ password, username }: URL): string | undefined =>
  username === "" && password === ""
    ? undefined
    : `Basic ${Encoding.encodeBase64(`${percentDecode(username)}:${percentDecode(password)}`)}`

/** Returns the URL without its credentials and its fragment, which are not sent (RFC 9110 §4.2.4, §4.2.5). */
export const requestUrl = (hop: Hop): string => {
  if (hop.isNormalized) {
    return hop.href
  }
  // Cuts the text, because setting the parts of a URL may change the rest of it.
  const { hash, href, password, username } = hop.url
  const text = href.slice(0, href.length - hash.length)
  return username === "" && password === "" ? text : text.replace(/\/\/[^/]*@/, "//")
}

// Text with a percent sign that encodes nothing stays as it is.
const percentDecode = (text: string): string => Either.getOrElse(Encoding.decodeUriComponent(text), () => text)
