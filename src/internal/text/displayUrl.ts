/**
 * Removes secrets from URLs and texts for messages, errors, logs, events and reports.
 *
 * Credentials, query values, values of path parameters (`;jsessionid=…`) and fragments can be secrets, so they are removed. The
 * names of query parameters stay, because they help to tell two requests apart. Every function takes time linear in the length
 * of its text. A second call does not change the result of the first.
 */
import * as NormalizedUrl from "./normalizedUrl.js"
import * as Printable from "./printable.js"

/** Stands for a removed value. */
export const placeholder = "…"

/** Returns the URL without secrets, even if it is invalid. The result has at most 4,096 characters. */
export const displayUrl = (url: string): string =>
  truncate(Printable.line(displayValidUrl(url) ?? displayValidUrl(displayInvalidUrl(url)) ?? displayInvalidUrl(url)))

/** Returns the text without the secrets of the URLs in it. */
export const displayText = (text: string): string => displayWords(text, urlHasFragment)

/** Does what `displayUrl` does if the whole text is a URL, and otherwise what `displayText` does. A label does not become empty. */
export const displayLabel = (text: string): string =>
  (displayValidUrl(text) === undefined ? displayText(text) : displayUrl(text)) || (text && placeholder)

/** Returns the path of a file without secrets. Does what `displayLabel` does, but keeps a `#` in a file name. */
export const displayPath = (path: string): string =>
  displayValidUrl(path) === undefined ? displayWords(path, fileHasFragment) : displayUrl(path)

/** Returns the last segment of a path, without secrets. */
export const displayName = (path: string): string => lastSegment(displayPath(path))

/** Does what `displayText` does, and shortens quoted paths and absolute or relative paths to their last segment. */
export const displayDetail = (text: string): string =>
  displayText(text)
    .replace(/'([^']*)'|"([^"]*)"|\(([^()]*)\)/g, (quoted: string) =>
      quoted.length === 2 ? quoted : quoted.charAt(0) + lastSegment(quoted.slice(1))
    )
    .split(/(\s)/)
    .map((part) => (/^(?:[\\/~]|\.{1,2}[\\/]|[A-Za-z]:[\\/])/.test(part) ? lastSegment(part) : part))
    .join("")

/**
 * Returns true if `displayUrl` has removed secrets from this URL. `?a=…&b=1` returns false, because `displayUrl` would also have
 * removed the value of `b`.
 */
export const isRedacted = (url: string): boolean =>
  (url.includes(`//${credentialsPlaceholder}`) || /[?&=]…(?:&|$)/.test(url) || /;[^;=/?]*=…/.test(url)) &&
  (url === displayUrl(url) || (url.length === maxLength && url.endsWith("...")))

export const isHttp = ({ protocol }: URL): boolean => protocol === "http:" || protocol === "https:"

/** Returns true if the host name is longer than the 253 characters that DNS can resolve (RFC 1035 §2.3.4). */
export const isHostTooLong = ({ hostname }: URL): boolean => hostname.replace(/\.$/, "").length > 253

/** Parses a URL. Returns undefined if it is invalid. */
export const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

const credentialsPlaceholder = "***@"

const maxLength = 4096

// Three dots, because a URL would encode "…", and a second call would change the result.
const truncate = (text: string): string => (text.length > maxLength ? `${text.slice(0, maxLength - 3)}...` : text)

const lastSegment = (path: string): string => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)

const displayValidUrl = (text: string): string | undefined => {
  const origin = NormalizedUrl.originOf(text)
  if (origin !== undefined) {
    return origin + displayPathAndQuery(text.slice(origin.length))
  }
  const url = parse(text)
  return url !== undefined && isHttp(url)
    ? `${url.protocol}//${displayCredentials(url)}${url.host}${displayPathParameters(url.pathname)}${displayQuery(url.search)}`
    : undefined
}

const displayCredentials = ({ password, username }: URL): string =>
  username === "" && password === "" ? "" : credentialsPlaceholder

const displayPathParameters = (path: string): string =>
  path.includes(";") ? path.replace(/;([^;=/?]*)=[^;/?]*/g, `;$1=${placeholder}`) : path

