/**
 * A journal in a file. Each entry is one line of JSON, and lines are only appended. If a crash has truncated a line, the journal
 * ignores this line and starts a new one. The entries stay in the file: in memory are the places of those that were looked for.
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
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fromCause } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { andThen } from "../internal/andThen.js"
import * as Printable from "../internal/text/printable.js"
import { Entry, Journal, SavedNames } from "../Journal.js"
import { parse } from "./directory/line.js"
import { LineIndex, type LineKeys, StateFile, urlIn } from "./directory/lineIndex.js"

const Line = Schema.parseJson(Entry)

const decode = Schema.decodeUnknownEither(Line)

const encode = Schema.encodeSync(Line)

// A power cut can leave zeros.
const isBlank = (line: string): boolean => /^[\s\0]*$/.test(line)

/** True for a line of another kind of file. A line that a crash has cut is the beginning of an object, and is not JSON. */
const isForeign = (line: string): boolean =>
  Either.isLeft(decode(line)) && (!line.startsWith("{") || parse(line) !== undefined)

const isMissing = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/**
 * A journal in this file, which is created if it is missing. Building the layer fails with `Disk` if the file cannot be read or
 * written, or if its first line shows that it is not a journal. The journal keeps 17 bytes in memory for each destination and each URL
 * of the file, and for those that it records itself only after an entry of this run was looked for. Closing the layer closes the file.
 *
 * An interruption does not stop a write that has begun. An entry that waits for the write of an earlier entry is not written if its
 * fiber is interrupted or the layer is closed.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (path: string): Layer.Layer<Journal | SavedNames, Disk, FileSystem.FileSystem> =>
  fromFile(path, false)

/**
 * What is in a journal, without changing it: nothing is recorded. A missing file is an empty journal. Building the layer fails with
 * `Disk` if the file cannot be read, or if its first line shows that it is not a journal.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerReadOnly = (path: string): Layer.Layer<Journal | SavedNames, Disk, FileSystem.FileSystem> =>
  Layer.unwrapEffect(
    Effect.flatMap(FileSystem.FileSystem, (fs) =>
      Effect.match(fs.access(path), {
        onFailure: (error) => (isMissing(error) ? empty : fromFile(path, true)),
        onSuccess: () => fromFile(path, true)
      })
    )
  )

const empty = Layer.succeedContext(
  Context.make(Journal, { record: () => Exit.void, last: () => Exit.succeed(undefined) }).pipe(
    Context.add(SavedNames, {
      ofUrl: () => Exit.succeed(undefined),
      load: () => Exit.succeed(false),
      has: () => false
    })
  )
)

const fromFile = (path: string, isReadOnly: boolean): Layer.Layer<Journal | SavedNames, Disk, FileSystem.FileSystem> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const toDisk = (error: PlatformError) => fromCause(path, error)
      const first = yield* fs.stream(path).pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.catchAll((error) => (isMissing(error) ? Stream.empty : Stream.fail(toDisk(error)))),
        Stream.filter((line) => !isBlank(line)),
        Stream.runHead
      )
      if (Option.isSome(first) && isForeign(first.value)) {
        const detail = "it is not a journal, and stays as it is"
        return yield* new Disk({ path: Printable.line(path), reason: "other", detail })
      }
      const file = isReadOnly ? undefined : yield* Effect.mapError(fs.open(path, { flag: "a+" }), toDisk)
      const reading = yield* Effect.mapError(fs.open(path, { flag: "r" }), toDisk)
      // Another file may get the descriptor of a file that is closed.
      let isClosed = false
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          isClosed = true
        })
      )
      const ifOpen = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
        Effect.suspend(() => (isClosed ? Effect.dieMessage("the journal is closed") : effect))
      const writes = yield* Effect.makeSemaphore(1)
      // A full disk may have taken a part of a line.
      let isCut = false
      const append = (text: string) =>
        file === undefined
          ? Exit.void
          : Effect.suspend(() => {
              const bytes = new TextEncoder().encode(isCut ? `\n${text}` : text)
              isCut = true
              return Effect.map(Effect.mapError(file.writeAll(bytes), toDisk), () => {
                isCut = false
              })
            })
      // A crash may have truncated the last line.
      const { size } = yield* Effect.mapError(reading.stat, toDisk)
      if (size > 0n) {
        yield* append("\n")
      }
      // A `File` has one position for all reads.
      const reads = yield* Effect.makeSemaphore(1)
      const known = new StateFile(path, "")
      const index = new LineIndex(
        {
          read: (_, positionBytes, into) =>
            Effect.map(readAt(reading, positionBytes, into), (readBytes) => ({
              identity: path,
              sizeBytes: positionBytes + readBytes,
              modifiedMillis: 0,
              readBytes
            }))
        },
        keysOf
      )
      const scan = Effect.suspend(() => {
        if (known.isScanned) {
          return Exit.void
        }
        // An entry that is recorded during the scan needs another one.
        known.isScanned = true
        // Also after an interruption: the next look reads on.
        return Effect.onError(index.scan(known), () =>
          Effect.sync(() => {
            known.isScanned = false
          })
        )
      })
      const looking = <A>(look: () => Effect.Effect<A, unknown>): Effect.Effect<A, unknown> =>
        ifOpen(reads.withPermits(1)(Effect.flatMap(scan, look)))
      const entryIn = (line: string | undefined): Entry | undefined =>
        line === undefined ? undefined : Option.getOrUndefined(Either.getRight(decode(line)))
      const newest = (destination: string): Effect.Effect<Entry | undefined, unknown> =>
        andThen(index.lineOfPath(known, destination), (line) => {
          const entry = entryIn(line)
          return Exit.succeed(entry?.destination === destination ? entry : undefined)
        })
      yield* Effect.mapError(
        looking(() => Effect.void),
        (cause) => fromCause(path, cause)
      )
      const journal = Journal.of({
        record: (entry) =>
          ifOpen(append(`${encode(entry)}\n`)).pipe(
            Effect.tap(
              Effect.sync(() => {
                known.isScanned = false
              })
            ),
            Effect.uninterruptible,
            writes.withPermits(1),
            Effect.orDie
          ),
        last: (destination) => Effect.orDie(looking(() => newest(destination)))
      })
      return Context.make(Journal, journal).pipe(
        Context.add(SavedNames, {
          ofUrl: (directory, key) =>
            Effect.orDie(
              looking(() =>
                Effect.flatMap(index.lineOfUrl(known, urlIn(directory, key)), (line) => {
                  const found = entryIn(line)
                  return found?.urlKey !== key || directoryOf(found.destination) !== directory
                    ? Exit.succeed(undefined)
                    : // A later line may say that the file came from another URL.
                      Effect.map(newest(found.destination), (entry) =>
                        entry?.urlKey === key ? entry.destination : undefined
                      )
                })
              )
            ),
          load: () => Exit.succeed(known.liveLines > 0),
          has: (path) => index.has(path)
        })
      )
    })
  )

/** Reads until the array is full or the file ends, and returns the number of bytes. */
const readAt = (
  file: FileSystem.File,
  positionBytes: number,
  into: Uint8Array
): Effect.Effect<number, PlatformError> => {
  const more = (filledBytes: number): Effect.Effect<number, PlatformError> =>
    Effect.flatMap(file.read(into.subarray(filledBytes)), (bytes) =>
      bytes === FileSystem.Size(0) || filledBytes + Number(bytes) === into.length
        ? Effect.succeed(filledBytes + Number(bytes))
        : more(filledBytes + Number(bytes))
    )
  return Effect.zipRight(file.seek(FileSystem.Size(positionBytes), "start"), more(0))
}

const keysOf = (line: string): LineKeys | "cut" | "damaged" => {
  if (isBlank(line)) {
    return "cut"
  }
  const { bytes, destination, outcome, urlKey } = parse(line) ?? {}
  if (typeof destination !== "string" || typeof outcome !== "string") {
    return "damaged"
  }
  const url = typeof urlKey === "string" ? urlIn(directoryOf(destination), urlKey) : undefined
  return { path: destination, url, isOfFile: typeof bytes === "number" }
}

const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
