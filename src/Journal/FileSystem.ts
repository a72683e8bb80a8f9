/**
 * A journal in a file. Each entry is one line of JSON, and lines are only appended. If a crash has truncated a line, the journal
 * ignores this line and starts a new one.
 *
 * @since 0.2.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fromCause } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import * as Printable from "../internal/text/printable.js"
import { addEntry, Entry, Journal, SavedNames } from "../Journal.js"

const Line = Schema.parseJson(Entry)

const decode = Schema.decodeUnknownEither(Line)

const encode = Schema.encodeSync(Line)

// A power cut can leave zeros.
const isBlank = (line: string): boolean => /^[\s\0]*$/.test(line)

/** True for a line of another kind of file. A line that a crash has cut is the beginning of an object, and is not JSON. */
const isForeign = (line: string): boolean =>
  !isBlank(line) && (!line.startsWith("{") || Either.isRight(Schema.decodeUnknownEither(Schema.parseJson())(line)))

const isMissing = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/**
 * A journal in this file, which is created if it is missing. Building the layer fails with `Disk` if the file cannot be read or
 * written, or if its first line shows that it is not a journal. The last entry for each destination is kept in memory. Closing the layer closes the file.
 *
 * An interruption does not stop a write that has begun. An entry that waits for the write of an earlier entry is not written if its
 * fiber is interrupted or the layer is closed.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (path: string): Layer.Layer<Journal | SavedNames, Disk, FileSystem.FileSystem> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const toDisk = (error: PlatformError) => fromCause(path, error)
      const last = new Map<string, Entry>()
      // The last path of each URL.
      const paths = new Map<string, string>()
      const add = (entry: Entry): void => {
        addEntry(last, entry)
        if (entry.urlKey !== undefined && entry.bytes !== undefined) {
          paths.set(`${directoryOf(entry.destination)}\u0000${entry.urlKey}`, entry.destination)
        }
      }
      let hasLines = false
      yield* fs.stream(path).pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.catchAll((error) => (isMissing(error) ? Stream.empty : Stream.fail(toDisk(error)))),
        Stream.runForEach((line) => {
          const entry = decode(line)
          if (Either.isRight(entry)) {
            add(entry.right)
          } else if (!hasLines && isForeign(line)) {
            const detail = "it is not a journal, and stays as it is"
            return Effect.fail(new Disk({ path: Printable.line(path), reason: "other", detail }))
          }
          hasLines ||= !isBlank(line)
          return Effect.void
        })
      )
      const file = yield* Effect.mapError(fs.open(path, { flag: "a+" }), toDisk)
      // Another file may get the descriptor of a file that is closed.
      let isClosed = false
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          isClosed = true
        })
      )
      const writes = yield* Effect.makeSemaphore(1)
      const append = (text: string) => Effect.mapError(file.writeAll(new TextEncoder().encode(text)), toDisk)
      // A crash may have truncated the last line.
      const { size } = yield* Effect.mapError(file.stat, toDisk)
      if (size > 0n) {
        yield* append("\n")
      }
      const journal = Journal.of({
        record: (entry) =>
          Effect.suspend(() =>
            isClosed ? Effect.dieMessage("the journal is closed") : append(`${encode(entry)}\n`)
          ).pipe(
            Effect.tap(Effect.sync(() => add(entry))),
            Effect.uninterruptible,
            writes.withPermits(1),
            Effect.orDie
          ),
        last: (destination) => Effect.sync(() => last.get(destination))
      })
      return Context.make(Journal, journal).pipe(
        Context.add(SavedNames, {
          ofUrl: (directory, key) =>
            Effect.sync(() => {
              const path = paths.get(`${directory}\u0000${key}`)
              return path !== undefined && last.get(path)?.urlKey === key ? path : undefined
            }),
          load: () => Exit.succeed(last.size > 0),
          has: (path) => last.get(path)?.bytes !== undefined
        })
      )
    })
  )

const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
