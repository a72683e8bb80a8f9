/**
 * Reads a list in any format into items, while its bytes arrive.
 *
 * The stream has a few items in each chunk, because items wait in memory until the run takes them.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { UsageError } from "../../UsageError.js"
import type { BaseUrl } from "./baseUrl.js"
import { type Detected, detect } from "./detect.js"
import { ChecksumList } from "./formats/checksumList.js"
import { JsonLines } from "./formats/jsonLines.js"
import { UriList } from "./formats/uriList.js"
import type { Entries, Entry, Fields, Format, Line } from "./item.js"
import { Lines } from "./lines.js"

// 64 KiB of a file are a thousand lines. V8 would move that many requests to its old generation.
const itemsAtMost = 32

export interface Options {
  /** The name of the list in messages about its lines. */
  readonly name: string
  /** The beginning of messages about the whole list. */
  readonly label: string
  readonly baseUrl: BaseUrl | undefined
  /** Called once for each key that has no meaning here. */
  readonly onIgnored: (key: string) => void
}

/** If the bytes fail, an item whose lines have not all arrived is dropped. */
export const fromBytes = <E, R>(
  bytes: Stream.Stream<Uint8Array, E, R>,
  options: Options
): Stream.Stream<Entry, E | UsageError, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(bytes)
      const scope = yield* Effect.scope
      const list = new List(options)
      const more = Effect.matchEffect(pull, {
        onSuccess: (chunk) => Effect.sync(() => list.lines.add(chunk)),
        onFailure: (end) => (Option.isSome(end) ? Effect.fail(end) : Effect.sync(() => list.lines.end()))
      })
      // The bytes that are asked for, while an item waits for them.
      let asked: Fiber.RuntimeFiber<void, Option.Option<E>> | undefined
      const awaitAsked = Effect.fnUntraced(function* (fiber: Fiber.RuntimeFiber<void, Option.Option<E>>) {
        // A list may pause after a URL for as long as it likes, so the options of a URL can only be awaited for a while.
        const arrived = list.isWaiting() ? yield* Effect.timeoutOption(Fiber.join(fiber), "500 millis") : undefined
        if (arrived === undefined) {
          yield* Fiber.join(fiber)
        } else if (Option.isNone(arrived)) {
          list.pause()
          return
        }
        asked = undefined
      })
      const awaitMore = Effect.suspend(() => {
        if (asked !== undefined) {
          return awaitAsked(asked)
        }
        return list.isWaiting()
          ? Effect.flatMap(Effect.forkIn(more, scope), (fiber) => {
              asked = fiber
              return awaitAsked(fiber)
            })
          : more
      })
      const take: Effect.Effect<Chunk.Chunk<Entry>, Option.Option<E | UsageError>, R> = Effect.suspend(() => {
        const taken = list.take()
        if (taken.length > 0) {
          return Effect.succeed(Chunk.unsafeFromArray(taken))
        }
        const { detected } = list
        if (detected !== undefined) {
          const loaded = Effect.mapError(formatOf(detected, options, list), Option.some)
          return Effect.flatMap(loaded, (format) => {
            list.begin(format, detected)
            return take
          })
        }
        return list.isOver ? Effect.fail(Option.none()) : Effect.zipRight(awaitMore, take)
      })
      return Stream.repeatEffectChunkOption(take)
    })
  )

class List implements Entries {
  readonly lines = new Lines()
  /** The format of the list, until it is loaded. */
  detected: Detected | undefined
  /** True if the list has no more entries. */
  isOver = false
  private format: Format | undefined
  /** The line by which the format was detected. */
  private first: Line | undefined
  private readonly entries: Array<Entry> = []
  private readonly ignored = new Set<string>()

  constructor(private readonly options: Options) {}

  isWaiting(): boolean {
    return this.format?.isWaiting() ?? false
  }

  pause(): void {
    this.format?.pause()
  }

  /** The next entries. None if more bytes or the format are needed, or if the list is over. */
  take(): Array<Entry> {
    while (this.entries.length < itemsAtMost && this.detected === undefined) {
      const line = this.lines.next()
      if (line === undefined) {
        this.endIfOver()
        break
      }
      if (this.format === undefined) {
        this.detected = detect(line.text)
        this.first = line
      } else {
        this.format.line(line)
      }
    }
    return this.entries.splice(0)
  }

  /** Begins with the line by which the format was detected. */
  begin(format: Format, detected: Detected): void {
    this.detected = undefined
    this.format = format
    const isHeading = detected._tag === "Urls" && detected.isHeading
    if (this.first !== undefined && !isHeading) {
      format.line(this.first)
    }
  }

  item(line: number, url: string, fields: Fields): void {
    const { baseUrl, name } = this.options
    this.entries.push({
      _tag: "Item",
      url: baseUrl === undefined ? url : baseUrl.resolve(url),
      place: { list: name, line },
      fields
    })
  }

  refuse(line: number, problem: string): void {
    this.entries.push({ _tag: "Refused", place: { list: this.options.name, line }, problem })
  }

  readonly ignore = (key: string): void => {
    if (!this.ignored.has(key) && this.ignored.size < ignoredAtMost) {
      this.ignored.add(key)
      this.options.onIgnored(key)
    }
  }

  private endIfOver(): void {
    if (this.lines.isOver && !this.isOver) {
      this.isOver = true
      this.format?.end()
    }
  }
}

// Objects may have a new key on each line.
const ignoredAtMost = 20

/** The format, with the code that it needs. */
const formatOf = Effect.fnUntraced(function* (
  detected: Detected,
  { baseUrl, label }: Options,
  entries: Entries
): Effect.fn.Return<Format, UsageError> {
  switch (detected._tag) {
    case "Urls":
      return new UriList(entries)
    case "Json":
      return new JsonLines(entries)
    case "Table": {
      const [{ Table }, papa] = yield* Effect.promise(() =>
        Promise.all([import("./formats/table.js"), import("papaparse")])
      )
      return new Table(papa.default, detected.delimiter, entries)
    }
    case "Checksums":
      return baseUrl === undefined
        ? yield* new UsageError({
            message: `${label}: it has checksums and no URLs; add --base-url URL, or give it as --sums FILE`
          })
        : new ChecksumList(baseUrl, entries)
    case "Refused":
      return yield* new UsageError({ message: `${label}: ${detected.problem}` })
  }
})
