/**
 * The URLs of `halyard get`, in order: first the arguments, then the list. The list is read while the run goes on.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Digest from "../../internal/digest.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import { UsageError } from "../UsageError.js"
import * as Headers from "./headers.js"
import { bytesOf, isStandardInput } from "./input.js"
import * as Lines from "./lines.js"
import type { Options } from "./options.js"

/** Opens the list, if there is one. */
export const open = Effect.fnUntraced(function* (urls: ReadonlyArray<string>, options: Options) {
  const { input } = options
  if (urls.length === 0 && input === undefined) {
    return yield* new UsageError({ message: "give a URL, or a list of URLs with --input FILE" })
  }
  const isOneUrl = urls.length === 1 && input === undefined
  if (options.output !== undefined && !isOneUrl) {
    return yield* new UsageError({ message: "--output FILE is for exactly one URL; use --directory DIR for several" })
  }
  if (options.checksum !== undefined && !isOneUrl) {
    return yield* new UsageError({ message: "--checksum DIGEST is for exactly one URL" })
  }
  if ((options.method !== undefined || options.data !== undefined) && !isOneUrl) {
    const option = options.method === undefined ? "--data DATA" : "--request METHOD"
    return yield* new UsageError({ message: `${option} is for exactly one URL` })
  }
  const sources = [...options.header, ...(options.data === undefined ? [] : [options.data])]
  const files = sources.flatMap((source) => (source._tag === "File" ? [source.path] : []))
  if ([...files, input ?? ""].filter(isStandardInput).length > 1) {
    return yield* new UsageError({ message: "standard input can be read once, for --input, --data or one --header" })
  }
  if (options.checksum !== undefined && Digest.parse(options.checksum) === undefined) {
    return yield* new UsageError({ message: `--checksum DIGEST ${Digest.rule}` })
  }
  const given: Stream.Stream<Lines.Line> = Stream.fromIterable(urls)
  if (input === undefined) {
    return given
  }
  const bytes = yield* bytesOf(`--input ${Printable.line(input)}`, input)
  return urls.length === 0 ? Lines.fromBytes(bytes) : Stream.concat(given, Lines.fromBytes(bytes))
})

/**
 * The lines, and the headers for the origin of the first line. The first line is read before any request, because headers
 * without an origin are an error.
 */
export const withHeaders = Effect.fnUntraced(function* <E, R>(
  lines: Stream.Stream<Lines.Line, E, R>,
  urls: ReadonlyArray<string>,
  headers: Headers.Headers
) {
  if (Object.keys(headers).length === 0) {
    return { lines, originHeaders: undefined }
  }
  const [head, rest] = yield* Stream.peel(lines, Sink.head<Lines.Line>())
  if (Option.isNone(head)) {
    return { lines: rest, originHeaders: undefined }
  }
  const first = head.value
  const originHeaders =
    typeof first === "string" ? Headers.OriginHeaders.of(first, headers) : Either.left(first.problem)
  if (Either.isLeft(originHeaders)) {
    const which = urls.length === 0 ? "the first URL of the list" : `the first URL, ${displayUrl(urls[0] ?? "")}`
    return yield* new UsageError({ message: `--header is for the origin of ${which}: ${originHeaders.left}` })
  }
  return { lines: Stream.concat(Stream.make(first), rest), originHeaders: originHeaders.right }
})
