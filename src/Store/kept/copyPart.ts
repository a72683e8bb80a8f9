/**
 * Copies a part whose owner may be a process of another machine or another container. The part itself is never taken: its process may
 * still write to it, also after a long pause. The bytes that its checkpoint speaks of no longer change.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PartName from "../files/partName.js"
import { writeAll } from "../files/writeAll.js"
import type { Backend, Place, Taken, Usable } from "./leftPart.js"
import { RecordFile } from "./recordFile.js"

const blockBytes = 1024 * 1024

/** Undefined if it cannot be copied, for example because the device is full. Interruptible; then it leaves nothing. */
export const copied = <Handle>(
  { operations, shared }: Backend<Handle>,
  { destinationName, directory, prefix }: Place,
  { allocatedBytes, located, part }: Usable
): Effect.Effect<Taken | undefined> => {
  const id = PartName.tagOfId(part.id) + shared.draw()
  const path = prefix + PartName.partName(id, shared.processes.own, destinationName)
  const record = new RecordFile(prefix + PartName.recordName(id))
  const { sequence: _, ...checkpoint } = located.checkpoint
  return Effect.acquireUseRelease(
    operations.openOwn(prefix + part.name),
    (source) =>
      Effect.acquireUseRelease(
        operations.create(path, "default"),
        (target) =>
          Effect.gen(function* () {
            const block = new Uint8Array(Math.min(blockBytes, checkpoint.sizeBytes))
            let doneBytes = 0
            while (doneBytes < checkpoint.sizeBytes) {
              const wanted = block.subarray(0, checkpoint.sizeBytes - doneBytes)
              const count = yield* Effect.uninterruptible(operations.read(source, wanted, doneBytes))
              if (count === 0) {
                return yield* Effect.fail("shorter than its checkpoint")
              }
              const chunk = { bytes: wanted.subarray(0, count), startBytes: doneBytes }
              yield* Effect.uninterruptible(writeAll(operations, target, chunk))
              doneBytes += count
            }
            // The copy is not synced: it is as safe as its own next checkpoint makes it.
            yield* record.write(operations, { ...checkpoint, boot: shared.processes.boot ?? "" }, "rename", directory)
          }),
        (target, exit) =>
          Effect.zipRight(
            Effect.ignore(operations.close(target)),
            Exit.isSuccess(exit)
              ? Effect.void
              : Effect.zipRight(Effect.ignore(operations.remove(path)), record.remove(operations))
          )
      ),
    (source) => Effect.ignore(operations.close(source))
  ).pipe(
    Effect.interruptible,
    Effect.match({
      onFailure: () => undefined,
      onSuccess: () => ({ id, path, record, located, allocatedBytes })
    })
  )
}