const displayQuery = (search: string): string =>
  search.length < 2 ? search : `?${Array.from(new Set(search.slice(1).split("&").map(displayParameter))).join("&")}`

// A parameter without a value may be a token.
const displayParameter = (parameter: string): string => {
  const at = parameter.indexOf("=")
  const name = parameter.slice(0, Math.max(at, 0))
  return hasValue(parameter.slice(at + 1)) && isName.test(name) ? `${name}=${placeholder}` : placeholder
}

// Base64 padding and the punctuation at the end of a sentence are not values.
const hasValue = (value: string): boolean => /[\w…]/.test(value.replace(/%[23457][0-9A-F]/gi, ""))

const isName = /^[\w.~%[\]$-]{1,64}$/

/** Treats everything before the last `@` as credentials. */
const displayInvalidUrl = (text: string): string => {
  const at = text.lastIndexOf("@")
  const scheme = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i.exec(text)?.[0] ?? ""
  return at === -1
    ? withoutFragment(text)
    : `${scheme.length <= at ? scheme : ""}${credentialsPlaceholder}${withoutFragment(text.slice(at + 1))}`
}

const withoutFragment = (text: string): string => displayPathAndQuery(text.split("#", 1)[0] ?? "")

const displayPathAndQuery = (text: string): string => {
  const at = text.indexOf("?")
  return at === -1
    ? displayPathParameters(text)
    : displayPathParameters(text.slice(0, at)) + displayQuery(text.slice(at))
}

/** Returns true if a `#` after these characters of a word without a scheme begins a fragment. */
type HasFragment = (before: string) => boolean

// The `#` in `issue #12` and `#12` begins no fragment.
const urlHasFragment: HasFragment = (before) => /[/?]/.test(before)

// The names of directories and files may contain a `#`.
const fileHasFragment: HasFragment = (before) => before.includes("?")

const displayWords = (text: string, hasFragment: HasFragment): string =>
  /[@?;#]|:\/\//.test(text)
    ? text
        .split(/([\s"<>`])/)
        .map((word) => displayWord(word, hasFragment))
        .join("")
    : text

// A quotation mark or parenthesis at the end, and the punctuation around it, belong to the surrounding text.
const displayWord = (text: string, hasFragment: HasFragment): string => {
  let end = text.length
  while (end > 0 && /['").,;:]/.test(text.charAt(end - 1))) {
    end--
  }
  const word = /['")]/.test(text.slice(end)) ? text.slice(0, end) : text
  return displayUnquoted(word, hasFragment) + text.slice(word.length)
}

const displayUnquoted = (text: string, hasFragment: HasFragment): string => {
  const at = text.indexOf("://")
  if (at === -1) {
    return displayWithoutScheme(text, hasFragment)
  }
  const schemeLength = /[a-z0-9+.-]*$/i.exec(text.slice(Math.max(0, at - maxSchemeLength), at))?.[0].length ?? 0
  const start = at - schemeLength
  return displayWithoutScheme(text.slice(0, start), hasFragment) + displayUrl(text.slice(start))
}

const maxSchemeLength = 32

const drive = /^[A-Za-z]:[\\/]/

/** Displays a path that may have a host before it. `name@2x.png` has no credentials, because it has no colon. */
const displayWithoutScheme = (text: string, hasFragment: HasFragment): string => {
  const start = drive.test(text) ? 3 : 0
  const at = text.lastIndexOf("@")
  const colon = text.indexOf(":", start)
  if (colon === -1 || colon > at) {
    return displayWithoutCredentials(text, hasFragment)
  }
  const from = Math.max(text.lastIndexOf("/", colon), text.lastIndexOf("\\", colon), start - 1) + 1
  return text.slice(0, from) + credentialsPlaceholder + displayWithoutCredentials(text.slice(at + 1), hasFragment)
}

const displayWithoutCredentials = (text: string, hasFragment: HasFragment): string => {
  const hash = text.indexOf("#")
  return hash !== -1 && (text.includes("=", hash) || hasFragment(text.slice(0, hash)))
    ? withoutFragment(text)
    : displayPathAndQuery(text)
}
