/**
 * Removes secrets from URLs and texts for messages, errors, logs, events and reports.
 *
 * Credentials, query values, values of path parameters (`;jsessionid=…`) and the fragment can be secrets, so they are
 * removed. The names of query parameters stay, because they help to tell two requests apart. Every function here takes time
 * linear in the length of its text, and returns its own result unchanged.
 *
 * @internal
 */
import * as Printable from "./printable.js"

/** Replaces a value that was removed. */
export const removed = "…"

/** The URL without secrets, also if it is invalid. At most 4,096 characters. */
export const displayUrl = (url: string): string =>
  cut(Printable.line(parsed(url) ?? parsed(unparsed(url)) ?? unparsed(url)))

const parsed = (text: string): string | undefined => {
  const url = parse(text)
  return url !== undefined && isHttp(url)
    ? `${url.protocol}//${credentials(url)}${url.host}${path(url.pathname)}${query(url.search)}`
    : undefined
}

/** Text with the secrets removed from each URL in it. */
export const displayText = (text: string): string => words(text, pathOfUrl)

const words = (text: string, hasFragment: HasFragment): string =>
  /[@?;#]|:\/\//.test(text)
    ? text
        .split(/([\s"<>`])/)
        .map((part) => word(part, hasFragment))
        .join("")
    : text

/** As `displayUrl` if the whole text is a URL, else as `displayText`. */
export const displayLabel = (text: string): string =>
  parsed(text) === undefined ? displayText(text) : displayUrl(text)

/** The path of a file without secrets. As `displayLabel`, but a `#` in a name stays. */
export const displayPath = (path: string): string =>
  parsed(path) === undefined ? words(path, pathOfFile) : displayUrl(path)

/** The last segment of a path, without secrets. */
export const displayName = (path: string): string => lastSegment(displayPath(path))

const lastSegment = (path: string): string => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)

/** As `displayText`, and shortens paths to their last segment: paths in quotes, and paths from a root. */
export const displayDetail = (text: string): string =>
  displayText(text)
    .replace(/'([^']*)'|"([^"]*)"|\(([^()]*)\)/g, (quoted: string) =>
      quoted.length === 2 ? quoted : quoted.charAt(0) + lastSegment(quoted.slice(1))
    )
    .split(/(\s)/)
    .map((part) => (/^(?:[\\/~]|\.{1,2}[\\/]|[A-Za-z]:[\\/])/.test(part) ? lastSegment(part) : part))
    .join("")

/**
 * True if `displayUrl` gives this, and has put something in place of secrets. `?a=…&b=1` is a URL of its own, because the value
 * of `b` is there.
 */
export const isDisplayed = (url: string): boolean =>
  (url.includes(`//${hidden}`) || /[?&=]…(?:&|$)/.test(url) || /;[^;=/?]*=…/.test(url)) &&
  (url === displayUrl(url) || (url.length === longest && url.endsWith("...")))

export const isHttp = ({ protocol }: URL): boolean => protocol === "http:" || protocol === "https:"

/** Whether a host name is longer than 253 characters, which no name is that can be resolved (RFC 1035 §2.3.4). */
export const isHostTooLong = ({ hostname }: URL): boolean => hostname.replace(/\.$/, "").length > 253

/** The URL as the platform parses it, or undefined where it is none. */
export const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

const hidden = "***@"

const longest = 4096

// Not "…", which a URL would encode: the result must not change when it is displayed once more.
const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest - 3)}...` : text)

const credentials = ({ password, username }: URL): string => (username === "" && password === "" ? "" : hidden)

const path = (text: string): string => text.replace(/;([^;=/?]*)=[^;/?]*/g, `;$1=${removed}`)

// A parameter without a value may be a token. The padding of Base64 and the punctuation of a sentence are not a value.
const hasValue = (value: string): boolean => /[\w…]/.test(value.replace(/%[23457][0-9A-F]/gi, ""))

const isName = /^[\w.~%[\]$-]{1,64}$/

const query = (search: string): string =>
  search.length < 2
    ? search
    : `?${Array.from(
        new Set(
          search
            .slice(1)
            .split("&")
            .map((parameter) => {
              const at = parameter.indexOf("=")
              const name = parameter.slice(0, Math.max(at, 0))
              return hasValue(parameter.slice(at + 1)) && isName.test(name) ? `${name}=${removed}` : removed
            })
        )
      ).join("&")}`

/** Text that is not a URL. Its credentials end at the last `@` at the latest. */
const unparsed = (text: string): string => {
  const at = text.lastIndexOf("@")
  const scheme = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i.exec(text)?.[0] ?? ""
  return at === -1
    ? pathAndQuery(text)
    : `${scheme.length <= at ? scheme : ""}${hidden}${pathAndQuery(text.slice(at + 1))}`
}

const pathAndQuery = (text: string): string => {
  const [location = ""] = text.split("#", 1)
  return pathAndQueryWithin(location)
}

const pathAndQueryWithin = (text: string): string => {
  const at = text.indexOf("?")
  return at === -1 ? path(text) : path(text.slice(0, at)) + query(text.slice(at))
}

/** Whether a fragment follows these characters of a bare word, if a `#` does. */
type HasFragment = (before: string) => boolean

// `issue #12` and `#12` have none.
const pathOfUrl: HasFragment = (before) => /[/?]/.test(before)

// A directory and a file may have a `#` in their names.
const pathOfFile: HasFragment = (before) => before.includes("?")

// What ends a quotation belongs to the text around it.
const word = (text: string, hasFragment: HasFragment): string => {
  let end = text.length
  while (end > 0 && /['").,;:]/.test(text.charAt(end - 1))) {
    end--
  }
  const quoted = /['")]/.test(text.slice(end)) ? text.slice(0, end) : text
  return wordWithin(quoted, hasFragment) + text.slice(quoted.length)
}

const wordWithin = (text: string, hasFragment: HasFragment): string => {
  const at = text.indexOf("://")
  if (at === -1) {
    return bare(text, hasFragment)
  }
  const start = /[a-z0-9+.-]*$/i.exec(text.slice(Math.max(0, at - longestScheme), at))?.[0].length ?? 0
  return bare(text.slice(0, at - start), hasFragment) + displayUrl(text.slice(at - start))
}

const longestScheme = 32

const drive = /^[A-Za-z]:[\\/]/

/** A word without a scheme: a path, perhaps with a host before it. `name@2x.png` has no credentials. */
const bare = (text: string, hasFragment: HasFragment): string => {
  const start = drive.test(text) ? 3 : 0
  const at = text.lastIndexOf("@")
  const colon = text.indexOf(":", start)
  if (colon === -1 || colon > at) {
    return queryOf(text, hasFragment)
  }
  const from = Math.max(text.lastIndexOf("/", colon), text.lastIndexOf("\\", colon), start - 1) + 1
  return text.slice(0, from) + hidden + queryOf(text.slice(at + 1), hasFragment)
}

const queryOf = (text: string, hasFragment: HasFragment): string => {
  const hash = text.indexOf("#")
  return hash !== -1 && (text.includes("=", hash) || hasFragment(text.slice(0, hash)))
    ? pathAndQuery(text)
    : pathAndQueryWithin(text)
}
