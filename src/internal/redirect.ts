/**
 * Where a redirect leads, and whether a request may go there (RFC 9110 §15.4).
 *
 * @internal
 */
import * as Either from "effect/Either"
import { Protocol } from "../DownloadError.js"
import { displayUrl } from "./displayUrl.js"

export const maximum = 10

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export const isRedirect = (status: number): boolean => statuses.has(status)

export const target = (from: URL, location: string | undefined): Either.Either<URL, Protocol> => {
  const refuse = (reason: "redirect-location" | "redirect-refused", detail: string) =>
    Either.left(new Protocol({ url: displayUrl(from.href), reason, detail }))
  if (location === undefined || !URL.canParse(location, from.href)) {
    return refuse("redirect-location", location === undefined ? "no Location header" : "its Location is no URL")
  }
  const to = new URL(location, from)
  if (to.protocol !== "http:" && to.protocol !== "https:") {
    return refuse("redirect-refused", `from ${from.protocol} to ${to.protocol}`)
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    return refuse("redirect-refused", "from https: to http:")
  }
  return Either.right(to)
}
