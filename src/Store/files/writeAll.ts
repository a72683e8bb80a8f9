/**
 * Writes all bytes of a chunk, by as many writes as that takes.
 *
 * @internal
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { andThen, isExit } from "../../internal/andThen.js"
import type { FileOperations } from "./fileOperations.js"
import type { Buffered } from "./writeBuffer.js"

type Write<Handle> = Pick<FileOperations<Handle>, "write">

// Maximum number of consecutive writes in which the device takes no bytes.
const maxEmptyWrites = 16

/** Writes the chunks one after another. */
export const writeEach = <Handle>(
  operations: Write<Handle>,
  handle: Handle,
  chunks: ReadonlyArray<Buffered>,
  index = 0
): Effect.Effect<void, unknown> => {
  const chunk = chunks[index]
  return chunk === undefined
    ? Exit.void
    : andThen(writeAll(operations, handle, chunk), () => writeEach(operations, handle, chunks, index + 1))
}

export const writeAll = <Handle>(
  operations: Write<Handle>,
  handle: Handle,
  { bytes, startBytes }: Buffered,
  emptyWrites = 0
): Effect.Effect<void, unknown> => {
  let doneBytes = 0
  let empty = emptyWrites
  const count = (writtenBytes: number): void => {
    doneBytes += writtenBytes
    empty = writtenBytes === 0 ? empty + 1 : 0
  }
  while (doneBytes < bytes.length) {
    if (empty === maxEmptyWrites) {
      return Exit.fail(new TakesNothing({ message: "the device takes no bytes" }))
    }
    const writing = operations.write(
      handle,
      doneBytes === 0 ? bytes : bytes.subarray(doneBytes),
      startBytes + doneBytes
    )
    if (!isExit(writing)) {
      return Effect.flatMap(writing, (writtenBytes) => {
        count(writtenBytes)
        return writeAll(
          operations,
          handle,
          { bytes: bytes.subarray(doneBytes), startBytes: startBytes + doneBytes },
          empty
        )
      })
    }
    if (Exit.isFailure(writing)) {
      return Exit.asVoid(writing)
    }
    count(writing.value)
  }
  return Exit.void
}

/** Repeated writes of the device have taken no bytes. */
class TakesNothing extends Data.TaggedError("TakesNothing")<{ readonly message: string }> {}
