/**
 * The items of `halyard get`, in order: first the arguments, then the lists. The lists are read while the run goes on.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Digest from "../../../internal/digest.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import * as Printable from "../../../internal/text/printable.js"
import { StatusLine } from "../../../StatusLine.js"
import { UsageError } from "../../UsageError.js"
import { bytesOf, isStandardInput } from "../input.js"
import type { Options } from "../options.js"
import * as OriginSecrets from "../request/originSecrets.js"
import { countUrls } from "./countUrls.js"
import { Glob } from "./glob.js"
import { type Entry, noFields } from "./item.js"
import * as List from "./list.js"

/** Opens the lists, if there are any. */
export const open = Effect.fnUntraced(function* (urls: ReadonlyArray<string>, options: Options) {
  const { input } = options
  if (urls.length === 0 && input.length === 0) {
    return yield* new UsageError({ message: "give a URL, or a list of URLs with --input FILE" })
  }
  if (urls.includes("")) {
    return yield* new UsageError({
      message: `URL ${urls.indexOf("") + 1} is empty; give a URL that begins with https://`
    })
  }
  const globs = yield* globsOf(urls, options)
  const isOneUrl = globs.length === 1 && input.length === 0 && !globs.some(({ hasPatterns }) => hasPatterns)
  const isTemplate = isOutputTemplate(urls, options)
  if (options.output !== undefined && !isOneUrl && !isTemplate) {
    return yield* new UsageError({ message: "--output FILE is for exactly one URL; use --directory DIR for several" })
  }
  if (options.checksum !== undefined && !isOneUrl) {
    return yield* new UsageError({ message: "--checksum DIGEST is for exactly one URL" })
  }
  if ((options.method !== undefined || options.data !== undefined) && !isOneUrl) {
    const option = options.method === undefined ? "--data DATA" : "--request METHOD"
    return yield* new UsageError({ message: `${option} is for exactly one URL` })
  }
  const sources = [...options.header, ...options.cookie, ...(options.data === undefined ? [] : [options.data])]
  const files = sources.flatMap((source) => (source._tag === "File" ? [source.path] : []))
  if ([...files, ...input, ...options.sums, options.netrcFile ?? ""].filter(isStandardInput).length > 1) {
    return yield* new UsageError({
      message: "standard input can be read once: only one option can have - or @-"
    })
  }
  if (options.checksum !== undefined && Digest.parse(options.checksum) === undefined) {
    return yield* new UsageError({ message: `--checksum DIGEST ${Digest.rule}` })
  }
  const { line } = yield* StatusLine
  return yield* entriesOf(globs, isTemplate ? options.output : undefined, options, line)
})

/** The same entries again. Fails if a list is not a regular file, because its content can be read once. */
export const again = Effect.fnUntraced(function* (urls: ReadonlyArray<string>, options: Options) {
  const fs = yield* FileSystem.FileSystem
  for (const path of options.input) {
    const type = isStandardInput(path) ? undefined : (yield* fs.stat(path)).type
    if (type !== "File") {
      return yield* new UsageError({ message: `--input ${Printable.line(path)} can be read once` })
    }
  }
  const globs = yield* globsOf(urls, options)
  return yield* entriesOf(globs, isOutputTemplate(urls, options) ? options.output : undefined, options, () => {})
})

/** The number of entries of lists of URLs, and of arguments without patterns. Undefined for others, and for what can be read once. */
export const countLines = Effect.fnUntraced(function* (urls: ReadonlyArray<string>, options: Options) {
  const fs = yield* FileSystem.FileSystem
  const globs = yield* globsOf(urls, options)
  let count: number | undefined = globs.some(({ hasPatterns }) => hasPatterns) ? undefined : globs.length
  for (const path of options.input) {
    const isFile = !isStandardInput(path) && (yield* fs.stat(path)).type === "File"
    const lines =
      isFile && count !== undefined ? yield* countUrls(fs.stream(path, { chunkSize: 64 * 1024 })) : undefined
    count = count === undefined || lines === undefined ? undefined : count + lines
  }
  return count
})

