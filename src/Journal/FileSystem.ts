/**
 * A journal in a file: one JSON object a line, appended, never rewritten. A line that a crash cut short is passed over,
 * and what follows begins on a line of its own.
 *
 * @since 0.2.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fromPlatformError } from "../DownloadError/diskErrors.js"
import type { Disk } from "../DownloadError.js"
import { Entry, Journal } from "../Journal.js"

const Line = Schema.parseJson(Entry)

const decode = Schema.decodeUnknownEither(Line)

const encode = Schema.encodeSync(Line)

const isMissing = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/**
 * The journal in this file, made where it is missing. Fails with `Disk` where it cannot be read or written. The last entry
 * for each destination is kept in memory. Closing the layer closes the file.
 *
 * An entry whose write has begun is written to its end, also if its fiber is interrupted. An entry that waits for an earlier one
 * is not written if its fiber is interrupted or if the layer closes meanwhile.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (path: string): Layer.Layer<Journal, Disk, FileSystem.FileSystem> =>
  Layer.scoped(
    Journal,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const last = new Map<string, Entry>()
      yield* fs.stream(path).pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.runForEach((line) =>
          Effect.sync(() => {
            const entry = decode(line)
            if (Either.isRight(entry)) {
              last.set(entry.right.destination, entry.right)
            }
          })
        ),
        Effect.catchIf(isMissing, () => Effect.void),
        Effect.mapError(fromPlatformError(path))
      )
      const file = yield* Effect.mapError(fs.open(path, { flag: "a+" }), fromPlatformError(path))
      // Another file may get the descriptor of a file that is closed.
      let isClosed = false
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          isClosed = true
        })
      )
      const one = yield* Effect.makeSemaphore(1)
      const append = (text: string) =>
        Effect.mapError(file.writeAll(new TextEncoder().encode(text)), fromPlatformError(path))
      // What a crash left of a last line is ended here.
      const { size } = yield* Effect.mapError(file.stat, fromPlatformError(path))
      if (size > 0n) {
        yield* append("\n")
      }
      return Journal.of({
        record: (entry) =>
          Effect.suspend(() =>
            isClosed ? Effect.dieMessage("the journal is closed") : append(`${encode(entry)}\n`)
          ).pipe(
            Effect.tap(Effect.sync(() => last.set(entry.destination, entry))),
            Effect.uninterruptible,
            one.withPermits(1),
            Effect.orDie
          ),
        last: (destination) => Effect.sync(() => last.get(destination))
      })
    })
  )
