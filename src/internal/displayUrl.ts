/**
 * A URL as it may be shown: in messages, errors, logs and reports. Credentials and query values can be secrets, so they
 * are removed; the names of the query's parameters stay, because they help to tell two requests apart.
 *
 * @internal
 */
import * as Printable from "./printable.js"

export const displayUrl = (url: string): string => {
  const parsed = parse(url)
  if (parsed === undefined || !isHttp(parsed)) {
    // Where credentials end is not known: at the last `@` in any case.
    return Printable.line(url.replace(/^([a-z][a-z0-9+.-]*:\/\/|\/\/)?.*@/is, "$1***@").replace(/\?.*$/s, "?…"))
  }
  const names = Array.from(new Set(parsed.searchParams.keys()))
  const query = names.length === 0 ? "" : `?${names.map((name) => `${encodeURIComponent(name)}=…`).join("&")}`
  const credentials = parsed.username === "" && parsed.password === "" ? "" : "***@"
  return Printable.line(`${parsed.protocol}//${credentials}${parsed.host}${parsed.pathname}${query}`)
}

export const isHttp = ({ protocol }: URL): boolean => protocol === "http:" || protocol === "https:"

/** The URL as the platform parses it, or undefined where it is none. */
export const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)
