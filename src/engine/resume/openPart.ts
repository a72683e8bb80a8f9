/**
 * Opens the part of a request that resumes: the one that an earlier run has kept, a copy of what another tool has left, or an empty one.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Disk } from "../../DownloadError.js"
import { andThen } from "../../internal/andThen.js"
import type { Part, Store } from "../../Store.js"
import type { Restore } from "../hooks.js"
import type { PartialFile } from "../partialFile.js"
import * as ForeignFile from "./foreignFile.js"
import * as PartRecord from "./record.js"

/** Run it uninterruptible; `restore` makes the copying interruptible. */
export const openPart = (
  partial: PartialFile,
  store: typeof Store.Service,
  restore: Restore
): Effect.Effect<void, Disk> => {
  if (partial.part !== undefined || !partial.isResumable) {
    return Exit.void
  }
  return andThen(partial.open(store), ({ part, record }) => {
    if (record !== undefined) {
      const known = PartRecord.decode(record)
      partial.isKept = true
      if (known !== undefined) {
        partial.restore(known)
      }
      return Exit.void
    }
    // Only the digest can prove what another tool has left.
    const mayAdopt = partial.request.continue === true && partial.hasDigest
    return mayAdopt ? restore(adopted(partial, store, part)) : Exit.void
  })
}

const adopted = (partial: PartialFile, store: typeof Store.Service, part: Part): Effect.Effect<void> =>
  Effect.flatMap(ForeignFile.find(store, partial.request.destination), (found) => {
    if (found === undefined || !hasRoom(partial, found)) {
      return Effect.void
    }
    partial.isKept = true
    return Effect.match(ForeignFile.copy(store, found, part), {
      // The transfer starts over with an empty part.
      onFailure: () => {},
      onSuccess: () =>
        partial.restore({
          validator: undefined,
          totalBytes: found.totalBytes,
          isTotalOfRange: true,
          coding: "",
          type: "",
          url: "",
          source: "",
          ranges: found.ranges
        })
    })
  })

/** Whether the content may be as large as what is there of it. */
const hasRoom = ({ limitBytes, request }: PartialFile, { ranges, totalBytes }: ForeignFile.ForeignFile): boolean => {
  const { sizeBytes = totalBytes ?? Number.POSITIVE_INFINITY } = request
  const endBytes = ranges.at(-1)?.endBytes ?? 0
  return endBytes <= Math.min(limitBytes, sizeBytes) && (totalBytes ?? sizeBytes) === sizeBytes
}
