/**
 * Where a redirect leads, and whether a request may go there (RFC 9110 §15.4).
 *
 * @internal
 */
import * as Either from "effect/Either"
import { Protocol } from "../DownloadError.js"
import { displayUrl, isHostTooLong, isHttp } from "../internal/text/displayUrl.js"

/** One request of the chain that a redirect makes. */
export interface Hop {
  readonly url: URL
  /** How many redirects led here. */
  readonly count: number
  /** Whether no other origin was met on the way: what the user gave is for the first alone. */
  readonly isFirstOrigin: boolean
}

const maximum = 10

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

// A header's bytes, of which clients make a character each: what was no ASCII goes back as the bytes that it was.
const percentEncoded = (byte: string): string => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`

export const isRedirect = (status: number): boolean => statuses.has(status)

export const next = (from: Hop, header: string | undefined): Either.Either<Hop, Protocol> => {
  const location = header?.replace(/[\u0080-\u00ff]/g, percentEncoded)
  const refuse = (reason: "redirect-location" | "redirect-loop" | "redirect-refused", detail: string) =>
    Either.left(new Protocol({ url: displayUrl(from.url.href), reason, detail }))
  if (location === undefined || !URL.canParse(location, from.url.href)) {
    return refuse("redirect-location", location === undefined ? "no Location header" : "its Location is no URL")
  }
  const url = new URL(location, from.url)
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
  if (url.origin === from.url.origin && url.username === "" && url.password === "") {
    // Absolute or relative, it is the same origin.
    url.username = from.url.username
    url.password = from.url.password
  }
  return Either.right({
    url,
    count: from.count + 1,
    isFirstOrigin: from.isFirstOrigin && url.origin === from.url.origin
  })
}
