/**
 * Names of files, made from URLs: the last segment, the host and the path, or a template.
 *
 * A name is a path below some directory, with `/` between its segments. Each segment is visible, printable, and accepted by every file
 * system, and none is `..`. Two URLs may have one name: the caller makes names unique.
 *
 * @since 0.2.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { closest, distance } from "fastest-levenshtein"
import * as DisplayUrl from "./internal/text/displayUrl.js"
import * as FileNames from "./internal/text/fileNames.js"
import * as Printable from "./internal/text/printable.js"

/**
 * What a name is made from.
 *
 * @category models
 * @since 0.2.0
 */
export interface Source {
  readonly url: string
  /** The position in the input, from 1. */
  readonly index: number
}

/**
 * A name, and whether it differs from the text of the URL because that text is not safe.
 *
 * @category models
 * @since 0.2.0
 */
export interface Name {
  readonly path: string
  readonly isChanged: boolean
  /** True if a segment was longer than 200 bytes. Default: false. */
  readonly isShortened?: boolean | undefined
}

/**
 * Makes the name of a file. Has no side effects.
 *
 * @category models
 * @since 0.2.0
 */
export type Naming = (source: Source) => Name

/**
 * The last segment of the path, or `index.html` if it is empty.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromUrl: Naming = ({ url }) => {
  const wanted = FileNames.segmentOf(url)
  const path = FileNames.fromText(wanted)
  return { path, isChanged: isOther(wanted, path), ...shortened([wanted]) }
}

/**
 * The host and the directories of the path, and then the last segment: `example.com/a/b.zip`. A port follows the host after a `+`.
 * The query is left out, because it may contain secrets.
 *
 * @category constructors
 * @since 0.2.0
 */
export const withHost: Naming = ({ url }) => {
  const { directories, host, name } = partsOf(url)
  return safePath([host, ...directories, name])
}

/**
 * Names files by a template such as `{host}/{index:03}-{name}.{ext}`. A `/` separates directories.
 *
 * `{host}` is the host with its port, `{path}` the directories of the URL's path, `{name}` the last segment without its extension,
 * `{ext}` the extension, `{query}` the query, `{index}` the position in the input, and `{date}` the date of `today`. `{index:03}` has at
 * least 3 digits. If `{ext}` is empty, a dot before it is left out. `{{` and `}}` are braces. Returns the problem of a wrong template,
 * as a sentence.
 *
 * @category constructors
 * @since 0.2.0
 */
export const template = (text: string, today: string): Either.Either<Naming, string> =>
  Either.map(parse(text), (parts) => (source) => {
    const url = partsOf(source.url)
    const values: Values = { ...url, ...splitName(url.name), ...source, date: today }
    let path = ""
    for (const part of parts) {
      if (typeof part === "string") {
        path += part
      } else {
        const value = part.value(values)
        path = value === "" && part.name === "ext" ? path.replace(/\.$/, "") : path + value
      }
    }
    return safePath(path.split("/"))
  })

