/**
 * Reads a named pipe, a terminal or another device.
 *
 * A pipe is opened without a wait for a writer, and read when it has data. A call that waits would block a thread of Node's pool. Such
 * a call cannot be cancelled, and the process could not exit.
 */
import { closeSync, constants, createReadStream, openSync } from "node:fs"
import { Socket } from "node:net"
import type { Readable } from "node:stream"
import { isatty, ReadStream } from "node:tty"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { fromCause } from "../../../DownloadError/diskErrors.js"
import type { Disk } from "../../../DownloadError.js"

export const read = (path: string, isPipe: boolean): Stream.Stream<Uint8Array, Disk> => {
  const failed = (cause: unknown) => fromCause(path, cause)
  return Stream.unwrap(
    Effect.map(Effect.try({ try: () => open(path, isPipe), catch: failed }), (readable) =>
      NodeStream.fromReadable<Disk, Uint8Array>(() => readable, failed)
    )
  )
}

const open = (path: string, isPipe: boolean): Readable =>
  openWithoutWait(path, constants.O_RDONLY, (descriptor) =>
    isPipe
      ? // On Linux, a pipe that had no writer yet is not at its end.
        new Socket({ fd: descriptor, readable: true, writable: false })
      : isatty(descriptor)
        ? new ReadStream(descriptor)
        : createReadStream(path, { fd: descriptor })
  )

/** Opens a path, and makes a stream of the descriptor. An open that waits for the other end could not be cancelled. */
export const openWithoutWait = <A>(path: string, access: number, toStream: (descriptor: number) => A): A => {
  const descriptor = openSync(path, access | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    return toStream(descriptor)
  } catch (cause) {
    closeSync(descriptor)
    throw cause
  }
}
