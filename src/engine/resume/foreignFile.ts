/**
 * Files that another tool has left unfinished at a destination or beside it.
 *
 * Nothing in them proves which version they are of. Only the digest of the whole content does, when the rest has arrived. They are
 * copied into a part, and are not changed.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Disk } from "../../DownloadError.js"
import type { Part, Store } from "../../Store.js"
import type { Range } from "../segments/rangeMap.js"
import * as Aria2Control from "./aria2Control.js"

export interface ForeignFile {
  readonly path: string
  /** The tool's length of the whole file, if its control file says it. */
  readonly totalBytes: number | undefined
  readonly ranges: ReadonlyArray<Range>
}

type Files = typeof Store.Service

// A control file has a bit for each piece. Anything larger was not written by aria2.
const controlBytesAtMost = 16 * 1024 * 1024

/** Finds the file of aria2, of curl or wget (at the destination), of Chromium or of Firefox. It fails with no error. */
export const find = (store: Files, destination: string): Effect.Effect<ForeignFile | undefined> =>
  Effect.gen(function* () {
    const control = yield* sizeOf(store, Aria2Control.pathOf(destination))
    if (control > 0) {
      return yield* ofAria2(store, destination, control)
    }
    for (const path of [destination, `${destination}.crdownload`, `${destination}.part`]) {
      const sizeBytes = yield* sizeOf(store, path)
      if (sizeBytes > 0) {
        return { path, totalBytes: undefined, ranges: [{ startBytes: 0, endBytes: sizeBytes }] }
      }
    }
    return undefined
  })

/** Copies the ranges of a file into a part. */
export const copy = (store: Files, { path, ranges }: ForeignFile, part: Part): Effect.Effect<void, Disk> => {
  let positionBytes = 0
  let next = 0
  return Stream.runForEach(store.read(path), (chunk) =>
    Effect.gen(function* () {
      const startBytes = positionBytes
      positionBytes += chunk.length
      for (let range = ranges[next]; range !== undefined && range.startBytes < positionBytes; range = ranges[next]) {
        const from = Math.max(range.startBytes, startBytes)
        const to = Math.min(range.endBytes, positionBytes)
        if (to > from) {
          yield* part.write(chunk.subarray(from - startBytes, to - startBytes), from)
        }
        if (range.endBytes > positionBytes) {
          break
        }
        next++
      }
    })
  )
}

const ofAria2 = Effect.fnUntraced(function* (store: Files, destination: string, controlBytes: number) {
  const sizeBytes = yield* sizeOf(store, destination)
  if (controlBytes > controlBytesAtMost || sizeBytes === 0) {
    return undefined
  }
  const chunks: Array<number> = []
  const reading = Stream.runForEach(store.read(Aria2Control.pathOf(destination)), (chunk) =>
    Effect.sync(() => {
      for (const byte of chunk) {
        chunks.push(byte)
      }
    })
  )
  const control = yield* Effect.match(reading, {
    onFailure: () => undefined,
    onSuccess: () => Aria2Control.parse(Uint8Array.from(chunks))
  })
  return control === undefined
    ? undefined
    : {
        path: destination,
        totalBytes: control.totalBytes,
        // The file may be shorter than aria2 says after a power cut.
        ranges: control.ranges.flatMap(({ endBytes, startBytes }) =>
          startBytes < sizeBytes ? [{ startBytes, endBytes: Math.min(endBytes, sizeBytes) }] : []
        )
      }
})

/** 0 if there is no regular file. */
const sizeOf = (store: Files, path: string): Effect.Effect<number> =>
  Effect.match(
    Effect.suspend(() => store.stat(path)),
    { onFailure: () => 0, onSuccess: (found) => found?.sizeBytes ?? 0 }
  )
