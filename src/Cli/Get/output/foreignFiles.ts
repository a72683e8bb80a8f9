/**
 * Tells what `--continue` does with the files that other tools have left.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DownloadRequest } from "../../../Download.js"
import * as ForeignFile from "../../../engine/resume/foreignFile.js"
import * as Printable from "../../../internal/text/printable.js"
import type { Store } from "../../../Store.js"

/** The same requests. Calls `note` for each that has such a file. */
export const told = <E, R>(
  requests: Stream.Stream<DownloadRequest, E, R>,
  store: typeof Store.Service,
  note: (text: string) => void
): Stream.Stream<DownloadRequest, E, R> =>
  Stream.tap(requests, ({ destination, digest }) =>
    Effect.map(ForeignFile.find(store, destination), (found) => {
      // A file at the destination alone may be whole.
      const isUnfinished = found !== undefined && (found.path !== destination || found.totalBytes !== undefined)
      if (found === undefined || (digest === undefined && !isUnfinished)) {
        return
      }
      const from = Printable.line(found.path)
      note(
        digest === undefined
          ? `${from} was left by another program, and only a checksum can prove what it is: the file is fetched whole`
          : `${from} was left by another program: its bytes are taken over, and the checksum proves them`
      )
    })
  )
