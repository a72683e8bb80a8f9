/**
 * What is sent with a request, and what of it is the user's to say.
 *
 * @internal
 */
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { placeholder } from "../internal/text/displayUrl.js"

// Those the downloader decides by itself, and those that belong to the connection (RFC 9110 §7.6.1).
const reserved: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-range",
  "keep-alive",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Where a request goes: after redirects, perhaps to another origin than the first. */
interface Hop {
  readonly url: URL
  readonly isFirstOrigin: boolean
}

/** The fields of a request that are sent as headers. */
interface WithHeaders {
  readonly headers?: Readonly<Record<string, Redacted.Redacted>> | undefined
}

/** Why a header of the request cannot be sent; undefined if all can. The text never has a value, which may be a secret. */
export const problem = (request: WithHeaders): string | undefined => {
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!token.test(name)) {
      // The name is not shown, because it may contain the value.
      return "a header's name is empty, or has a character that no name has"
    }
    if (reserved.has(name.toLowerCase())) {
      return `the header ${name} is the downloader's own`
    }
    const text = Redacted.value(value)
    if (text === placeholder) {
      return `the value of the header ${name} was removed when the request was encoded; DownloadRequestWithSecrets keeps it`
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) {
      return `the value of the header ${name} has a line break, a NUL or another character that no header can have`
    }
  }
  return undefined
}

// One object, because whoever writes it out again and again can remember it.
const defaultHeaders: Readonly<Record<string, string>> = Object.freeze({
  accept: "*/*",
  "accept-encoding": "identity",
  "user-agent": "halyard"
})

/** The headers for the request's own origin. */
export const forFirstOrigin = (request: WithHeaders): Readonly<Record<string, string>> => {
  if (request.headers === undefined) {
    return defaultHeaders
  }
  const given = joinValues(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), Redacted.value(value)])
  )
  return { ...defaultHeaders, ...given }
}

/**
 * Headers by name. Several values of one name are joined into one field line with commas (RFC 9110 §5.3), or with semicolons for
 * `Cookie` (RFC 6265 §5.4).
 */
export const joinValues = (
  pairs: Iterable<readonly [name: string, value: string]>
): Readonly<Record<string, string>> => {
  const fields = new Map<string, readonly [name: string, value: string]>()
  for (const [name, value] of pairs) {
    const key = name.toLowerCase()
    const [spelled, before] = fields.get(key) ?? [name, undefined]
    fields.set(key, [spelled, before === undefined ? value : `${before}${key === "cookie" ? "; " : ", "}${value}`])
  }
  return Object.fromEntries(fields.values())
}

/** The headers for one hop, `Range` aside. */
export const forHop = (request: WithHeaders, hop: Hop): Record<string, string> => {
  const headers: Record<string, string> = { ...(hop.isFirstOrigin ? forFirstOrigin(request) : defaultHeaders) }
  const { password, username } = hop.url
  // Credentials in a URL are for its own origin, as a header (RFC 7617); a redirect's target has its own, or none.
  if (username !== "" || password !== "") {
    headers["authorization"] = `Basic ${Encoding.encodeBase64(`${decode(username)}:${decode(password)}`)}`
  }
  return headers
}

/** As it is asked for: without credentials, and without the fragment, which is not the server's business (RFC 9110 §4.2.5). */
export const requestUrl = (url: URL): string => {
  // As a string, because parts that are put together again may come out differently.
  const asked = url.href.slice(0, url.href.length - url.hash.length)
  return url.username === "" && url.password === "" ? asked : asked.replace(/\/\/[^/]*@/, "//")
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return text
  }
}