/**
 * The date now in UTC, as `2026-01-31`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const today: Effect.Effect<string> = Effect.map(Clock.currentTimeMillis, (millis) =>
  new Date(millis).toISOString().slice(0, 10)
)

interface Values {
  readonly host: string
  readonly directories: ReadonlyArray<string>
  readonly name: string
  readonly ext: string
  readonly query: string
  readonly index: number
  readonly date: string
}

interface Placeholder {
  readonly name: string
  readonly value: (values: Values) => string
}

const placeholders: Readonly<Record<string, (values: Values) => string>> = {
  host: ({ host }) => oneSegment(host),
  path: ({ directories }) => directories.map(oneSegment).join("/"),
  name: ({ name }) => oneSegment(name),
  ext: ({ ext }) => ext,
  query: ({ query }) => oneSegment(query),
  index: ({ index }) => `${index}`,
  date: ({ date }) => date
}

const parse = (text: string): Either.Either<ReadonlyArray<string | Placeholder>, string> => {
  const wrong = problemOf(text)
  if (wrong !== undefined) {
    return Either.left(wrong)
  }
  const parts: Array<string | Placeholder> = []
  for (const [token, content] of text.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    if (token === "{{" || token === "}}") {
      parts.push(token.charAt(0))
    } else if (content !== undefined) {
      const placeholder = placeholderOf(content)
      if (typeof placeholder === "string") {
        return Either.left(placeholder)
      }
      parts.push(placeholder)
    } else if (token === "{" || token === "}") {
      return Either.left(`it has a single '${token}'; write '${token}${token}' for a brace`)
    } else {
      parts.push(token)
    }
  }
  return Either.right(parts)
}

const problemOf = (text: string): string | undefined => {
  if (text === "" || text.endsWith("/")) {
    return "it must end with the name of a file"
  }
  if (text.startsWith("/")) {
    return "it must not begin with '/', because files are saved below the directory"
  }
  return text.split("/").some((segment) => segment === "." || segment === "..")
    ? "it must not have the segments '.' and '..'"
    : undefined
}

/** The placeholder with this text between its braces, or the problem. */
const placeholderOf = (content: string): Placeholder | string => {
  const [, digits] = /^index:0?(\d{1,2})$/.exec(content) ?? []
  if (digits !== undefined) {
    return { name: "index", value: ({ index }) => `${index}`.padStart(Number(digits), "0") }
  }
  const value = Object.hasOwn(placeholders, content) ? placeholders[content] : undefined
  if (value !== undefined) {
    return { name: content, value }
  }
  const names = Object.keys(placeholders)
  const meant = content.length > 20 ? "" : closest(content, names)
  const known = names.map((name) => `{${name}}`).join(", ")
  return `unknown placeholder '{${Printable.excerpt(content)}}'; ${
    meant !== "" && distance(content, meant) <= 2 ? `did you mean '{${meant}}'?` : `there are ${known}`
  }`
}

interface UrlParts {
  readonly host: string
  readonly directories: ReadonlyArray<string>
  readonly name: string
  readonly query: string
}

const partsOf = (url: string): UrlParts => {
  const parsed = DisplayUrl.parse(url)
  if (parsed === undefined || !DisplayUrl.isHttp(parsed)) {
    return { host: "", directories: [], name: "", query: "" }
  }
  const { hostname, pathname, port, search } = parsed
  const directories = pathname.split("/").slice(1, -1)
  return {
    host: port === "" ? hostname : `${hostname}+${port}`,
    directories: directories.map(FileNames.decodeSegment).filter((segment) => segment !== ""),
    name: FileNames.segmentOf(url),
    query: Either.getOrElse(Encoding.decodeUriComponent(search.slice(1)), () => search.slice(1))
  }
}

/** The name and the extension. A name without a safe extension has none. */
const splitName = (segment: string): { readonly name: string; readonly ext: string } => {
  const name = segment === "" ? FileNames.fromText("") : segment
  const suffix = FileNames.suffixOf(name)
  return suffix === name
    ? { name, ext: "" }
    : { name: name.slice(0, name.length - suffix.length), ext: suffix.slice(1) }
}

const oneSegment = (text: string): string => text.replace(/[/\\]/g, "_")

/** The safe form of the segments. Empty directories are left out. */
const safePath = (segments: ReadonlyArray<string>): Name => {
  const directories = segments.slice(0, -1).filter((segment) => segment !== "")
  const name = segments.at(-1) ?? ""
  const safe = [...directories.map(safeDirectory), FileNames.fromText(name)]
  const isChanged =
    isOther(name, safe.at(-1) ?? "") || directories.some((wanted, index) => isOther(wanted, safe[index] ?? ""))
  return { path: safe.join("/"), isChanged, ...shortened(segments) }
}

const safeDirectory = (segment: string): string => {
  const name = FileNames.fromText(segment)
  // A directory is not an index.
  return name === FileNames.fallback && segment !== name ? "_" : name
}

const shortened = (segments: ReadonlyArray<string>): Pick<Name, "isShortened"> =>
  segments.some(FileNames.isTooLong) ? { isShortened: true } : {}

const isOther = (wanted: string, safe: string): boolean =>
  wanted !== "" && wanted !== safe && wanted.normalize("NFC") !== safe
