/**
 * A store for one content that goes to a consumer in order: an output stream, or the reader of a `Stream`.
 *
 * Written bytes cannot be taken back, and there is no file to rename. So a transfer can continue after a failure, but it cannot
 * start over, and nothing is kept for a later run. A transfer that starts over with the same version of the content may write the
 * same bytes again: the part drops them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { Disk } from "../DownloadError.js"
import { andThen, isExit } from "../internal/andThen.js"
import type { Opened, Part, Store } from "../Store.js"

export interface Sink {
  /** The number of bytes that were taken, also by a write that was interrupted later. */
  readonly takenBytes: number
  /** Takes the chunk. The caller may use its memory again when the Effect has ended or was interrupted. */
  readonly write: (chunk: Uint8Array) => Effect.Effect<void, Disk>
  /** Ends the content after all writes. */
  readonly end: Effect.Effect<void, Disk>
}

/** `sinkOf` gives the same sink each time. `labelOf` gives the name of a destination in errors. */
export const make = (
  sinkOf: (destination: string) => Effect.Effect<Sink, Disk>,
  labelOf: (destination: string) => string
): typeof Store.Service => {
  const unreadable = (destination: string): Disk =>
    new Disk({ path: labelOf(destination), reason: "other", detail: "it cannot be read" })

  const failure = (destination: string, detail: string): Exit.Exit<never, Disk> =>
    Exit.fail(new Disk({ path: labelOf(destination), reason: "other", detail }))

  const partOf = (destination: string, sink: Sink): Part => ({
    reserve: () => Exit.void,
    write: (chunk, positionBytes) => {
      const repeatedBytes = sink.takenBytes - positionBytes
      return repeatedBytes < 0
        ? failure(destination, `it can only be written in order, and ${sink.takenBytes} bytes are written already`)
        : repeatedBytes >= chunk.length
          ? Exit.void
          : sink.write(repeatedBytes === 0 ? chunk : chunk.subarray(repeatedBytes))
    },
    read: () => Exit.fail(unreadable(destination)),
    checkpoint: () => Exit.void,
    publish: () => Effect.as(sink.end, destination),
    close: () => Exit.void
  })

  const opened = (destination: string, sink: Sink): Effect.Effect<Opened, Disk> =>
    sink.takenBytes === 0
      ? Exit.succeed({ part: partOf(destination, sink), record: undefined })
      : failure(destination, `the transfer would have to start over, and ${sink.takenBytes} bytes are written already`)

  return {
    prepare: (destination) => {
      const sink = sinkOf(destination)
      return isExit(sink) ? Exit.asVoid(sink) : Effect.asVoid(sink)
    },
    stat: () => Exit.succeed(undefined),
    read: (destination) => Stream.fail(unreadable(destination)),
    open: (destination) => andThen(sinkOf(destination), (sink) => opened(destination, sink))
  }
}