const entriesOf = Effect.fnUntraced(function* (
  globs: ReadonlyArray<Glob>,
  template: string | undefined,
  options: Options,
  line: (text: string) => void
) {
  const lists = yield* Effect.forEach(options.input, (path) => openList(path, options, line))
  const given = Stream.fromIteratorSucceed(expanded(globs, template), expandedAtMost)
  return lists.reduce((before, list) => Stream.concat(before, list), given)
})

// A range may have millions of URLs, and a run takes a few at a time.
const expandedAtMost = 32

function* expanded(globs: ReadonlyArray<Glob>, template: string | undefined): Generator<Entry> {
  for (const glob of globs) {
    for (const { url, values } of glob.expand()) {
      const output = template?.replace(/#(\d{1,3})/g, (text, number: string) => values[Number(number) - 1] ?? text)
      yield { _tag: "Item", url, place: undefined, fields: noFields, output }
    }
  }
}

const globsOf = (urls: ReadonlyArray<string>, { noGlob }: Options): Either.Either<ReadonlyArray<Glob>, UsageError> =>
  Either.all(
    urls.map((url) =>
      noGlob
        ? Either.right(Glob.literal(url))
        : Either.mapLeft(Glob.parse(url), (problem) => new UsageError({ message: `${displayUrl(url)}: ${problem}` }))
    )
  )

/** True if `--output` has the values of the patterns of the one URL: `file_#1`. */
export const isOutputTemplate = (urls: ReadonlyArray<string>, options: Options): boolean => {
  const globs = Either.getOrElse(globsOf(urls, options), (): ReadonlyArray<Glob> => [])
  const isOne = globs.length === 1 && options.input.length === 0
  return isOne && globs.some(({ hasPatterns }) => hasPatterns) && /#\d/.test(options.output ?? "")
}

const openList = Effect.fnUntraced(function* (path: string, { baseUrl }: Options, line: (text: string) => void) {
  const label = `--input ${Printable.line(path)}`
  const name = isStandardInput(path) ? "standard input" : Printable.line(path)
  const bytes = yield* bytesOf(label, path)
  const onIgnored = (key: string): void => line(`${name}: '${Printable.excerpt(key)}' is ignored`)
  return List.fromBytes(bytes, { label, name, baseUrl, onIgnored })
})

/** The entries, and the URL of the first one if it has one. The first one is read. */
export const withFirst = Effect.fnUntraced(function* <E, R>(entries: Stream.Stream<Entry, E, R>) {
  const [head, rest] = yield* Stream.peel(entries, Sink.head<Entry>())
  const first = Option.isSome(head) && head.value._tag === "Item" ? head.value.url : undefined
  return { all: Option.isNone(head) ? rest : Stream.concat(Stream.make(head.value), rest), first }
})

/**
 * The entries, and the headers for the origin of the first item. The first item is read before any request, because headers
 * without an origin are an error.
 */
export const withHeaders = Effect.fnUntraced(function* <E, R>(
  entries: Stream.Stream<Entry, E, R>,
  urls: ReadonlyArray<string>,
  secrets: OriginSecrets.OriginSecrets
) {
  if (secrets.options.length === 0) {
    return { entries, originHeaders: undefined }
  }
  const [head, rest] = yield* Stream.peel(entries, Sink.head<Entry>())
  if (Option.isNone(head)) {
    return { entries: rest, originHeaders: undefined }
  }
  const first = head.value
  const originHeaders =
    first._tag === "Item" ? OriginSecrets.OriginHeaders.of(first.url, secrets) : Either.left(first.problem)
  if (Either.isLeft(originHeaders)) {
    const which = urls.length === 0 ? "the first URL of the list" : `the first URL, ${displayUrl(urls[0] ?? "")}`
    return yield* new UsageError({ message: `${OriginSecrets.rule(secrets)} ${which}: ${originHeaders.left}` })
  }
  return { entries: Stream.concat(Stream.make(first), rest), originHeaders: originHeaders.right }
})
