/**
 * HTTP Archive 1.2: the requests of a run, in the format that the network panels of browsers import.
 *
 * An entry is made from the line `Exchanged` of a run, so a run and its lines have the same archive. The format:
 * http://www.softwareishard.com/blog/har-12-spec/
 *
 * @since 0.2.0
 */
import type * as EventLine from "./EventLine/schema.js"
import { reasonPhrase } from "./internal/http/reasonPhrase.js"
import { parse } from "./internal/text/displayUrl.js"
import * as NormalizedUrl from "./internal/text/normalizedUrl.js"

/**
 * A header, or a parameter of a query.
 *
 * @category models
 * @since 0.2.0
 */
export interface NameAndValue {
  readonly name: string
  readonly value: string
}

/**
 * One request and its response. Sizes are in bytes, times in milliseconds. -1 says that a value is not known, or that there was no
 * such phase.
 *
 * @category models
 * @since 0.2.0
 */
export interface Entry {
  readonly startedDateTime: string
  /** The sum of `timings`, except for `ssl`, which is a part of `connect`. */
  readonly time: number
  readonly request: {
    readonly method: string
    readonly url: string
    readonly httpVersion: string
    readonly cookies: readonly []
    readonly headers: ReadonlyArray<NameAndValue>
    readonly queryString: ReadonlyArray<NameAndValue>
    readonly headersSize: number
    readonly bodySize: number
  }
  readonly response: {
    /** 0 if no response was received. */
    readonly status: number
    readonly statusText: string
    readonly httpVersion: string
    readonly cookies: readonly []
    readonly headers: ReadonlyArray<NameAndValue>
    readonly content: { readonly size: number; readonly mimeType: string }
    readonly redirectURL: string
    readonly headersSize: number
    readonly bodySize: number
    /** The size for Chromium, which would add -1 for the headers. */
    readonly _transferSize: number
    /** Why the request failed, or why its response was not accepted. */
    readonly _error?: string | undefined
  }
  readonly cache: { readonly [name in never]: never }
  readonly timings: {
    readonly blocked: number
    readonly dns: number
    readonly connect: number
    readonly ssl: number
    readonly send: number
    readonly wait: number
    readonly receive: number
  }
  readonly serverIPAddress?: string | undefined
  readonly connection?: string | undefined
  readonly comment: string
  /** For Chromium, which would guess it from the name. */
  readonly _resourceType: "fetch"
}

/**
 * The entry of a line. `file` is the path of the file that the request was for.
 *
 * @category constructors
 * @since 0.2.0
 */
export const entry = (line: typeof EventLine.Exchanged.Type, file: string): Entry => {
  const { permitMillis, bytes, connectMillis, connection, error, lookupMillis, method, status, tlsMillis } = line
  const url = uri(line.url)
  const headers = line.responseHeaders ?? {}
  const madeMillis =
    connectMillis === undefined && tlsMillis === undefined ? -1 : (connectMillis ?? 0) + (tlsMillis ?? 0)
  return {
    startedDateTime: new Date(line.beganAtMillis).toISOString(),
    time: line.atMillis - line.beganAtMillis,
    request: {
      method,
      url,
      httpVersion,
      cookies: [],
      headers: pairs(line.requestHeaders ?? {}),
      queryString: queryOf(url),
      headersSize: -1,
      bodySize: sizeOf(line)
    },
    response: {
      status: status ?? 0,
      statusText: status === undefined ? "" : (phrases[status] ?? reasonPhrase(status) ?? ""),
      httpVersion: status === undefined ? "" : httpVersion,
      cookies: [],
      headers: pairs(headers),
      content: { size: bytes, mimeType: headers["content-type"] ?? "x-unknown" },
      // The header has no secrets in any case. Lines of earlier versions have no `redirectUrl`.
      redirectURL: line.redirectUrl === undefined ? (headers["location"] ?? "") : uri(line.redirectUrl),
      headersSize: -1,
      bodySize: status === undefined ? -1 : bytes,
      _transferSize: bytes,
      _error: error?.message
    },
    cache: {},
    timings: {
      blocked: permitMillis,
      dns: lookupMillis ?? -1,
      connect: madeMillis,
      ssl: tlsMillis ?? -1,
      // The transport sends the head and the body of a request at once.
      send: 0,
      wait: line.firstByteMillis ?? 0,
      receive: line.bodyMillis ?? 0
    },
    serverIPAddress: addressOf(connection?.remoteAddress),
    connection: connection === undefined ? undefined : `${connection.id}`,
    comment: `${file}${line.attempt > 1 ? `, attempt ${line.attempt}` : ""}${line.offsetBytes > 0 ? `, from byte ${line.offsetBytes}` : ""}`,
    _resourceType: "fetch"
  }
}

/**
 * The text of an archive before its entries. Entries are separated by commas, and sorted by `startedDateTime`.
 *
 * @category encoding
 * @since 0.2.0
 */
export const start = (version: string): string =>
  `{"log":{"version":"1.2","creator":{"name":"halyard","version":${JSON.stringify(version)}},"entries":[`

/**
 * The text of an archive after its entries.
 *
 * @category encoding
 * @since 0.2.0
 */
export const end: string = "]}}\n"

const httpVersion = "HTTP/1.1"

// RFC 9110 §15.3 and §15.4. `reasonPhrase` has those of errors.
const phrases: Readonly<Record<number, string>> = {
  200: "OK",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect"
}

const pairs = (headers: Readonly<Record<string, string>>): ReadonlyArray<NameAndValue> =>
  Object.keys(headers).map((name) => ({ name, value: headers[name] ?? "" }))

/** The URL in the characters of RFC 3986. Those that a masked URL has instead of a secret are not among them. */
const uri = (url: string): string =>
  (NormalizedUrl.originOf(url) === undefined ? (parse(url)?.href ?? url) : url).replace(
    /[^\w!#$%&'()*+,./:;=?@[\]~-]/gu,
    (character) => (loneSurrogate.test(character) ? "%EF%BF%BD" : encodeURIComponent(character))
  )

const loneSurrogate = /\p{Surrogate}/u

const queryOf = (url: string): ReadonlyArray<NameAndValue> =>
  url.includes("?") ? Array.from(parse(url)?.searchParams ?? [], ([name, value]) => ({ name, value })) : []

/** The length of the content of the request. */
const sizeOf = ({ method, requestHeaders }: typeof EventLine.Exchanged.Type): number => {
  const length = requestHeaders?.["content-length"]
  return length !== undefined ? Number(length) : method === "GET" || method === "HEAD" ? 0 : -1
}

/** The IP address without the port. */
const addressOf = (remote: string | undefined): string | undefined =>
  remote?.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")
